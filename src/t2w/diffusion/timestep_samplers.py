"""Which timesteps training looks at: evenly, or more often those whose loss varies most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor

from t2w.errors import T2WError, nearest

__all__ = ["TIMESTEP_SAMPLERS", "LossSecondMoment", "TimestepSampler", "UniformTimesteps", "timestep_sampler"]


class TimestepSampler(Protocol):
    """Draws timesteps, with the weights under which the mean loss stays that of evenly drawn ones."""

    def sample(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Timesteps (n,) int64 in 0 .. T-1 and weights (n,) float32, on the generator's device (None: the CPU)."""
        ...

    def update(self, t: Tensor, losses: Tensor) -> None:
        """Learn the unweighted losses (n,) found at t (n,). With several processes, give each the losses of all."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """What resuming needs."""
        ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on where `state_dict` was taken."""
        ...


class UniformTimesteps:
    """Every timestep as often as any other, with weight 1."""

    def __init__(self, timesteps: int) -> None:
        self.timesteps = timesteps

    def sample(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        device = generator.device if generator is not None else torch.device("cpu")
        t = torch.randint(0, self.timesteps, (n,), generator=generator, device=device)
        return t, torch.ones(n, device=device)

    def update(self, t: Tensor, losses: Tensor) -> None:
        """Nothing to learn."""

    def state_dict(self) -> dict[str, Tensor]:
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        _check(state, self.state_dict(), self.timesteps)


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
        self._losses = torch.zeros(timesteps, history, dtype=torch.float64)  # a ring per timestep: their order is idle
        self._counts = torch.zeros(timesteps, dtype=torch.int64)

    def probabilities(self) -> Tensor:
        """(T,) float64, how likely each timestep is drawn now."""
        even = torch.full((self.timesteps,), 1.0 / self.timesteps, dtype=torch.float64)
        size = self._losses.square().mean(dim=1).sqrt()
        if int(self._counts.min()) < self._losses.shape[1] or not float(size.sum()) > 0:
            return even
        return (1.0 - self.uniform) * size / size.sum() + self.uniform * even

    def sample(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        p = self.probabilities()
        weight = (1.0 / (self.timesteps * p)).float()
        if generator is not None:
            p, weight = p.float().to(generator.device), weight.to(generator.device)
        t = torch.multinomial(p, n, replacement=True, generator=generator)
        return t, weight[t]

    def update(self, t: Tensor, losses: Tensor) -> None:
        for at, loss in zip(t.tolist(), losses.detach().tolist(), strict=True):
            self._losses[at, int(self._counts[at]) % self._losses.shape[1]] = loss
            self._counts[at] += 1

    def state_dict(self) -> dict[str, Tensor]:
        return {"losses": self._losses.clone(), "counts": self._counts.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        _check(state, self.state_dict(), self.timesteps)
        self._losses.copy_(state["losses"])
        self._counts.copy_(state["counts"])


def _check(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], timesteps: int) -> None:
    shapes = [{name: tuple(value.shape) for name, value in state.items()} for state in (found, expected)]
    if shapes[0] != shapes[1]:
        raise T2WError(
            f"the saved state of the timestep sampler has {shapes[0] or 'no tensors'}",
            expected=f"{shapes[1] or 'no tensors'} for {timesteps} timesteps",
            fix="resume with the timestep sampler and the number of timesteps the run started with",
        )


TIMESTEP_SAMPLERS: dict[str, Callable[[int], TimestepSampler]] = {
    "uniform": UniformTimesteps,
    "loss-second-moment": LossSecondMoment,
}


def timestep_sampler(name: str, timesteps: int) -> TimestepSampler:
    """The timestep sampler of that name, one of `TIMESTEP_SAMPLERS`, for T timesteps.

    Raises:
        T2WError: unknown name.
    """
    if name not in TIMESTEP_SAMPLERS:
        raise T2WError(
            f"unknown timestep sampler {name!r}{nearest(name, TIMESTEP_SAMPLERS)}",
            expected=f"one of {', '.join(TIMESTEP_SAMPLERS)}",
        )
    return TIMESTEP_SAMPLERS[name](timesteps)
