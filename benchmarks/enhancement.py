"""Enhancement: training an adapter on a few labelled pictures, from generated weights and from random ones.

    python benchmarks/enhancement.py --photos ../shared/data/caltech-50.zip --plot docs/enhancement.png

All classes at once. Each start is trained with the settings that `t2w fit` has; accuracy is that of the pictures which
are not labelled, means over 3 draws. Steps to an accuracy: to what the generated weights have before any training with
16 pictures per class, or "never" within the steps. Starts: generated (from words; from words and the labelled
pictures), the ridge regression from texts to rows that t2w's evidence rests on (of every class, known ones too), base
(all rows zero: what tasks have in common) and random ones of the same sizes. Base and random starts have no pull
towards where they began. Beside them the methods of `benchmarks/photographs.py` that learn from the same pictures.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from common import machine, parser_of, run_on_device
from photographs import DRAWS, accuracy, others, shots_of
from pictures import features_of
from torch import Tensor, nn

from t2w import Classifier, TextToWeights
from t2w.adapters import Adapter, AdapterSpec
from t2w.adapters.enhance import EnhanceSettings, enhance
from t2w.adapters.units import start, to_vector
from t2w.concepts import TextMap
from t2w.encoders import vision_encoder_from_dict
from t2w.errors import T2WWarning
from t2w.files import write_json
from t2w.photos import TaskPictures

RANDOM: dict[str, Callable[[Tensor], object]] = {
    "xavier": nn.init.xavier_uniform_,
    "kaiming": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
    "normal": lambda weight: nn.init.normal_(weight, std=0.02),
}


def random_start(spec: AdapterSpec, kind: str, seed: int) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        adapter = Adapter(spec)
        for layer in (adapter.linear1, adapter.linear2):
            RANDOM[kind](layer.weight)
            nn.init.zeros_(layer.bias)
    return adapter.vector()


def ridge_rows(writer: TextToWeights, names: Sequence[str]) -> Tensor:
    """(n, d) what ridge regression with a kernel says of the classes' texts, known or not."""
    lexicon = writer.lexicon
    assert lexicon is not None  # the benchmark is for generators that know concepts
    known = lexicon.concepts
    text = lexicon.evidence(lexicon.understand(names)).text
    return TextMap(F.normalize(known.text + known.name_text, dim=1), known.rows).predict(text).rows


def from_rows(words: Classifier, rows: Tensor, gain: float) -> Tensor:
    """(P,) the adapter that starts from these rows, for the classes of a generated one."""
    mask = torch.ones(1, len(rows), dtype=torch.bool)
    return to_vector(start(rows[None], words.text[None], mask, gain=gain))[0]


def trained(
    words: Classifier, start: Tensor, how: EnhanceSettings, x: Tensor, y: Tensor, chosen: Tensor, free: Tensor,
    seed: int, every: int,
) -> list[float]:  # fmt: skip
    """The accuracy on the free pictures before training on the chosen ones, and after every few steps."""
    curve: list[float] = []

    def watch(step: int, adapter: Adapter) -> None:
        if step % every == 0:
            with torch.no_grad():
                right = adapter.logits(x[free], words.text).argmax(1) == y[free]
            curve.append(100 * float(right.float().mean()))

    enhance(words.spec, start, words.text, x[chosen], y[chosen], how, seed=seed, watch=watch)
    return curve


