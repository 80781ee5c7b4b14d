"""The base adapter: one adapter over all seen classes, from which every task starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.adapter import Adapter
from t2w.adapters.holdout import check_classes, check_sizes, class_rows, rows_of_task
from t2w.adapters.recipes import Recipe
from t2w.adapters.spec import AdapterSpec
from t2w.devices import enough_memory
from t2w.errors import T2WError
from t2w.features import FeatureSet
from t2w.seeds import derive_seed

__all__ = ["BaseResult", "train_base"]

_COPIES = 4  # weights, gradients and Adam's two moments


@dataclass(frozen=True, eq=False)
class BaseResult:
    """A trained base adapter.

    Attributes:
        vector: (P,) float32, on the CPU.
        losses: (steps,) float32, the cross-entropy of each step's batch in nats.
    """

    vector: Tensor
    losses: Tensor


def train_base(
    spec: AdapterSpec,
    features: FeatureSet,
    text: Tensor,
    *,
    classes: Sequence[int],
    steps: int = 3000,
    batch_size: int = 256,
    learning_rate: float = 2e-3,
    validation_fraction: float = 0.0,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> BaseResult:
    """Train one adapter on all images of some classes: Adam with a cosine schedule, batches drawn with replacement.

    Args:
        text: (C, out_features), one embedding per class of `features`.
        classes: the class numbers to train on and to choose between (the seen classes).
        learning_rate: Adam's rate at the first step.
        validation_fraction: share of each class's images left out, the same ones that `train_tasks` holds out.
        seed: of the initial weights and the batches.

    Raises:
        T2WError: sizes that do not fit, a class that does not exist or has no images, an adapter larger than the
            memory, or a loss that is not finite.
    """
    plan = Recipe(
        "base", steps=steps, batch_size=batch_size, learning_rate=learning_rate, validation_fraction=validation_fraction
    )
    check_sizes(spec, features, text)
    rows = class_rows(features, validation_fraction=validation_fraction)
    check_classes(classes, rows.counts, features.class_names, what="the base")
    device, what = torch.device(device), f"training an adapter of {spec.hidden:,} hidden units"
    with enough_memory(what, device, needed=4 * _COPIES * spec.size, fix="make adapters.hidden smaller"):
        rng = torch.Generator().manual_seed(derive_seed(seed, "base"))
        adapter = Adapter(spec, generator=rng).to(device)
        own, labels = rows_of_task(rows.train, classes)
        x, labels = features.rows(own).to(device), labels.to(device)
        class_texts = F.normalize(text[list(classes)].to(device, torch.float32), dim=-1)
        optimiser = torch.optim.Adam(adapter.parameters(), fused=x.device.type in ("cpu", "cuda"))
        losses = torch.zeros(steps, device=device)
        for step in range(steps):
            batch = torch.randint(len(own), (batch_size,), generator=rng).to(device)
            optimiser.param_groups[0]["lr"] = plan.rate(step, steps)
            loss = F.cross_entropy(adapter.logits(x[batch], class_texts), labels[batch])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            losses[step] = loss.detach()
    losses = losses.cpu()
    if not losses.isfinite().all():
        raise T2WError(
            f"the base adapter's loss is not finite from step {int((~losses.isfinite()).nonzero()[0])}",
            fix=f"lower the learning rate ({learning_rate:g}) or look for infinite features",
        )
    return BaseResult(vector=adapter.vector().cpu(), losses=losses)
