"""The settings of the mixture that pictures are fitted with, on Tiny-ImageNet classes that the words do not know.

    python benchmarks/mixture.py --run runs/embedded --json docs/mixture.json

A run of `experiment=embedded` knows 200 classes by photographs. Of these 40, then 100, are taken out of what the
encoder knows, so that the map has to predict their rows; or half of them stay known. Three draws. The pictures are
training images, or the mean of the features of three, which lie as near around their classes as full-size photographs
do. Accuracy in per cent on the pictures of the task, means over draws and kinds of pictures:

- unlabelled: 30 of each class; 50 down to 1; both with 30 % of other classes; 2 of each; 30 of every second class.
- labelled: 1 and 4 of each class, and no others.
- both: 1 and 4 of each class labelled, the rest of 30 not.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from common import machine, parser_of, run_on_device
from torch import Tensor

from t2w.concepts import Concepts, Knowledge, name_texts
from t2w.concepts.mixture import MixtureSettings, fit_mixture
from t2w.concepts.photographs import Appearance, class_statistics
from t2w.concepts.pictures import OWN_MEAN
from t2w.devices import one_thread
from t2w.encoders import load_text_encoder
from t2w.features import FeatureSet
from t2w.files import write_json
from t2w.progress import progress
from t2w.runs import Run
from t2w.runs.folder import stored_run
from t2w.words import load_dictionary

CLASSES, DRAWS, MOST = (40, 100), 3, 30
SHOTS = (1, 4)
KINDS = ("even", "uneven", "even, foreign", "uneven, foreign", "two of each", "every second class")
GRID = [MixtureSettings(trust=trust) for trust in (1.0, 2.0, 3.0, 4.0, 6.0)]
GRID += [MixtureSettings(soft=soft) for soft in (0.4, 1.0)] + [MixtureSettings(tau=tau) for tau in (20.0, 60.0)]


@dataclass(frozen=True)
class Words:
    """What words say of some classes, and centred features (classes, pictures, d) of them and of as many others."""

    rows: Tensor
    variance: Tensor
    own: Tensor
    other: Tensor
    appearance: Appearance


@dataclass(frozen=True)
class Trial:
    """What `fit_mixture` takes, and the pictures that are scored: (M, d) and their classes (M,)."""

    prior: Tensor
    variance: Tensor
    first: Tensor
    z: Tensor
    labels: Tensor
    scored: Tensor
    truth: Tensor

    def accuracy(self, settings: MixtureSettings) -> float:
        found = fit_mixture(self.prior, self.variance, self.first, self.z, self.labels, settings)
        right = (self.scored @ found.prototypes.T).argmax(1) == self.truth
        return 100 * float(right.float().mean())


def words_of(run: Run, count: int) -> Iterator[Words]:
    """The draws: with this many classes unknown or half of them known, each with pictures and with means of three."""
    train, known, encoder = run.features[0], run.known, run.encoder_concepts
    dictionary, encode = load_dictionary(), load_text_encoder("minilm").encode
    position = {sense: i for i, sense in enumerate(encoder.senses.tolist()) if sense >= 0}
    photographed = [number for number, place in enumerate(known.positions) if place >= 0]
    for draw in range(DRAWS):
        order = torch.randperm(len(photographed), generator=torch.Generator().manual_seed(draw)).tolist()
        picked, others = ([photographed[i] for i in part] for part in (order[:count], order[count:]))
        senses = [known.senses[number] for number in picked]
        concepts = encoder.at([i for i, sense in enumerate(encoder.senses.tolist()) if sense not in set(senses)])
        named = name_texts([train.class_names[number] for number in picked], encode)
        told = Knowledge(concepts, dictionary).evidence(dictionary.embeddings(senses), named, torch.ones(count), senses)
        of_others = torch.isin(train.labels, torch.tensor(others)).nonzero()[:, 0]
        looks = Appearance.of(class_statistics(concepts, train.rows(of_others), train.labels[of_others], others))
        rows, variance = told.rows.clone(), told.variance.clone()
        for i in range(0, count, 2):
            if senses[i] in position:
                rows[i], variance[i] = encoder.rows[position[senses[i]]], 0.0
        for together in (1, 3):
            own, other = (pictures(train, concepts, part, together) for part in (picked, others[:count]))
            yield Words(told.rows, told.variance, own, other, looks)
            yield Words(rows, variance, own, other, looks)


def pictures(train: FeatureSet, concepts: Concepts, classes: list[int], together: int) -> Tensor:
    """(classes, 60, d) centred features, each the mean of some images of one class."""
    found = []
    for number in classes:
        index = (train.labels == number).nonzero()[: 60 * together, 0]
        features = concepts.centred(train.rows(index).float())
        found.append(features.reshape(-1, together, features.shape[1]).mean(1))
    return torch.stack(found)


def sizes(kind: str, n: int) -> list[int]:
    """How many pictures each class has."""
    if kind.startswith("uneven"):
        return [max(1, round(50 * 20 ** (-i / (n - 1)))) for i in range(n)]
    if kind == "every second class":
        return [MOST * (i % 2) for i in range(n)]
    return [2 if kind == "two of each" else MOST] * n


def unlabelled(words: Words, kind: str) -> Trial:
    n = len(words.rows)
    counts = sizes(kind, n)
    x = torch.cat([own[:count] for own, count in zip(words.own, counts, strict=True)])
    y = torch.repeat_interleave(torch.arange(n), torch.tensor(counts))
    foreign = words.other[:, : len(x) * 3 // 7 // n if kind.endswith("foreign") else 0].flatten(0, 1)
    return trial(words, torch.cat([x, foreign]), torch.full((len(x) + len(foreign),), -1), (0, len(x)), y)


def labelled(words: Words, shots: int, *, both: bool) -> Trial:
    """Labelled pictures, and the rest of 30 without a label, which is scored."""
    x = torch.cat([words.own[:, :shots].flatten(0, 1), words.own[:, shots:MOST].flatten(0, 1)])
    n = len(words.rows)
    first = n * shots
    labels = torch.full((len(x),), -1)
    labels[:first] = torch.repeat_interleave(torch.arange(n), shots)
    truth = torch.repeat_interleave(torch.arange(n), MOST - shots)
    return trial(words, x, labels, (first, len(x)), truth, seen=len(x) if both else first)


def trial(
    words: Words, x: Tensor, labels: Tensor, scored: tuple[int, int], truth: Tensor, seen: int | None = None
) -> Trial:
    """A trial that sees the first pictures only; features are taken as `with_pictures` takes them."""
    seen = len(x) if seen is None else seen
    x = x - x[:seen].mean(0) * seen / (seen + OWN_MEAN)
    z = words.appearance.whitened(x)
    first = F.normalize(x[:seen], dim=1) @ words.rows.T
    prior = words.appearance.prototypes(words.rows)
    return Trial(prior, words.variance, first, z[:seen], labels[:seen], z[slice(*scored)], truth)


def compare(args: argparse.Namespace, device: torch.device) -> None:
    found: dict[str, dict[str, list[float]]] = {str(how): {} for how in GRID}
    total = 4 * DRAWS * len(args.classes) * (len(KINDS) + 2 * len(SHOTS))
    with one_thread(True), progress("mixture", total=total, unit="trial") as bar:
        for count in args.classes:
            for words in words_of(stored_run(Path(args.run)), count):
                trials = [(f"{count}, unlabelled", unlabelled(words, kind)) for kind in KINDS]
                trials += [(f"{count}, labelled", labelled(words, shots, both=False)) for shots in SHOTS]
                trials += [(f"{count}, both", labelled(words, shots, both=True)) for shots in SHOTS]
                for name, one in trials:
                    for how in GRID:
                        found[str(how)].setdefault(name, []).append(one.accuracy(how))
                    bar.update(1)
    print("  tau  soft  trust" + "".join(f"{name:>17}" for name in found[str(GRID[0])]) + "     mean")
    for how in GRID:
        cells = [float(np.mean(values)) for values in found[str(how)].values()]
        mark = "  <- default" if how == MixtureSettings() else ""
        start = f"{how.tau:5.0f}{how.soft:6.1f}{how.trust:7.0f}"
        print(start + "".join(f"{cell:17.2f}" for cell in cells) + f"{np.mean(cells):9.2f}{mark}")
    print(machine(device))
    if args.json:
        write_json(Path(args.json), found)


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--run", required=True, metavar="RUN", help="a finished run of experiment=embedded")
    parser.add_argument("--classes", type=int, nargs="+", default=CLASSES, metavar="N", help="how many are taken out")
    parser.add_argument("--json", metavar="FILE", help="where the figures go too")
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: compare(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
