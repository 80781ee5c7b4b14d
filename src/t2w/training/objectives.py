"""What a step minimises: here the distance to trained weights; `functional.py` has the loss of the classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from t2w.diffusion import LossSecondMoment, NoiseSchedule, q_sample
from t2w.generator import Condition, with_noise, without_text
from t2w.training.adversary import Adversary
from t2w.training.batches import generator_for, permutations, stratified_timesteps, task_order
from t2w.training.rows import WeightRows
from t2w.training.settings import TrainSettings, Weighting

__all__ = ["Loss", "Model", "Objective", "WeightObjective", "disturbed", "timestep_weights", "weight_loss"]

_MIN_SNR = 5.0  # gamma of Hang et al. 2023


class Loss(NamedTuple):
    """The loss of a part of a step's batch, and figures to show beside it."""

    total: Tensor
    figures: dict[str, float]


Model: TypeAlias = Callable[[Tensor, Tensor, Condition], Tensor]
# (model, step, part): the loss of rows `part` of a step's batch, the same for the same step and part.
Objective: TypeAlias = Callable[[Model, int, slice], Loss]


def timestep_weights(schedule: NoiseSchedule, t: Tensor, weighting: Weighting) -> Tensor:
    """(N,) weight of each timestep's loss, mean 1 over all timesteps: "uniform", or "min_snr" = min(SNR, 5)."""
    table = schedule.snr.clamp(max=_MIN_SNR) if weighting == "min_snr" else torch.ones_like(schedule.snr)
    return (table / table.mean()).to(t.device, torch.float32)[t]


def weight_loss(x0_hat: Tensor, x_0: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared error of predicted weights (N, P), each task's times its weight (N,); None for 1."""
    error = (x0_hat - x_0).square().mean(dim=1)
    return (error if weight is None else error * weight).mean()


@dataclass(eq=False)
class WeightObjective:
    """Mean squared error of the predicted x_0 in normalised space, plus the discriminator's verdict if there is one."""

    rows: WeightRows  # the training adapters
    condition: Condition  # of the same tasks, on the device
    schedule: NoiseSchedule
    settings: TrainSettings
    adversary: Adversary | None = None
    gather: Callable[[Tensor], Tensor] = lambda tensor: tensor  # joins a tensor over all processes

    def __post_init__(self) -> None:
        even = self.settings.timestep_sampler == "uniform"
        self.timesteps = None if even else LossSecondMoment(self.schedule.timesteps)

    def __call__(self, model: Model, step: int, part: slice) -> Loss:
        s, device, batch_size = self.settings, self.rows.device, self.settings.batch_size
        rng = generator_for(s.seed, "noise", step)
        t, importance, order = (
            stratified_timesteps(batch_size, self.schedule.timesteps, rng),
            torch.ones(batch_size),
            None,
        )
        noise = torch.randn(batch_size, self.rows.size, generator=rng)[part].to(device)
        tasks = task_order(s.seed, step, tasks=len(self.rows), batch_size=batch_size)[part]
        if self.timesteps is not None:
            t, importance = self.timesteps.sample(batch_size, generator_for(s.seed, "timesteps", step))
        if s.permutation:
            order = permutations(s.seed, step, batch_size=batch_size, hidden=self.rows.hidden)[part]
        t, importance = t[part].to(device), importance[part].to(device, torch.float32)
        condition = self.condition.rows(tasks)
        x_0 = self.rows.read(tasks, order, condition)
        condition = disturbed(condition, s, step, batch_size, part)
        x0_hat = model(q_sample(self.schedule, x_0, t, noise), t, condition).float()
        loss = weight_loss(x0_hat, x_0, timestep_weights(self.schedule, t, s.weighting) * importance)
        if self.timesteps is not None:
            error = (x0_hat - x_0).square().mean(dim=1).detach()
            self.timesteps.update(self.gather(t).cpu(), self.gather(error).cpu())
        if self.adversary is None:
            return Loss(loss, {})
        # One pass: the prediction that the generator is judged by is the one the discriminator learns from.
        verdict = self.adversary.verdict(x0_hat)
        figures = {"adversarial": float(verdict.detach()), "discriminator": self.adversary.learn(x_0, x0_hat.detach())}
        return Loss(loss + s.adversarial * verdict, figures)

    def state_dict(self) -> dict[str, Any]:
        parts = {"timesteps": self.timesteps, "adversary": self.adversary}
        return {name: None if part is None else part.state_dict() for name, part in parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self.timesteps is not None:
            self.timesteps.load_state_dict(state["timesteps"])
        if self.adversary is not None:
            self.adversary.load_state_dict(state["adversary"])


def disturbed(condition: Condition, s: TrainSettings, step: int, batch_size: int, part: slice) -> Condition:
    """The condition in training: some texts blurred, some left out."""
    device = condition.tokens.device
    if s.text_noise:
        rng = generator_for(s.seed, "text noise", step)
        level = s.text_noise * torch.rand(batch_size, generator=rng)[part].to(device)
        # Every task of the step draws for itself, so that a part sees what it would see in the whole batch.
        _, width, dim = condition.tokens.shape
        own = [generator_for(s.seed, f"text noise of row {row}", step) for row in range(batch_size)[part]]
        # In whole blocks of 16: only those are the same numbers however many more are asked for.
        noise = torch.stack([torch.randn(width, -(-dim // 16) * 16, generator=g)[:, :dim] for g in own]).to(device)
        condition = with_noise(condition, level, noise)
    if s.condition_dropout:
        chance = torch.rand(batch_size, generator=generator_for(s.seed, "condition dropout", step))[part]
        condition = without_text(condition, (chance < s.condition_dropout).to(device))
    return condition
