"""Fits how sure a generator's classifiers may be, on training images of seen classes that nothing else is trained on.

Tasks of 2 to 128 classes, described by their own rows, by what the map predicts without them, or by either: for each
the temperature of least cross-entropy, and the score that 95 % of its pictures are above. See `t2w.concepts.surety`.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters import Adapter, class_codes
from t2w.adapters.units import to_units
from t2w.concepts import Evidence, TextMap
from t2w.concepts.surety import NoneRule, Surety, head_rows
from t2w.generator import Generator
from t2w.runs.run import Run

__all__ = ["fit_surety"]

_SIZES = (2, 4, 8, 16, 32, 64, 128)
_DRAWS = 4  # tasks of each size and kind
_ACCEPTED = 0.95
_TEMPERATURES = torch.logspace(-0.7, 0.9, 50)  # 0.2 to 8


def fit_surety(run: Run, generator: Generator) -> Surety | None:
    """The fit; None where no training images are held out."""
    images, known = run.held_out, run.known
    places = {number: place for number, place in enumerate(known.positions) if place >= 0}
    if images is None or len(places) < _SIZES[0]:
        return None
    concepts, rng = known.concepts, np.random.default_rng(run.config.seed)
    others = head_rows(run.head.named(), concepts.centres)
    rule = NoneRule(0.0, concepts.centres)
    x, labels = images.dense().float(), images.labels
    terms, temperatures, thresholds = [], [], []
    text = F.normalize(concepts.text + concepts.name_text, dim=1)
    predicted = TextMap(concepts.text, concepts.rows).leave_one_out()
    for size in (size for size in _SIZES if size <= len(places)):
        for chance in (0.0, 0.5, 1.0) * _DRAWS:
            classes = rng.choice(list(places), size, replace=False).tolist()
            shown = torch.isin(labels, torch.tensor(classes))
            if not bool(shown.any()):
                continue
            place = [places[number] for number in classes]
            unsure = torch.from_numpy(rng.random(size) < chance)
            described = torch.where(unsure[:, None], predicted.rows[place], concepts.rows[place])
            evidence = Evidence(text[place], described, predicted.variance[place] * unsure, ("",) * size)
            rows, logits = _answers(generator, evidence, x[shown])
            order = torch.tensor([classes.index(int(label)) for label in labels[shown]])
            losses = torch.stack([F.cross_entropy(logits / t, order) for t in _TEMPERATURES])
            terms.append(Surety.terms(evidence.variance))
            temperatures.append(float(_TEMPERATURES[losses.argmin()].log()))
            thresholds.append(float(rule.scores(rows, others, x[shown]).quantile(1 - _ACCEPTED)))
    return Surety(_fit(terms, temperatures), _fit(terms, thresholds))


@torch.inference_mode()
def _answers(generator: Generator, evidence: Evidence, x: Tensor) -> tuple[Tensor, Tensor]:
    """(n, d) unit rows of a generated adapter, and its logits (N, n)."""
    condition = generator.condition(evidence)
    spec, vectors = generator.spec_for(condition), generator.generate(condition, steps=1)
    units = to_units(spec, vectors).units[0, :, : spec.in_features]
    return F.normalize(units, dim=1), Adapter.from_vector(spec, vectors[0]).logits(x, class_codes(evidence.text))


def _fit(terms: list[list[float]], values: list[float]) -> tuple[float, ...]:
    """Least squares."""
    found = np.linalg.lstsq(np.array(terms), np.array(values), rcond=None)[0]
    return tuple(float(value) for value in found)