def compare(args: argparse.Namespace, device: torch.device) -> None:
    writer = TextToWeights.from_pretrained(args.generator, device=str(device))
    encoder = vision_encoder_from_dict(writer.generator.provenance["vision"], device=device)
    features = features_of(args.photos, encoder)
    x, y, names = features.dense().float(), features.labels, features.class_names
    curves: dict[str, dict[int, list[list[float]]]] = {}
    rivals: dict[str, dict[int, list[float]]] = {}
    settings = EnhanceSettings()
    gain = writer.generator.config.gain
    several = [shots for shots in shots_of(y) if shots]
    for shots in several:
        for seed in range(args.draws):
            order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
            chosen = torch.cat([order[y[order] == k][:shots] for k in range(len(names))])
            free = torch.ones(len(x), dtype=torch.bool)
            free[chosen] = False
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", T2WWarning)
                words = writer.generate(names)
                more = writer.generate(names, photos=TaskPictures(x[chosen], tuple(y[chosen].tolist()), ()))
            free_to_move = replace(settings, pull=0.0)
            starts = {"words": (words.weights[0], settings), "words and pictures": (more.weights[0], settings)}
            starts["ridge"] = (from_rows(words, ridge_rows(writer, names), gain), settings)
            starts["base"] = (from_rows(words, torch.zeros(len(names), words.spec.in_features), gain), free_to_move)
            starts |= {kind: (random_start(words.spec, kind, seed), free_to_move) for kind in RANDOM}
            for name, (begin, how) in starts.items():
                curve = trained(words, begin, how, x, y, chosen, free, seed, args.every)
                curves.setdefault(name, {}).setdefault(shots, []).append(curve)
            answer = partial(probabilities, words)
            for name, method in others(answer, x[chosen], y[chosen], len(names)).items():
                right = accuracy(method(x[free]).argmax(1), y[free])
                rivals.setdefault(name, {}).setdefault(shots, []).append(right)
    goal = float(np.mean([curve[0] for curve in curves["words and pictures"][several[-1]]]))
    print(f"{Path(args.photos).stem}: accuracy after {settings.steps} steps (before), by labelled pictures per class")
    print(
        f"  {'start':22}"
        + "".join(f"{shots:>14}" for shots in several)
        + f"   steps to {goal:.1f} % with {several[-1]}"
    )
    for name, by_shots in curves.items():
        cells = [np.mean(by_shots[s], axis=0) for s in several]
        reached = np.flatnonzero(cells[-1] >= goal)
        steps = str(int(reached[0]) * args.every) if len(reached) else "never"
        print(f"  {name:22}" + "".join(f"{c[-1]:7.1f} ({c[0]:4.1f})" for c in cells) + f"   {steps}")
    for name, row in rivals.items():
        print(f"  {name:22}" + "".join(f"{np.mean(row[s]):7.1f}       " for s in several))
    print(machine(device))
    if args.plot:
        plot(curves, rivals, Path(args.plot), settings, args.every)
        write_json(Path(args.plot).with_suffix(".json"), {"starts": curves, "others": rivals})


def probabilities(made: Classifier, features: Tensor) -> Tensor:
    return made.classify_features(features).probabilities


def plot(
    curves: dict[str, dict[int, list[list[float]]]], rivals: dict[str, dict[int, list[float]]], path: Path,
    settings: EnhanceSettings, every: int,
) -> None:  # fmt: skip
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    several = list(next(iter(curves.values())))
    shown = min(several, key=lambda shots: abs(shots - 4))
    for name, by_shots in curves.items():
        left.plot(
            list(by_shots), [np.mean([c[-1] for c in found]) for found in by_shots.values()], marker="o", label=name
        )
        mean = np.mean(by_shots[shown], axis=0)
        right.plot(every * np.arange(len(mean)), mean)
    for name, row in rivals.items():
        left.plot(list(row), [np.mean(found) for found in row.values()], linestyle="--", linewidth=1, label=name)
    left.set(xscale="log", xlabel="labelled pictures per class", ylabel="accuracy, %", title="after training")
    left.set_xticks(several, [str(s) for s in several])
    right.set(xlabel="steps", title=f"{shown} labelled pictures per class", xlim=(0, settings.steps))
    figure.legend(loc="outside right center", title="start; other method dashed")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=130)


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--photos", required=True, metavar="PATH", help="a folder or zip of class folders")
    parser.add_argument("--generator", default="embedded")
    parser.add_argument("--every", type=int, default=5, help="steps between two looks at the accuracy")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of the pictures that are labelled")
    parser.add_argument("--plot", metavar="PNG", help="where the picture goes, its numbers beside it")
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: compare(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
