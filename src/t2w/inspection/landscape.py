"""The loss over a plane of weights: the start, a classifier and another one (Li et al. 2018, arXiv 1712.09913)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.enhance import enhance
from t2w.classifier import Classifier
from t2w.errors import T2WError
from t2w.inspection.denoising import Scores, scores_of
from t2w.inspection.labelled import Labelled
from t2w.inspection.origin import Origin
from t2w.progress import progress

__all__ = ["Landscape", "Point", "landscape"]

_EXTENT = 4.0  # of the grid, in lengths of the first direction
_TOGETHER = 1 << 24  # numbers of weights in memory at once
_LEAST = 1e-6  # share of the start's length that a direction must have


@dataclass(frozen=True)
class Point:
    """A place on the plane.

    Attributes:
        what: for a reader.
        alpha: along the first direction.
        beta: along the second.
        loss: mean cross-entropy there, in nats.
        accuracy: 0..1.
    """

    what: str
    alpha: float
    beta: float
    loss: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Landscape:
    """Loss over start + alpha d1 + beta d2, with d1 = A - start and d2 = B - start made as long as d1.

    Attributes:
        axis: (G,) values of alpha and of beta.
        loss: (G, G) row beta, column alpha.
        points: the start, A and B.
        cosine: of d1 and d2.
        lengths: of d1, of B - start, and of the start.
        pictures: how many the loss is the mean of.
    """

    axis: np.ndarray
    loss: np.ndarray
    points: tuple[Point, Point, Point]
    cosine: float
    lengths: tuple[float, float, float]
    pictures: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "pictures": self.pictures,
            "points": [vars(point) for point in self.points],
            "cosine_of_directions": self.cosine,
            "lengths": dict(zip(("A - start", "B - start", "start"), self.lengths, strict=True)),
            "alpha_and_beta": np.round(self.axis, 4).tolist(),
            "loss_by_beta_then_alpha": np.round(self.loss, 5).tolist(),
        }


def landscape(
    classifier: Classifier,
    origin: Origin,
    pictures: Labelled,
    *,
    against: Classifier | None = None,
    grid: int = 40,
    seed: int = 0,
) -> Landscape:
    """Measure the loss of A, B and what lies around them, on pictures of A's classes.

    Of a classifier of several samples the first is looked at.

    Args:
        classifier: A.
        origin: tells the start.
        pictures: labelled ones of A's classes.
        against: B, of the same sizes; None: A trained further on half of the pictures, and the loss is of the others.
        grid: G, values of alpha and of beta, 2 or more.
        seed: of the halves, and of the order of training.

    Raises:
        T2WError: another one of other sizes or for another image encoder, too few pictures for two halves, or weights
            that are the start's.
    """
    if grid < 2:
        raise T2WError(f"a grid of {grid}", expected="2 or more values of alpha and beta")
    a, measured = classifier.weights[0].float(), pictures
    if against is None:
        half, measured = pictures.halves(seed=seed)
        if len(half) == 0:
            raise T2WError(
                f"{len(pictures)} labelled pictures, of no class two", expected="two or more of a class, for two halves"
            )
        b = enhance(classifier.spec, a, classifier.text, half.features, half.labels, seed=seed)
        named = f"A trained on {len(half)} pictures"
    else:
        b, named = _checked(classifier, against), "the other classifier"
    start = origin.start
    d1, d2 = a - start, b - start
    lengths = float(d1.norm()), float(d2.norm()), float(start.norm())
    if min(lengths[:2]) <= _LEAST * lengths[2]:
        raise T2WError("a classifier has the weights that it started from, so that there is no direction to look along")
    cosine = float(F.cosine_similarity(d1, d2, dim=0))
    d2 = d2 * (lengths[0] / lengths[1])
    at = lengths[1] / lengths[0]  # where B stands on the second direction
    axis = np.linspace(-_EXTENT, _EXTENT, grid)
    places = [(alpha, beta) for beta in axis for alpha in axis]
    marked = ((f"start: {origin.what}", 0.0, 0.0), ("A: this classifier", 1.0, 0.0), (f"B: {named}", 0.0, at))
    directions = torch.stack([d1, d2])
    there = _scores(classifier, start, directions, [place[1:] for place in marked], measured)
    points = [
        Point(*place, *found) for place, found in zip(marked, zip(there.loss, there.accuracy, strict=True), strict=True)
    ]
    return Landscape(
        axis,
        np.array(_scores(classifier, start, directions, places, measured).loss).reshape(grid, grid),
        (points[0], points[1], points[2]),
        cosine,
        lengths,
        len(measured),
    )


def _scores(
    classifier: Classifier, start: Tensor, directions: Tensor, places: Sequence[tuple[float, float]], pictures: Labelled
) -> Scores:
    """Of start + alpha d1 + beta d2 at some places."""
    accuracy: list[float] = []
    loss: list[float] = []
    with progress("loss landscape", total=len(places), unit="point") as bar:
        for some in torch.tensor(places).split(max(1, min(_TOGETHER // len(start), len(places) // 8))):
            found = scores_of(classifier, start + some.float() @ directions, pictures)
            accuracy += found.accuracy
            loss += found.loss
            bar.update(len(some))
    return Scores(tuple(accuracy), tuple(loss))


def _checked(classifier: Classifier, against: Classifier) -> Tensor:
    """B's weights. Raises T2WError where they do not fit A's."""
    sizes = [(s.in_features, s.hidden, s.out_features) for s in (classifier.spec, against.spec)]
    if sizes[0] != sizes[1]:
        shown = ["-".join(map(str, size)) for size in sizes]
        raise T2WError(
            f"the other classifier has weights of the sizes {shown[1]}",
            expected=f"{shown[0]}, as this one",
            fix="generate it for as many classes",
        )
    if classifier.vision.get("identity") != against.vision.get("identity"):
        raise T2WError(
            f"the other classifier takes features of {against.vision.get('identity')}",
            expected=f"{classifier.vision.get('identity')}",
        )
    return against.weights[0].float()
