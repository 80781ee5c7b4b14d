"""Fusion: one classifier of 16 classes from two of 8 each that share none, on folders of class folders.

    python benchmarks/fusion.py --photos ../shared/data/caltech-50.zip ../shared/data/cifar100-60.zip \\
        --json docs/fusion.json --plot docs/fusion.png

Tasks A and B are drawn anew 20 times. Half of the pictures of each class can be trained on, the others are scored: all
16 classes at once, on all pictures, on A's and on B's. A and B are (1) generated from words, (2) these trained on their
own labelled pictures as `t2w fit` does, (3) adapters of 16 shared hidden units, trained with Adam (learning rate 1e-3,
10 epochs) from one base that was trained on the pictures of all other classes. The oracle is the same training with the
labelled pictures of all 16 classes; of (1) it is that of (2). Task arithmetic wants one base, so that it is in (3)
alone; its lambda is 1. "Both asked": of the two adapters' scaled cosines, each with its own classes, the highest
decides. No setting was chosen on these pictures. Means over the draws with 95 % bootstrap intervals. Differences are to
the fused units of the same draw and, in (3), to those of (2), which were trained on the same pictures.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from averaging import average, match_then_average, task_arithmetic
from common import machine, parser_of, run_on_device
from fusion_plot import plot
from pictures import features_of
from torch import Tensor

from t2w import Classifier, TextToWeights
from t2w.adapters import Adapter, AdapterSpec, recipe, train_base, train_tasks
from t2w.adapters.enhance import enhance
from t2w.adapters.fusion import text_of
from t2w.devices import one_thread
from t2w.encoders import vision_encoder_from_dict
from t2w.errors import T2WError, T2WWarning
from t2w.evaluation.statistics import bootstrap_mean
from t2w.features import FeatureSet
from t2w.files import write_json

SIZE, HIDDEN, BASE_STEPS = 8, 16, 500
FUSED, UNION, ORACLE = "fused units", "generated for the union", "oracle: trained on all 16"
WORDS, FITTED = "generated from words", "generated, then trained on pictures"
SHARED = "16 shared hidden units, trained from one base"
RECIPE = recipe("paper", learning_rate=1e-3)


@dataclass(frozen=True)
class Draw:
    """One pair of tasks.

    Attributes:
        classes: of A, then of B.
        train: the features and labels (positions in `classes`) to train on.
        test: those to score.
    """

    classes: tuple[int, ...]
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]

    def seen_by(self, b: bool) -> tuple[Tensor, Tensor]:
        """What A, or B, is trained on, with labels of its own."""
        x, y = self.train
        own = (y >= SIZE) == b
        return x[own], y[own] - SIZE * b


def draws_of(features: FeatureSet, held: Tensor, count: int) -> list[Draw]:
    """Pairs of tasks; `held` (N,) says which pictures are scored."""
    x, found = features.dense(), []
    for seed in range(count):
        order = torch.randperm(len(features.class_names), generator=torch.Generator().manual_seed(seed))
        classes = order[: 2 * SIZE]
        place = torch.full((len(order),), -1)
        place[classes] = torch.arange(2 * SIZE)
        y = place[features.labels]
        train, test = (y >= 0) & ~held, (y >= 0) & held
        found.append(Draw(tuple(classes.tolist()), (x[train], y[train]), (x[test], y[test])))
    return found


def half_of(labels: Tensor) -> Tensor:
    """(N,) bool, every second picture of each class in an order drawn once."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    held = torch.zeros(len(labels), dtype=torch.bool)
    for k in range(int(labels.max()) + 1):
        held[order[labels[order] == k][::2]] = True
    return held


def accuracies(logits: Tensor, y: Tensor) -> list[float]:
    """Per cent of all pictures, of A's and of B's."""
    right = (logits.argmax(1) == y).float()
    return [100 * float(right[some].mean()) for some in (y >= 0, y < SIZE, y >= SIZE)]


def answers(specs: Sequence[AdapterSpec], vectors: Tensor, text: Tensor, x: Tensor) -> dict[str, Tensor]:
    """What the usual methods make of A's and B's adapters (2, P): logits (N, 16)."""
    a, b = (logits_of(spec, vector, text, x) for spec, vector in zip(specs, vectors, strict=True))
    mixed = {
        "average": average(vectors),
        "matched, then averaged": match_then_average(specs[0], vectors),
    }
    return {
        "A alone": a,
        "B alone": b,
        "both asked, the surer wins": torch.cat([a[:, :SIZE], b[:, SIZE:]], 1),
        **{name: logits_of(specs[0], vector, text, x) for name, vector in mixed.items()},
    }


@torch.no_grad()
def logits_of(spec: AdapterSpec, vector: Tensor, text: Tensor, x: Tensor) -> Tensor:
    return Adapter.from_vector(spec, vector).logits(x, text)


