"""A generated classifier's answers for single test images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from t2w.adapters import Adapter
from t2w.evaluation.bench import Bench
from t2w.evaluation.report import Example, ExampleGrid

__all__ = ["example_grid"]


def example_grid(
    bench: Bench,
    task: Sequence[int],
    vector: torch.Tensor,
    *,
    task_id: int,
    split: str,
    images: Sequence[np.ndarray] | None,
    count: int = 24,
) -> ExampleGrid:
    """Predictions for test images of one task, chosen at random: never for being right.

    Args:
        vector: (P,) the generated adapter.
        images: the pictures of `bench.test`, row by row, uint8; None where there are only features: all rows are given.
        count: how many pictures.
    """
    rows = torch.cat([torch.nonzero(bench.test.labels == c).flatten() for c in task])
    if images is not None:
        rng = torch.Generator().manual_seed(task_id)
        rows = rows[torch.randperm(len(rows), generator=rng)[:count]]
    adapter = Adapter.from_vector(bench.spec, vector)
    with torch.no_grad():
        probabilities = adapter.logits(bench.test.rows(rows), bench.text[list(task)]).softmax(-1)
    names = [bench.test.class_names[c] for c in task]
    examples = tuple(
        Example(
            image=None if images is None else np.asarray(images[row]),
            truth=bench.test.class_names[int(bench.test.labels[row])],
            prediction=names[int(p.argmax())],
            probability=float(p.max()),
        )
        for row, p in zip(rows.tolist(), probabilities, strict=True)
    )
    accuracy = float(bench.score(vector[None], [task])[0])
    base = float(bench.score(bench.base[None], [task], spec=bench.base_spec)[0])
    return ExampleGrid(task_id, split, tuple(names), accuracy, base, examples)
