"""From a class's text to its row of a classifier: a Gaussian process learnt from the classes an encoder knows.

Kernel k(a, b) = exp(-gamma |a - b|^2) of unit text embeddings, rows of unit length, noise lambda:

    mean(q) = k(q, E) K^-1 W,   variance(q) = 1 - k(q, E) K^-1 k(E, q),   K = k(E, E) + lambda I

and what the others say of class i, in closed form (Rasmussen and Williams 2006, 5.4.2):

    mean_i = w_i - alpha_i / (K^-1)_ii,   variance_i = 1 / (K^-1)_ii - lambda,   alpha = K^-1 W
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.errors import T2WError

__all__ = ["Predicted", "TextMap"]


@dataclass(frozen=True, eq=False)
class Predicted:
    """Rows (n, d) of unit length predicted for n texts, and their variance (n,) in 0..1.

    It is near 0 at a known text, near 1 far from all of them.
    """

    rows: Tensor
    variance: Tensor


@dataclass(frozen=True, eq=False)
class TextMap:
    """The map of N >= 2 known classes, by unit embeddings `text` (N, t) and `rows` (N, d) of unit length."""

    text: Tensor
    rows: Tensor
    gamma: float = 2.0  # how fast texts lose what they have in common
    noise: float = 0.1  # lambda, of the rows

    def __post_init__(self) -> None:
        if len(self.text) < 2 or len(self.text) != len(self.rows):
            raise T2WError(
                f"a text-to-weights map of {len(self.text)} texts and {len(self.rows)} rows",
                expected="at least two known classes, a text and a row each",
            )

    def predict(self, text: Tensor) -> Predicted:
        """The rows of classes with these unit texts (n, t)."""
        near = self._kernel(text, self.text)
        variance = 1 - ((near @ self._inverse) * near).sum(1)
        return Predicted(F.normalize(near @ self._alpha, dim=1), variance.clamp(0, 1))

    def leave_one_out(self) -> Predicted:
        """For each known class what the map would predict had it not known that class."""
        diagonal = self._inverse.diagonal()
        rows = self.rows - self._alpha / diagonal[:, None]
        return Predicted(F.normalize(rows, dim=1), (1 / diagonal - self.noise).clamp(0, 1))

    def of(self, known: Tensor) -> TextMap:
        """The map that knows only the classes at these positions (or where this mask is True)."""
        return TextMap(self.text[known], self.rows[known], self.gamma, self.noise)

    def _kernel(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.exp(-self.gamma * (2 - 2 * a @ b.T).clamp(min=0))

    @cached_property
    def _inverse(self) -> Tensor:
        """(N, N) K^-1."""
        kernel = self._kernel(self.text, self.text)
        kernel.diagonal().add_(self.noise)
        return torch.cholesky_inverse(torch.linalg.cholesky(kernel))

    @cached_property
    def _alpha(self) -> Tensor:
        return self._inverse @ self.rows
