"""A linear head of all seen classes, whose probabilities the functional loss can take as targets.

It has one weight row per class, where an adapter makes do with a few hidden units for all of them, and so knows of the
same training images what their labels do not say: which other class an image is like.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from t2w.adapters.linear_head import LinearHead, fit_linear_head
from t2w.training.concept_tasks import ConceptTasks
from t2w.training.random_tasks import RandomTasks

__all__ = ["fit_teacher", "targets_of"]


def fit_teacher(tasks: RandomTasks | ConceptTasks, *, noise: float, seed: int) -> LinearHead:
    """Fit to the images that random tasks are drawn from, and to no others: see `fit_linear_head`."""
    real = tasks.seen if isinstance(tasks, ConceptTasks) else tasks
    return fit_linear_head(
        real.features, real.classes, validation_fraction=real.validation_fraction, noise=noise, seed=seed
    )


def targets_of(teacher: LinearHead, x: Tensor, tasks: list[list[int]]) -> Tensor:
    """(B, K, n_max) probabilities of images (B, K, in_features), over the classes of each one's task alone.

    Places beyond a task's own classes hold 0.
    """
    classes = pad_sequence([torch.tensor(task) for task in tasks], batch_first=True, padding_value=-1).to(x.device)
    logits = teacher.logits(x).gather(2, classes.clamp(min=0)[:, None].expand(-1, x.shape[1], -1))
    return logits.masked_fill((classes < 0)[:, None], -torch.inf).softmax(-1)
