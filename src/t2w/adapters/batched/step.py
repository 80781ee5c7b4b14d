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
    """T adapters, or anything shaped like them (gradients, Adam's moments), as the products want them."""

    w1: Tensor  # (T, hidden, in)
    b1: Tensor  # (T, hidden, 1)
    vt: Tensor  # (T, hidden + 1, out): V^T, the bias being the column of one more hidden unit, whose value is always 1

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
    """The forward and backward pass of T tasks, in memory that is used again: to allocate it costs a tenth of a step.

    Args:
        table: features. Their dtype, the weights' own or bfloat16, is that of the products with images or class texts.
        text: (T, n, out) unit texts in the dtype of the weights, zeros where a task has fewer classes.
        padding: (T, n, 1), 0 for a class, `PADDING` for none.
        hidden: hidden units.
        batch: images per task and step.
        scale: what cosines are multiplied by.
    """

    def __init__(self, table: Table, text: Tensor, padding: Tensor, *, hidden: int, batch: int, scale: float) -> None:
        tasks, n, out = text.shape
        units, rows, width = hidden + 1, n + hidden + 1, table.values.shape[1]

        def new(*shape: int, dtype: torch.dtype = text.dtype) -> Tensor:
            return text.new_empty(tasks, *shape, dtype=dtype)

        def new_narrow(*shape: int) -> Tensor | None:
            """Where a product's operand or result lies in bfloat16; None where products are in the weights' dtype."""
            return None if table.dtype == text.dtype else new(*shape, dtype=table.dtype)

        self.table, self.padding, self.scale, self.batch = table, padding, scale, batch
        self.minus_one = text.new_full((tasks, 1, batch), -1.0)
        self.gathered = table.buffer(tasks * batch)
        self.x = self.gathered[1].unflatten(0, (tasks, batch))
        # Views are made once: making one costs as much as a small operation on it.
        self.x_t = self.x.mT
        self.m = new(rows, out, dtype=table.dtype)
        self.m[:, :n] = text
        self.m_v, self.m_t = self.m[:, n:], self.m.mT
        self.s_t = new(units, rows)
        self.s, self.s_hidden = self.s_t.mT, self.s_t[:, :-1]
        self.z, self.phi, self.density, self.dh = (new(hidden, batch) for _ in range(4))
        self.h = new(units, batch)
        self.h[:, -1] = 1.0
        self.h_hidden = self.h[:, :-1]
        self.a, self.c = new(rows, batch), new(rows, batch)
        self.a_text, self.a_gram = self.a[:, :n], self.a[:, n:]
        self.c_text, self.c_gram, self.c_t = self.c[:, :n], self.c[:, n:], self.c.mT
        self.logits, self.p = new(n, batch), new(n, batch)
        self.k = new(units, rows)
        self.square, self.inverse, self.q2 = (new(1, batch) for _ in range(3))
        self.w1, self.dw1 = new_narrow(hidden, width), new_narrow(hidden, width)
        self.vt, self.dvt = new_narrow(units, out), new_narrow(units, out)
        self.z_t, self.dz = new_narrow(batch, hidden), new_narrow(hidden, batch)
        self.s_n, self.k_n = new_narrow(units, rows), new_narrow(units, rows)

    def gradient(self, w: Weights, g: Weights, index: Tensor, labels: Tensor, losses: Tensor | None = None) -> None:
        """Write the gradient of each task's mean cross-entropy into `g`.

        Args:
            w: the weights of T tasks.
            index: (T * B,) rows of the table, task by task.
            labels: (T, 1, B) int64, positions among the task's classes.
            losses: (T,) where to write the mean cross-entropy; None to save the trouble.
        """
        self.table.gather(index, self.gathered)
        if self.w1 is None:
            torch.baddbmm(w.b1, w.w1, self.x_t, out=self.z)
        else:
            torch.add(torch.bmm(self.x, self.w1.copy_(w.w1).mT, out=self.z_t).mT, w.b1, out=self.z)
        torch.mul(self.z, sqrt(0.5), out=self.phi).erf_().add_(1.0).mul_(0.5)
        torch.mul(self.z, self.phi, out=self.h_hidden)
        vt = _as(w.vt, self.vt)
        self.m_v.copy_(vt)
        _multiply(vt, self.m_t, self.s_n, out=self.s_t)
        torch.bmm(self.s, self.h, out=self.a)
        torch.mul(self.h, self.a_gram, out=self.c_gram)
        torch.sum(self.c_gram, 1, keepdim=True, out=self.square)  # |V h|^2
        torch.rsqrt(self.square, out=self.inverse)
        torch.addcmul(self.padding, self.a_text, self.inverse, value=self.scale, out=self.logits)
        if losses is not None:
            torch.mean(-torch.log_softmax(self.logits, 1).gather(1, labels).squeeze(1), 1, out=losses)
        torch.softmax(self.logits, 1, out=self.p)
        self.p.scatter_add_(1, labels, self.minus_one)  # B times the gradient at the logits
        torch.sum(self.logits.mul_(self.p), 1, keepdim=True, out=self.q2)
        self.q2.div_(self.square).mul_(-1.0 / self.batch)
        torch.mul(self.p, self.inverse.mul_(self.scale / self.batch), out=self.c_text)
        torch.mul(self.h, self.q2, out=self.c_gram)
        torch.bmm(self.s_hidden, self.c, out=self.dh)
        torch.mul(self.z, self.z, out=self.density).mul_(-0.5).exp_().mul_(self.z)
        dz = self.phi.add_(self.density, alpha=1 / sqrt(2 * pi)).mul_(self.dh)
        torch.sum(dz, 2, keepdim=True, out=g.b1)
        torch.bmm(self.h, self.c_t, out=self.k)
        _multiply(_as(self.k, self.k_n), self.m, self.dvt, out=g.vt)
        _multiply(_as(dz, self.dz), self.x, self.dw1, out=g.w1)


def _as(value: Tensor, narrow: Tensor | None) -> Tensor:
    """`value` in bfloat16, written to `narrow`; itself where that is None."""
    return value if narrow is None else narrow.copy_(value)


def _multiply(a: Tensor, b: Tensor, narrow: Tensor | None, *, out: Tensor) -> None:
    """out = a b, by way of `narrow` where a and b are bfloat16."""
    if narrow is None:
        torch.bmm(a, b, out=out)
    else:
        out.copy_(torch.bmm(a, b, out=narrow))
