"""Top-1 accuracy of adapters on images of their tasks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.holdout import ClassRows, check_classes, check_sizes, class_rows
from t2w.adapters.spec import AdapterSpec, check_size, unflatten
from t2w.errors import T2WError
from t2w.features import FeatureSet

__all__ = ["accuracy"]

_GROUP = 256  # tasks at once, and
_IMAGES = 512  # images of a class at once: both bound the memory


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
    counts = torch.tensor(rows.counts)
    results = torch.zeros(len(tasks))
    for first in range(0, len(tasks), _GROUP):
        some = slice(first, first + _GROUP)
        part = unflatten(spec, vectors[some].to(device, torch.float32))
        hits = _hits(part, features, rows, text, tasks[some])
        results[some] = hits.cpu() / torch.stack([counts[list(classes)].sum() for classes in tasks[some]])
    return results


def _hits(
    part: dict[str, Tensor], features: FeatureSet, rows: ClassRows, text: Tensor, tasks: Sequence[Sequence[int]]
) -> Tensor:
    """How many images of its classes each of some adapters gets right: (T,) int64 on their device.

    Class by class: the images of one class go through the first layers of all tasks that have it as one matrix product.

    Args:
        part: parameters, the first dimension of each being the task.
    """
    device, width = part["linear1.bias"].device, max(map(len, tasks))
    place = torch.full((len(tasks), len(rows.counts)), -1, dtype=torch.int64)  # of each class in each task
    padded = torch.zeros(len(tasks), width, dtype=torch.int64)
    unused = torch.ones(len(tasks), width, dtype=torch.bool)
    for i, classes in enumerate(tasks):
        n = len(classes)
        place[i, list(classes)], padded[i, :n], unused[i, :n] = torch.arange(n), torch.tensor(list(classes)), False
    padded, unused = padded.to(device), unused.to(device)
    texts = F.normalize(text.to(device, torch.float32), dim=-1)[padded]  # (T, n, out)
    through = texts @ part["linear2.weight"]  # (T, n, hidden), see `class_scores`
    offset = (texts @ part["linear2.bias"][..., None]).masked_fill_(unused[..., None], float("-inf"))  # (T, n, 1)
    hits = torch.zeros(len(tasks), dtype=torch.int64, device=device)
    for own, wanted in zip(rows.train, place.T, strict=True):
        who = (wanted >= 0).nonzero().flatten()
        if not len(who):
            continue
        wanted, who = wanted[who].to(device), who.to(device)
        w1, b1 = (part[name].index_select(0, who) for name in ("linear1.weight", "linear1.bias"))
        for chunk in own.split(_IMAGES):
            x = features.rows(chunk).to(device, torch.float32)
            hidden = F.gelu(w1.flatten(0, 1) @ x.T + b1.flatten()[:, None]).unflatten(0, b1.shape)
            scores = torch.baddbmm(offset[who], through[who], hidden)  # (tasks, n, images)
            hits[who] += (scores.argmax(1) == wanted[:, None]).sum(1)
    return hits


def class_scores(spec: AdapterSpec, vector: Tensor, x: Tensor, text: Tensor) -> Tensor:
    """What ranks the classes: output times text (N, n), without norm and scale, which all classes of an image share."""
    part = unflatten(spec, vector)
    hidden = F.gelu(F.linear(x, part["linear1.weight"], part["linear1.bias"]))
    # Through the hidden layer: text @ linear2 is (n, hidden), so the outputs (N, out_features) are never formed.
    return hidden @ (text @ part["linear2.weight"]).T + text @ part["linear2.bias"]
