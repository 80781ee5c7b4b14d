"""Top-1 accuracy of adapters on images of their tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.checks import check_classes, check_sizes
from t2w.adapters.holdout import class_rows
from t2w.adapters.spec import AdapterSpec, check_size, unflatten
from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.features import FeatureSet

__all__ = ["accuracy"]


@torch.no_grad()
def accuracy(
    spec: AdapterSpec,
    vectors: Tensor,
    features: FeatureSet,
    text: Tensor,
    tasks: Sequence[Sequence[int]],
    *,
    device: str | torch.device = "cpu",
) -> Tensor:
    """Share of images whose nearest class text, among the task's classes only, is their own.

    Args:
        vectors: (T, P), one adapter per task.
        features: the images to measure on; all images of a task's classes are used.
        text: (C, out_features), one embedding per class of `features`.
        tasks: for each task the numbers of its classes.
        device: where to compute.

    Returns:
        (T,) float32 in 0..1, on the CPU.

    Raises:
        T2WError: sizes that do not fit, or a task naming fewer than two classes or one without images.
    """
    check_sizes(spec, features, text)
    check_size(spec, vectors)
    if vectors.dim() != 2 or len(vectors) != len(tasks):
        raise T2WError(f"adapters of shape {tuple(vectors.shape)} for {len(tasks)} tasks", expected="one row per task")
    rows = class_rows(features)
    for i, classes in enumerate(tasks):
        check_classes(classes, rows.counts, features.class_names, what=f"task {i} of the list")
    x = features.dense(torch.float32).to(device)
    text = F.normalize(text.to(device, torch.float32), dim=-1)
    results = []
    for vector, classes in zip(vectors, tasks, strict=True):
        own = torch.cat([rows.train[c] for c in classes]).to(device)
        labels = (
            torch.arange(len(classes)).repeat_interleave(torch.tensor([rows.counts[c] for c in classes])).to(device)
        )
        scores = class_scores(spec, vector.to(device, torch.float32), x[own], text[list(classes)])
        results.append((scores.argmax(-1) == labels).float().mean())
    return torch.stack(results).cpu() if results else torch.zeros(0)


def class_scores(spec: AdapterSpec, vector: Tensor, x: Tensor, text: Tensor) -> Tensor:
    """What ranks the classes: output times text (N, n), without norm and scale, which all classes of an image share."""
    part = unflatten(spec, vector)
    hidden = F.gelu(F.linear(x, part["linear1.weight"], part["linear1.bias"]))
    # Through the hidden layer: text @ linear2 is (n, hidden), so the outputs (N, out_features) are never formed.
    return hidden @ (text @ part["linear2.weight"]).T + text @ part["linear2.bias"]
