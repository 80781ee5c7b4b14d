"""The adapter as a module, and many at once: what maps image features into the space of the class texts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.adapters.spec import AdapterSpec, check_size, flatten, unflatten
from t2w.errors import T2WError

__all__ = ["Adapter", "scaled_cosine", "task_logits"]


class Adapter(nn.Module):
    """`Linear -> GELU (erf) -> Linear`, its output L2-normalised.

    Its initial weights are torch's defaults for `nn.Linear`, drawn from `generator`.

    Args:
        generator: source of the initial weights; None uses torch's global one.
    """

    def __init__(self, spec: AdapterSpec, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.spec = spec
        self.linear1 = nn.utils.skip_init(nn.Linear, spec.in_features, spec.hidden)
        self.linear2 = nn.utils.skip_init(nn.Linear, spec.hidden, spec.out_features)
        for layer in (self.linear1, self.linear2):
            bound = layer.in_features**-0.5  # what nn.Linear's Kaiming initialisation comes to
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)

    @classmethod
    def from_vector(cls, spec: AdapterSpec, vector: Tensor) -> Adapter:
        """The adapter with these weights (copied, in the vector's dtype and on its device).

        Args:
            vector: (P,).

        Raises:
            T2WError: not one vector of P numbers.
        """
        check_size(spec, vector)
        if vector.dim() != 1:
            raise T2WError(
                f"weights of shape {tuple(vector.shape)}", expected=f"one vector ({spec.size},)", fix="take one row"
            )
        adapter = cls(spec, generator=torch.Generator()).to(device=vector.device, dtype=vector.dtype)
        adapter.load_state_dict(unflatten(spec, vector.detach()))
        return adapter

    def vector(self) -> Tensor:
        """The weights as one vector (P,), detached and copied."""
        return flatten(self.spec, self.state_dict())

    def forward(self, x: Tensor) -> Tensor:
        """Image features (N, in_features) -> unit vectors (N, out_features) in the texts' space."""
        return F.normalize(self.linear2(F.gelu(self.linear1(x))), dim=-1)

    def logits(self, x: Tensor, text: Tensor) -> Tensor:
        """Scaled cosines of images with class texts.

        Args:
            x: (N, in_features).
            text: (n, out_features), one embedding per class.

        Returns:
            (N, n); the prediction is the argmax of a row.
        """
        return scaled_cosine(self(x), text, self.spec.logit_scale)


def scaled_cosine(unit: Tensor, text: Tensor, scale: float) -> Tensor:
    """`scale` x cosine of unit vectors (N, out) with texts (n, out): (N, n)."""
    return scale * unit @ F.normalize(text, dim=-1).T


def task_logits(spec: AdapterSpec, vectors: Tensor, x: Tensor, text: Tensor, mask: Tensor) -> Tensor:
    """Scaled cosines of images with the class texts of their task, one adapter per task.

    The outputs (T, K, out_features) are never formed: with V = [linear2.weight, linear2.bias] and h the hidden units
    and a one, cosine and norm need only E V, (n, hidden + 1), and V^T V.

    Args:
        vectors: (T, P).
        x: (T, K, in_features) images of each task.
        text: (T, n, out_features) unit class texts; padding of any content.
        mask: (T, n) bool, True for a class of the task.

    Returns:
        (T, K, n); -inf for padding.
    """
    part = unflatten(spec, vectors)
    h = F.gelu(torch.baddbmm(part["linear1.bias"][:, None], x, part["linear1.weight"].mT))  # (T, K, hidden)
    h = F.pad(h, (0, 1), value=1.0)
    v = torch.cat([part["linear2.weight"], part["linear2.bias"][..., None]], dim=-1)  # (T, out, hidden + 1)
    dots = h @ (text @ v).mT  # (T, K, n): cosine times norm
    square = (h @ (v.mT @ v) * h).sum(-1, keepdim=True)  # (T, K, 1): |V h|^2
    return (spec.logit_scale * dots * square.clamp(min=1e-24).rsqrt()).masked_fill(~mask[:, None], float("-inf"))
