"""Loss and gradient of many adapters at once, derived by hand.

With h = [gelu(W1 x + b1); 1] and V = [W2, b2] the adapter's output is V h. Neither the output nor its norm is ever
formed: with M = [E; V^T], where E are the unit texts of the task's n classes, and S = M V (n + hidden + 1 rows),

    A = S h                 the first n rows are E V h (cosine times norm), the others V^T V h
    |V h|^2 = h . V^T V h
    logits = scale * (E V h) / |V h|

and backwards, with D the gradient at the first n rows of A, q that at |V h|^2, and C = [D; 2 q h]:

    dh = S^T C,     dV^T = (C h^T)^T M,     dz = dh * gelu'(z),     dW1 = dz x^T

Images are columns: what is summed or divided per image is then a row operation on B contiguous numbers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.batched.table import Table
from t2w.adapters.batched.weights import Weights

__all__ = ["PADDING", "Step"]

PADDING = -1e20
"""Logit of a class that a task does not have: its probability is exactly 0, and 0 x PADDING is still 0."""


class Step:
    """The forward and backward pass of T tasks, in memory that is used again at every step.

    Args:
        table: features. Their dtype is that of the products with images or class texts; it is the weights' own, or
            bfloat16.
        text: (T, n, out) unit texts in the dtype of the weights, zeros where a task has fewer classes.
        padding: (T, n, 1), 0 for a class, `PADDING` for none.
        hidden: hidden units.
        batch: images per task and step.
        scale: what cosines are multiplied by.
    """

    def __init__(self, table: Table, text: Tensor, padding: Tensor, *, hidden: int, batch: int, scale: float) -> None:
        tasks, n, out = text.shape
        units, rows, width = hidden + 1, n + hidden + 1, table.values.shape[1]
        self.table, self.padding, self.scale, self.shape = table, padding, scale, (tasks, batch)
        self.minus_one = text.new_full((tasks, 1, batch), -1.0)
        self.gathered = table.buffer(tasks * batch)
        self.m = torch.empty(tasks, rows, out, dtype=table.dtype, device=text.device)
        self.m[:, :n] = text
        self.s = text.new_empty(tasks, rows, units)
        self.z = text.new_empty(tasks, hidden, batch)
        self.h = text.new_ones(tasks, units, batch)
        self.a, self.c = text.new_empty(2, tasks, rows, batch)
        self.p, self.logits = text.new_empty(2, tasks, n, batch)
        self.k = text.new_empty(tasks, units, rows)
        self.dh, self.dz = text.new_empty(2, tasks, hidden, batch)
        self.inverse, self.q2 = text.new_empty(2, tasks, 1, batch)
        shapes = {
            "w1": (hidden, width),
            "vt": (units, out),
            "z": (hidden, batch),
            "s": (rows, units),
            "k": (units, rows),
        }
        shapes |= {"dz": (hidden, batch), "dw1": (hidden, width), "dvt": (units, out)}
        self.narrow = {
            name: torch.empty(tasks, *shape, dtype=table.dtype, device=text.device)
            for name, shape in shapes.items()
            if table.dtype != text.dtype
        }

    def _as_product(self, value: Tensor, name: str) -> Tensor:
        """`value` in the dtype of the large products."""
        return self.narrow[name].copy_(value) if self.narrow else value

    def _multiply(self, a: Tensor, b: Tensor, name: str, out: Tensor) -> None:
        """out = a b, in the dtype of a and b."""
        if self.narrow:
            out.copy_(torch.bmm(a, b, out=self.narrow[name]))
        else:
            torch.bmm(a, b, out=out)

    def gradient(self, w: Weights, g: Weights, index: Tensor, labels: Tensor, losses: Tensor | None = None) -> None:
        """Write the gradient of each task's mean cross-entropy into `g`.

        Args:
            w: the weights of T tasks.
            index: (T * B,) rows of the table, task by task.
            labels: (T, 1, B) int64, positions among the task's classes.
            losses: (T,) where to write the mean cross-entropy; None to save the trouble.
        """
        n, (_, batch) = self.p.shape[1], self.shape
        x = self.table.gather(index, self.gathered).unflatten(0, self.shape)  # (T, B, in)
        self._multiply(self._as_product(w.w1, "w1"), x.mT, "z", self.z)
        self.z += w.b1
        self.h[:, :-1] = F.gelu(self.z)
        vt = self._as_product(w.vt, "vt")
        self.m[:, n:] = vt
        self._multiply(self.m, vt.mT, "s", self.s)
        torch.bmm(self.s, self.h, out=self.a)
        torch.mul(self.h, self.a[:, n:], out=self.c[:, n:])
        torch.sum(self.c[:, n:], 1, keepdim=True, out=self.inverse).rsqrt_()  # 1 / |V h|
        torch.addcmul(self.padding, self.a[:, :n], self.inverse, value=self.scale, out=self.logits)
        if losses is not None:
            torch.mean(-torch.log_softmax(self.logits, 1).gather(1, labels).squeeze(1), 1, out=losses)
        torch.softmax(self.logits, 1, out=self.p)
        self.p.scatter_add_(1, labels, self.minus_one)  # B times the gradient at the logits
        torch.sum(self.logits.mul_(self.p), 1, keepdim=True, out=self.q2)
        self.q2.mul_(self.inverse).mul_(self.inverse).mul_(-1.0 / batch)
        torch.mul(self.p, self.inverse.mul_(self.scale / batch), out=self.c[:, :n])
        torch.mul(self.h, self.q2, out=self.c[:, n:])
        torch.bmm(self.s[:, :, :-1].mT, self.c, out=self.dh)
        self.dz.copy_(torch.ops.aten.gelu_backward(self.dh, self.z))
        torch.sum(self.dz, 2, keepdim=True, out=g.b1)
        torch.bmm(self.h, self.c.mT, out=self.k)
        self._multiply(self._as_product(self.k, "k"), self.m, "dvt", g.vt)
        self._multiply(self._as_product(self.dz, "dz"), x, "dw1", g.w1)
