"""What a step minimises: the distance to trained weights, or the loss of the classifier that the weights make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters import AdapterSpec, task_logits
from t2w.adapters.linear_head import LinearHead
from t2w.diffusion import LossSecondMoment, NoiseSchedule, q_sample
from t2w.generator import (
    Condition,
    Conditioning,
    Normalizer,
    UnitNormalizer,
    condition_of,
    with_noise,
    without_text,
)  # fmt: skip
from t2w.training.adversary import Adversary
from t2w.training.batches import draw, drop_mask, generator_for, permutations, stratified_timesteps
from t2w.training.concept_tasks import ConceptTasks
from t2w.training.losses import timestep_weights, weight_loss
from t2w.training.random_tasks import RandomTasks
from t2w.training.rows import WeightRows
from t2w.training.settings import TrainSettings
from t2w.training.teacher import targets_of

__all__ = ["FunctionalObjective", "Loss", "Objective", "WeightObjective"]

Model = Callable[[Tensor, Tensor, Condition], Tensor]


@dataclass(frozen=True, eq=False)
class Loss:
    """The loss of a part of a step's batch, and figures to show beside it."""

    total: Tensor
    figures: dict[str, float] = field(default_factory=dict)


class Objective(Protocol):
    """The loss of rows `part` of a step's batch, of the whole batch's mean; the same for the same (step, part)."""

    def __call__(self, model: Model, step: int, part: slice) -> Loss: ...


