"""The second phase's objective: the cross-entropy of the classifiers that the predicted weights make.

A part of the target may be what a linear head of all seen classes says (`teacher`). It has one weight row per class,
where an adapter makes do with a few hidden units for all of them, and so knows of the same training images what their
labels do not say: which other class an image is like.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from t2w.adapters import task_logits
from t2w.adapters.linear_head import LinearHead, fit_linear_head
from t2w.diffusion import NoiseSchedule, q_sample
from t2w.generator import NetworkConfig, Normalizer, UnitNormalizer, condition_of
from t2w.training.batches import generator_for, stratified_timesteps
from t2w.training.concept_tasks import ConceptTasks
from t2w.training.objectives import Loss, Model, disturbed
from t2w.training.random_tasks import RandomTasks
from t2w.training.settings import TrainSettings

__all__ = ["Functional", "FunctionalObjective", "fit_teacher", "targets_of"]


@dataclass(frozen=True, eq=False)
class Functional:
    """What the second phase needs: random tasks, and the unit text (C, text_dim) of every class."""

    tasks: RandomTasks | ConceptTasks
    text: Tensor


@dataclass(frozen=True, eq=False)
class FunctionalObjective:
    """Cross-entropy of random tasks' training images under the predicted adapters.

    At pure noise the prediction is the one-pass generator. The other tasks are where a sampler would be: at a timestep
    t, in x_t made of the network's own first prediction and fresh noise.
    """

    tasks: RandomTasks | ConceptTasks
    text: Tensor  # (C, text_dim) unit class texts, of all classes; used where tasks come without their condition
    config: NetworkConfig
    normalizer: Normalizer | UnitNormalizer
    schedule: NoiseSchedule
    settings: TrainSettings
    device: torch.device
    teacher: LinearHead | None = None  # None where `functional.teacher` is 0

    def __call__(self, model: Model, step: int, part: slice) -> Loss:
        s, f = self.settings, self.settings.functional
        batch = self.tasks.draw(s.seed, step, batch_size=f.batch_size, images=f.images)
        # One text per class and their mask, whatever the network is conditioned on.
        classes = condition_of(self.text, batch.tasks) if batch.condition is None else batch.condition
        classes = classes.rows(part).to(self.device)
        spec = self.config.spec_for(classes.mask.shape[1])
        rng = generator_for(s.seed, "functional noise", step)
        noise = torch.randn(2, f.batch_size, spec.size, generator=rng)[:, part].to(self.device)
        last = self.schedule.timesteps - 1
        t = stratified_timesteps(f.batch_size, self.schedule.timesteps, rng)
        at_noise = torch.rand(f.batch_size, generator=rng) < f.noisy_share
        two_passes = not bool(at_noise.all())  # of any process: those of a sharded network call it equally often
        t, at_noise = torch.where(at_noise, last, t)[part].to(self.device), at_noise[part].to(self.device)
        tasks, x, labels = batch.tasks[part], batch.x[part].to(self.device), batch.labels[part].to(self.device)
        targets = None
        if self.teacher is not None and batch.tasks:
            targets = targets_of(self.teacher, x, tasks)  # of the images as they are
        if f.feature_noise:
            blur = torch.randn(batch.x.shape, generator=generator_for(s.seed, "feature noise", step))[part]
            x = x + f.feature_noise * self.tasks.spread * blur.to(self.device)
        condition = classes
        if batch.condition is None:
            condition = condition_of(self.text, tasks, conditioning=self.config.conditioning)
        condition = disturbed(condition, s, step, f.batch_size, part)

        x_t = noise[0].clone()
        inner = (~at_noise).nonzero().flatten()
        if two_passes:
            rows = inner if len(inner) else inner.new_zeros(1)
            with torch.no_grad():
                first = model(noise[0][rows], torch.full_like(rows, last), condition.rows(rows)).float()
            x_t[inner] = q_sample(self.schedule, first[: len(inner)], t[inner], noise[1][inner])
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


def fit_teacher(tasks: RandomTasks | ConceptTasks, *, noise: float, seed: int) -> LinearHead:
    """Fit to the images that random tasks are drawn from, and to no others: see `fit_linear_head`."""
    real = tasks.seen if isinstance(tasks, ConceptTasks) else tasks
    return fit_linear_head(
        real.features, real.classes, validation_fraction=real.validation_fraction, noise=noise, seed=seed
    )


def targets_of(teacher: LinearHead, x: Tensor, tasks: list[list[int]]) -> Tensor:
    """(B, K, n_max) probabilities of images (B, K, in_features) over each one's own classes; 0 for the padding."""
    classes = pad_sequence([torch.tensor(task) for task in tasks], batch_first=True, padding_value=-1).to(x.device)
    logits = teacher.logits(x).gather(2, classes.clamp(min=0)[:, None].expand(-1, x.shape[1], -1))
    return logits.masked_fill((classes < 0)[:, None], -torch.inf).softmax(-1)


def _cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Mean cross-entropy of (B, K, n) logits against probabilities; mask (B, n) is True for a task's own classes."""
    logs = logits.log_softmax(-1).masked_fill(~mask[:, None], 0.0)  # 0 where the target is 0, not 0 x infinity
    return -(targets * logs).sum(-1).mean()