def by_units(writer: TextToWeights, names: Sequence[str], draw: Draw, x: Tensor) -> dict[str, dict[str, Tensor]]:
    """family -> method -> logits, for adapters of one hidden unit per class."""
    own = [names[k] for k in draw.classes]
    made = [writer.generate(some) for some in (own[:SIZE], own[SIZE:], own)]
    seen = [draw.seen_by(False), draw.seen_by(True), draw.train]
    fitted = [
        replace(one, weights=enhance(one.spec, one.weights[0], one.text, *pictures)[None])
        for one, pictures in zip(made, seen, strict=True)
    ]
    found = {}
    for family, (a, b, _) in {WORDS: made, FITTED: fitted}.items():
        found[family] = answers([a.spec, b.spec], torch.cat([a.weights, b.weights]), torch.cat([a.text, b.text]), x)
        found[family] |= {FUSED: score(a.fuse(b), x), UNION: score(made[2], x), ORACLE: score(fitted[2], x)}
    return found


def score(classifier: Classifier, x: Tensor) -> Tensor:
    return classifier.classify_features(x).probabilities


def by_base(features: FeatureSet, text: Tensor, held: Tensor, draws: Sequence[Draw]) -> list[dict[str, Tensor]]:
    """method -> logits of each draw, for adapters of shared hidden units that start from one base."""
    spec = AdapterSpec(features.dim, HIDDEN, text.shape[1], 20.0)
    own = replace(features, features=features.dense()[~held], labels=features.labels[~held], scale=None)
    everything = range(len(features.class_names))
    bases = torch.stack(
        [
            train_base(
                spec, own, text, classes=[k for k in everything if k not in draw.classes], steps=BASE_STEPS
            ).vector
            for draw in draws
        ]
    )
    tasks = [part for draw in draws for part in (draw.classes[:SIZE], draw.classes[SIZE:], draw.classes)]
    starts = bases.repeat_interleave(3, dim=0)
    trained = train_tasks(spec, starts, own, text, tasks, range(len(tasks)), recipe=RECIPE).vectors
    found = []
    for draw, base, (a, b, union) in zip(draws, bases, trained.unflatten(0, (-1, 3)), strict=True):
        x, names, both = draw.test[0], text[list(draw.classes)], torch.stack([a, b])
        more = {"task arithmetic": task_arithmetic(base, both), ORACLE: union}
        found.append(
            {"base": logits_of(spec, base, names, x)}
            | answers([spec, spec], both, names, x)
            | {name: logits_of(spec, vector, names, x) for name, vector in more.items()}
        )
    return found


def table_of(writer: TextToWeights, features: FeatureSet, count: int) -> dict[str, dict[str, np.ndarray]]:
    """family -> method -> accuracies (draws, 3)."""
    names = features.class_names
    if len(names) <= 2 * SIZE:
        raise T2WError(f"{len(names)} classes", expected=f"more than {2 * SIZE}: two tasks and some for the base")
    held = half_of(features.labels)
    draws = draws_of(features, held, count)
    found: dict[str, dict[str, list[list[float]]]] = {}
    with warnings.catch_warnings(), one_thread(True):  # of small adapters: a second thread is only waited for
        warnings.simplefilter("ignore", T2WWarning)  # of names in no dictionary
        shared = by_base(features, text_of(writer.generate(names).text), held, draws)
        for draw, others in zip(draws, shared, strict=True):
            families = by_units(writer, names, draw, draw.test[0]) | {SHARED: others}
            for family, methods in families.items():
                for method, logits in methods.items():
                    row = found.setdefault(family, {}).setdefault(method, [])
                    row.append(accuracies(logits, draw.test[1]))
    return {family: {m: np.array(rows) for m, rows in methods.items()} for family, methods in found.items()}


def compare(args: argparse.Namespace, device: torch.device) -> None:
    writer = TextToWeights.from_pretrained(args.generator, device=str(device))
    encoder = vision_encoder_from_dict(writer.generator.provenance["vision"], device=device)
    results: dict[str, dict[str, dict[str, dict[str, dict[str, float]]]]] = {}
    for path in map(Path, args.photos):
        table = table_of(writer, features_of(path, encoder), args.draws)
        print(f"{path.stem}: {args.draws} draws; accuracy, %, all 16 classes at once")
        print(f"{'':32}{'all pictures':>21}{'':4}A's{'':4}B's   less {FUSED}")
        for family, methods in table.items():
            print(f"  {family}")
            for method, rows in methods.items():
                row = {part: vars(bootstrap_mean(rows[:, i])) for i, part in enumerate(("all", "A", "B"))}
                against = table[FITTED if family == SHARED else family][FUSED]
                row["minus fused"] = vars(bootstrap_mean(rows[:, 0] - against[:, 0]))
                results.setdefault(path.stem, {}).setdefault(family, {})[method] = row
                m, d = row["all"], row["minus fused"]
                print(
                    f"    {method:30}{m['mean']:6.1f} [{m['low']:.1f}, {m['high']:.1f}]{row['A']['mean']:7.1f}"
                    f"{row['B']['mean']:7.1f}   {d['mean']:+.1f} [{d['low']:+.1f}, {d['high']:+.1f}]"
                )
    print(machine(device))
    if args.json:
        write_json(Path(args.json), results)
    if args.plot:
        plot(results, Path(args.plot), ours=(FUSED, UNION), oracle=ORACLE)


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--photos", nargs="+", required=True, metavar="PATH", help="folders or zips of class folders")
    parser.add_argument("--generator", default="embedded")
    parser.add_argument("--draws", type=int, default=20, help="pairs of tasks")
    parser.add_argument("--json", metavar="FILE", help="where the figures go too")
    parser.add_argument("--plot", metavar="PNG", help="where the picture goes")
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: compare(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