@dataclass(eq=False)
class WeightObjective:
    """Mean squared error of the predicted x_0 in normalised space, plus the discriminator's verdict if there is one.

    Attributes:
        rows: the training adapters.
        condition: of the same tasks, on the device.
        adversary: the discriminator; None for none.
        gather: joins a tensor over all processes; the timestep sampler learns from all of them.
    """

    rows: WeightRows
    condition: Condition
    schedule: NoiseSchedule
    settings: TrainSettings
    adversary: Adversary | None = None
    gather: Callable[[Tensor], Tensor] = lambda tensor: tensor

    def __post_init__(self) -> None:
        even = self.settings.timestep_sampler == "uniform"
        self.timesteps = None if even else LossSecondMoment(self.schedule.timesteps)

    def __call__(self, model: Model, step: int, part: slice) -> Loss:
        s, device = self.settings, self.rows.device
        now = draw(
            s.seed, step, tasks=len(self.rows), size=self.rows.size, batch_size=s.batch_size,
            timesteps=self.schedule.timesteps,
        )  # fmt: skip
        t, importance = now.t, torch.ones(s.batch_size)
        if self.timesteps is not None:
            t, importance = self.timesteps.sample(s.batch_size, generator_for(s.seed, "timesteps", step))
        order = None
        if s.permutation:
            order = permutations(s.seed, step, batch_size=s.batch_size, hidden=self.rows.hidden)[part]
        tasks, noise = now.tasks[part], now.noise[part].to(device)
        t, importance = t[part].to(device), importance[part].to(device, torch.float32)
        condition = self.condition.rows(tasks)
        x_0 = self.rows.read(tasks, order, condition)
        condition = _disturbed(condition, s, step, s.batch_size, part)
        x0_hat = model(q_sample(self.schedule, x_0, t, noise), t, condition).float()
        error = (x0_hat - x_0).square().mean(dim=1)
        weights = timestep_weights(self.schedule, t, s.weighting) * importance
        loss = weight_loss(x0_hat, x_0, weights)
        if self.timesteps is not None:
            self.timesteps.update(self.gather(t).cpu(), self.gather(error.detach()).cpu())
        if self.adversary is None:
            return Loss(loss)
        # One pass: the prediction that the generator is judged by is the one the discriminator learns from.
        verdict = self.adversary.verdict(x0_hat)
        figures = {"adversarial": float(verdict.detach()), "discriminator": self.adversary.learn(x_0, x0_hat.detach())}
        return Loss(loss + s.adversarial * verdict, figures)

    def state_dict(self) -> dict[str, Any]:
        return {
            "timesteps": None if self.timesteps is None else self.timesteps.state_dict(),
            "adversary": None if self.adversary is None else self.adversary.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self.timesteps is not None:
            self.timesteps.load_state_dict(state["timesteps"])
        if self.adversary is not None:
            self.adversary.load_state_dict(state["adversary"])


@dataclass(frozen=True, eq=False)
class FunctionalObjective:
    """Cross-entropy of random tasks' training images under the predicted adapters.

    At pure noise the prediction is the one-pass generator. The other tasks stand where a sampler would: at a timestep
    t, in x_t made of the network's own first prediction and fresh noise.

    Attributes:
        tasks: where tasks and their images are drawn.
        text: (C, text_dim) unit class texts, of all classes; used where tasks come without their condition.
        spec_for: the sizes of the adapters of some tasks.
        normalizer: between the network's space and the adapters'.
        teacher: whose probabilities are a part of the target; None where `functional.teacher` is 0.
    """

    tasks: RandomTasks | ConceptTasks
    text: Tensor
    spec_for: Callable[[Condition], AdapterSpec]
    normalizer: Normalizer | UnitNormalizer
    schedule: NoiseSchedule
    settings: TrainSettings
    conditioning: Conditioning
    device: torch.device
    teacher: LinearHead | None = None

    def __call__(self, model: Model, step: int, part: slice) -> Loss:
        s, f = self.settings, self.settings.functional
        batch = self.tasks.draw(s.seed, step, batch_size=f.batch_size, images=f.images)
        # One text per class and their mask, whatever the network is conditioned on.
        classes = condition_of(self.text, batch.tasks) if batch.condition is None else batch.condition
        classes = classes.rows(part).to(self.device)
        spec = self.spec_for(classes)
        rng = generator_for(s.seed, "functional noise", step)
        noise = torch.randn(2, f.batch_size, spec.size, generator=rng)[:, part].to(self.device)
        last = self.schedule.timesteps - 1
        t = stratified_timesteps(f.batch_size, self.schedule.timesteps, rng)
        at_noise = torch.rand(f.batch_size, generator=rng) < f.noisy_share
        t, at_noise = torch.where(at_noise, last, t)[part].to(self.device), at_noise[part].to(self.device)
        tasks, x = batch.tasks[part], batch.x[part].to(self.device)
        targets = None
        if self.teacher is not None and batch.tasks:
            targets = targets_of(self.teacher, x, tasks)  # of the images as they are
        if f.feature_noise:
            blur = torch.randn(batch.x.shape, generator=generator_for(s.seed, "feature noise", step))[part]
            x = x + f.feature_noise * self.tasks.spread * blur.to(self.device)
        labels = batch.labels[part].to(self.device)
        condition = classes
        if batch.condition is None:
            condition = condition_of(self.text, tasks, conditioning=self.conditioning)
        condition = _disturbed(condition, s, step, f.batch_size, part)

        x_t = noise[0].clone()
        inner = (~at_noise).nonzero().flatten()
        if len(inner):
            with torch.no_grad():
                first = model(noise[0][inner], torch.full_like(inner, last), condition.rows(inner)).float()
            x_t[inner] = q_sample(self.schedule, first, t[inner], noise[1][inner])
        vectors = self.normalizer.denormalize(model(x_t, t, condition).float(), condition)
        logits = task_logits(spec, vectors, x, classes.tokens, classes.mask)
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        if targets is not None:
            loss = (1 - f.teacher) * loss + f.teacher * _cross_entropy(logits, targets, classes.mask)
        if f.label_smoothing:
            even = (classes.mask / classes.mask.sum(-1, keepdim=True))[:, None]  # over each task's own classes
            loss = (1 - f.label_smoothing) * loss + f.label_smoothing * _cross_entropy(logits, even, classes.mask)
        hits = (logits.detach().argmax(-1) == labels).float().mean()
        return Loss(loss, {"accuracy": float(hits)})


def _disturbed(condition: Condition, s: TrainSettings, step: int, batch_size: int, part: slice) -> Condition:
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
        dropped = drop_mask(s.seed, step, batch_size=batch_size, share=s.condition_dropout)[part]
        condition = without_text(condition, dropped.to(device))
    return condition


def _cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Mean cross-entropy of (B, K, n) logits against probabilities; mask (B, n) is True for a task's own classes."""
    logs = logits.log_softmax(-1).masked_fill(~mask[:, None], 0.0)  # 0 where the target is 0, not 0 x infinity
    return -(targets * logs).sum(-1).mean()
