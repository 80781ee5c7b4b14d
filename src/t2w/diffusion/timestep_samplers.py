"""Which timesteps training looks at: more often those whose loss varies most."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["LossSecondMoment"]


class LossSecondMoment:
    """Timesteps in proportion to the root mean square of their last losses (Nichol and Dhariwal 2021, section 3.3).

    Until every timestep has a full history, all are drawn evenly.

    Args:
        timesteps: T.
        history: how many losses of each timestep count.
        uniform: share of the draws that stays even, so that no timestep is forgotten, in (0, 1].
    """

    def __init__(self, timesteps: int, *, history: int = 10, uniform: float = 0.001) -> None:
        self.timesteps, self.uniform = timesteps, uniform
        # The last losses of each timestep, the oldest overwritten first; their order does not matter.
        self._losses = torch.zeros(timesteps, history, dtype=torch.float64)
        self._counts = torch.zeros(timesteps, dtype=torch.int64)

    def probabilities(self) -> Tensor:
        """(T,) float64, how likely each timestep is drawn now."""
        even = torch.full((self.timesteps,), 1.0 / self.timesteps, dtype=torch.float64)
        size = self._losses.square().mean(dim=1).sqrt()
        if int(self._counts.min()) < self._losses.shape[1] or not float(size.sum()) > 0:
            return even
        return (1.0 - self.uniform) * size / size.sum() + self.uniform * even

    def sample(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Timesteps (n,) int64 and weights (n,) float32 under which the mean loss stays that of evenly drawn ones."""
        p = self.probabilities()
        t = torch.multinomial(p.float(), n, replacement=True, generator=generator)
        return t, (1.0 / (self.timesteps * p)).float()[t]

    def update(self, t: Tensor, losses: Tensor) -> None:
        """Learn the unweighted losses (n,) found at t (n,). With several processes, give each the losses of all."""
        for at, loss in zip(t.tolist(), losses.detach().tolist(), strict=True):
            self._losses[at, int(self._counts[at]) % self._losses.shape[1]] = loss
            self._counts[at] += 1

    def state_dict(self) -> dict[str, Tensor]:
        return {"losses": self._losses.clone(), "counts": self._counts.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self._losses.copy_(state["losses"])
        self._counts.copy_(state["counts"])
