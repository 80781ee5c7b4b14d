"""Which timesteps training looks at: more often those whose loss varies most."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from t2w.errors import T2WError

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
        self.timesteps = timesteps
        self.uniform = uniform
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

    def sample(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw timesteps, with the weights under which the mean loss stays that of evenly drawn ones.

        Returns:
            Timesteps (n,) int64 in 0 .. T-1 and weights (n,) float32, on the generator's device (None: the CPU).
        """
        p = self.probabilities()
        weight = (1.0 / (self.timesteps * p)).float()
        if generator is not None:
            p, weight = p.float().to(generator.device), weight.to(generator.device)
        t = torch.multinomial(p, n, replacement=True, generator=generator)
        return t, weight[t]

    def update(self, t: Tensor, losses: Tensor) -> None:
        """Learn the unweighted losses (n,) found at t (n,). With several processes, give each the losses of all."""
        for at, loss in zip(t.tolist(), losses.detach().tolist(), strict=True):
            self._losses[at, int(self._counts[at]) % self._losses.shape[1]] = loss
            self._counts[at] += 1

    def state_dict(self) -> dict[str, Tensor]:
        """What resuming needs."""
        return {"losses": self._losses.clone(), "counts": self._counts.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            T2WError: the state is of another number of timesteps.
        """
        found, expected = ({name: tuple(v.shape) for name, v in s.items()} for s in (state, self.state_dict()))
        if found != expected:
            raise T2WError(
                f"the saved state of the timestep sampler has {found or 'no tensors'}",
                expected=f"{expected} for {self.timesteps} timesteps",
                fix="resume with the timestep sampler and the number of timesteps the run started with",
            )
        self._losses.copy_(state["losses"])
        self._counts.copy_(state["counts"])
