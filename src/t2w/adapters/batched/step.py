"""Loss and gradient of many adapters at once, derived by hand.

With h = [gelu(W1 x + b1); 1] and V = [W2, b2] the adapter's output is V h. Neither the output nor its norm is ever
formed: with M = [E; V^T], where E are the unit texts of the task's n classes, and S = M V (n + hidden + 1 rows),

    A = S h                 the first n rows are E V h (cosine times norm), the others V^T V h
    |V h|^2 = h . V^T V h
    logits = scale * (E V h) / |V h|

and backwards, with D the gradient at the first n rows of A, q that at |V h|^2, and C = [D; 2 q h]:

    dh = S^T C,     dV^T = (C h^T)^T M,     dz = dh * gelu'(z),     dW1 = dz x^T

With the normal distribution's Phi and density phi, gelu(z) = z Phi(z) and gelu'(z) = Phi(z) + z phi(z).

Images are columns: what is summed or divided per image is then a row operation on B contiguous numbers.
`benchmarks/adapters.py` times this against autograd and `torch.func`.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from t2w.adapters.batched.table import Table
from t2w.adapters.spec import AdapterSpec, unflatten

__all__ = ["PADDING", "Step", "Weights"]

PADDING = -1e20
"""Logit of a class that a task does not have: its probability is exactly 0, and 0 x PADDING is still 0."""


class Weights(NamedTuple):
    """T adapters, or anything shaped like them (gradients, Adam's moments), as the products want them.

    The second layer is kept as V^T with V = [linear2.weight, linear2.bias]: its bias is the column of one more hidden
    unit whose value is always 1. Adam works number by number, so this order of the numbers is as good as the vector's.

    Attributes:
        w1: (T, hidden, in). b1: (T, hidden, 1). vt: (T, hidden + 1, out).
    """

    w1: Tensor
    b1: Tensor
    vt: Tensor

    @classmethod
    def from_vectors(cls, spec: AdapterSpec, vectors: Tensor) -> Weights:
        """From weight vectors (T, P), copied."""
        part = unflatten(spec, vectors)
        return cls(
            w1=part["linear1.weight"].clone(memory_format=torch.contiguous_format),
            b1=part["linear1.bias"].unsqueeze(-1).clone(memory_format=torch.contiguous_format),
            vt=torch.cat([part["linear2.weight"].mT, part["linear2.bias"].unsqueeze(1)], dim=1),
        )

    def vectors(self) -> Tensor:
        """The weight vectors (T, P), copied."""
        weight, bias = self.vt[:, :-1], self.vt[:, -1]
        return torch.cat([self.w1.flatten(1), self.b1.flatten(1), weight.mT.flatten(1), bias], dim=1)


class Step:
    """The forward and backward pass of T tasks.

    Args:
        table: features. Their dtype, the weights' own or bfloat16, is that of the products with images or class texts.
        text: (T, n, out) unit texts in the dtype of the weights, zeros where a task has fewer classes.
        padding: (T, n, 1), 0 for a class, `PADDING` for none.
        batch: images per task and step.
        scale: what cosines are multiplied by.
    """

    def __init__(self, table: Table, text: Tensor, padding: Tensor, *, batch: int, scale: float) -> None:
        self.table, self.padding, self.batch, self.scale = table, padding, batch, scale
        self.text, self.classes = text.to(table.dtype), text.shape[1]
        self.one = text.new_ones(len(text), 1, batch)
        # The largest of a step's tensors; to allocate them anew at every step would double its time on a CPU.
        self.gathered = table.buffer(len(text) * batch)

    def gradient(self, w: Weights, g: Weights, index: Tensor, labels: Tensor, losses: Tensor | None = None) -> None:
        """Write the gradient of each task's mean cross-entropy into `g`.

        Args:
            w: the weights of T tasks.
            index: (T * B,) rows of the table, task by task.
            labels: (T, 1, B) int64, positions among the task's classes.
            losses: (T,) where to write the mean cross-entropy; None to save the trouble.
        """
        n, wide, narrow = self.classes, w.w1.dtype, self.table.dtype
        x = self.table.gather(index, self.gathered).unflatten(0, (len(w.w1), self.batch))
        if narrow == wide:
            z = torch.baddbmm(w.b1, w.w1, x.mT)
        else:
            z = torch.bmm(x, w.w1.to(narrow).mT).mT.contiguous() + w.b1
        phi = torch.mul(z, sqrt(0.5)).erf_().add_(1.0).mul_(0.5)
        h = torch.cat([z * phi, self.one], dim=1)
        vt = w.vt.to(narrow)
        m = torch.cat([self.text, vt], dim=1)
        s_t = torch.bmm(vt, m.mT).to(wide)
        a = torch.bmm(s_t.mT, h)
        square = (h * a[:, n:]).sum(1, keepdim=True)  # |V h|^2
        inverse = square.rsqrt()
        logits = torch.addcmul(self.padding, a[:, :n], inverse, value=self.scale)
        if losses is not None:
            torch.mean(-torch.log_softmax(logits, 1).gather(1, labels).squeeze(1), 1, out=losses)
        p = torch.softmax(logits, 1).scatter_add_(1, labels, -self.one)  # B times the gradient at the logits
        q2 = logits.mul_(p).sum(1, keepdim=True).div_(square).mul_(-1.0 / self.batch)
        c = torch.cat([p.mul_(inverse.mul_(self.scale / self.batch)), h * q2], dim=1)
        density = torch.mul(z, z).mul_(-0.5).exp_().mul_(z)
        dz = phi.add_(density, alpha=1 / sqrt(2 * pi)).mul_(torch.bmm(s_t[:, :-1], c))
        torch.sum(dz, 2, keepdim=True, out=g.b1)
        if narrow == wide:
            torch.bmm(torch.bmm(h, c.mT), m, out=g.vt)
            torch.bmm(dz, x, out=g.w1)
        else:
            g.vt.copy_(torch.bmm(torch.bmm(h, c.mT).to(narrow), m))
            g.w1.copy_(torch.bmm(dz.to(narrow), x))
