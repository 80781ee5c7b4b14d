"""The pictures of docs/inspection.md, and the figures behind them.

    python benchmarks/inspection.py --photos ../shared/data/caltech-50.zip --into docs/inspection \\
        --credit "Picture: Caltech-101 (Li, Andreeto, Ranzato, Perona), CC BY 4.0"

Ten tasks of ten classes are drawn at random. Of the first: what each class is known by, the landscape, and Grad-CAM on
the first photograph of each of its first three classes and on the first that is taken for another class. Of all: the
denoising, and the loss of start, generated classifier and the same trained on half of the pictures, measured on the
other half; means over the tasks with their 95 % bootstrap intervals.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import machine, parser_of, run_on_device
from pictures import features_of
from PIL import Image

from t2w import Classifier, TextToWeights
from t2w.datasets.folder import load_whole_folder
from t2w.errors import T2WWarning
from t2w.evaluation.statistics import bootstrap_mean
from t2w.features import FeatureSet
from t2w.files import write_json
from t2w.inspection import (
    Denoising,
    Inspection,
    Labelled,
    Landscape,
    class_evidence,
    denoising,
    landscape,
    origin_of,
    photo_heat,
    write_inspection,
)  # fmt: skip
from t2w.inspection.denoising_picture import denoising_picture, mean_curve

_PHOTOS = 3  # and one that is taken for another class
_SMALL = 2  # grid of the landscapes that are not drawn


def look(args: argparse.Namespace, device: torch.device) -> None:
    writer = TextToWeights.from_pretrained(args.generator, device=str(device))
    features = features_of(args.photos, writer.vision)
    x, y, names = features.dense().float(), features.labels, [name.replace("_", " ") for name in features.class_names]
    rng, walks, planes = random.Random(args.seed), [], []
    into = Path(args.into)
    tasks = [sorted(rng.sample(range(len(names)), args.classes)) for _ in range(args.tasks)]
    for number, task in enumerate(tasks):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", T2WWarning)
            classifier = writer.generate([names[k] for k in task])
        places = torch.full((len(names),), -1).index_put((torch.tensor(task),), torch.arange(len(task)))[y]
        pictures = Labelled(x[places >= 0], places[places >= 0])
        origin = origin_of(writer, classifier)
        walks.append(denoising(classifier, origin, pictures, steps=args.steps, sampler=args.sampler))
        planes.append(landscape(classifier, origin, pictures, grid=args.grid if number == 0 else _SMALL))
        if number == 0:
            with tempfile.TemporaryDirectory() as folder:
                photos = photographs(args.photos, features, classifier, places, Path(folder))
                heats = tuple(photo_heat(classifier, writer.vision, photos))
            found = Inspection(class_evidence(classifier, writer.vision), heats, None, planes[0], ())
            write_inspection(into, found, source=args.credit)
    denoising_picture(into / "denoising.png", walks)
    curves = {
        what: {key: dict(zip(("mean", "low", "high"), mean_curve([getattr(getattr(w, what), key) for w in walks]),
                             strict=True)) for key in ("accuracy", "loss")}
        for what in ("predicted", "noisy", "start")
    }  # fmt: skip
    about = {
        "sampler": args.sampler,
        "timesteps": list(walks[0].timesteps),
        "tasks": [[names[k] for k in task] for task in tasks],
    }
    write_json(into / "denoising.json", {**about, **curves})
    report(args, walks, planes, into)
    print(machine(device))


def photographs(
    source: str, features: FeatureSet, classifier: Classifier, places: torch.Tensor, folder: Path
) -> list[Path]:
    """Files of the first photograph of each of the first classes, and of the first that is taken for another class."""
    rows = (places >= 0).nonzero().flatten()
    said = classifier.classify_features(features.dense()[rows].float()).probabilities.argmax(1)
    chosen = {name: int(rows[places[rows] == k][0]) for k, name in enumerate(classifier.classes[:_PHOTOS])}
    if len(wrong := rows[said != places[rows]]):
        truth = classifier.classes[int(places[wrong[0]])]
        chosen[f"{truth} mistaken"] = int(wrong[0])
    images = load_whole_folder(Path(source)).images
    paths = []
    for name, row in chosen.items():
        paths.append(folder / f"{name}.png")
        Image.fromarray(images[row]).save(paths[-1])
    return paths


def report(args: argparse.Namespace, walks: Sequence[Denoising], planes: Sequence[Landscape], into: Path) -> None:
    def shown(values: Sequence[float], factor: float, digits: int) -> str:
        one = bootstrap_mean(factor * np.array(values))
        return f"{one.mean:.{digits}f} [{one.low:.{digits}f}, {one.high:.{digits}f}]"

    rows: dict[str, list[tuple[float, float]]] = {f"start: {walks[0].start_is}": [_at(w.start, 0) for w in walks]}
    last = len(walks[0].timesteps) - 1
    for what, key in (("x_0 as predicted", "predicted"), ("x_t", "noisy")):
        for step in sorted({0, last // 2, last}):
            rows[f"{what}, step {step + 1} of {last + 1}"] = [_at(getattr(w, key), step) for w in walks]
    print(
        f"{Path(args.photos).stem}: {len(walks)} tasks of {args.classes} classes, {args.sampler}; accuracy % and loss"
    )
    for name, values in rows.items():
        print(f"  {name:34} {shown([v[0] for v in values], 100, 1):22} {shown([v[1] for v in values], 1, 3)}")
    gains = [
        (_at(w.predicted, last)[0] - _at(w.start, 0)[0], _at(w.predicted, last)[1] - _at(w.start, 0)[1]) for w in walks
    ]
    print(
        f"  {'generated less start':34} {shown([g[0] for g in gains], 100, 1):22} {shown([g[1] for g in gains], 1, 3)}"
    )
    print("on the half of the pictures that B was not trained on: loss")
    for i, name in enumerate(("start", "A, generated", "B, trained further")):
        print(f"  {name:34} {shown([plane.points[i].loss for plane in planes], 1, 3)}")
    print(f"  cosine of the directions           {shown([plane.cosine for plane in planes], 1, 3)}")
    figures: dict[str, Any] = dict(rows)
    figures["landscape"] = [[vars(point) for point in plane.points] for plane in planes]
    write_json(into / "figures.json", figures)


def _at(scores: Any, step: int) -> tuple[float, float]:
    return scores.accuracy[step], scores.loss[step]


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--photos", required=True, metavar="PATH", help="a folder or zip of class folders")
    parser.add_argument("--into", required=True, metavar="FOLDER", help="where the pictures go")
    parser.add_argument("--credit", metavar="TEXT", help="a line below every photograph")
    parser.add_argument("--generator", default="embedded")
    parser.add_argument("--tasks", type=int, default=10)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--sampler", default="ddim")
    parser.add_argument("--grid", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0, help="of the tasks")
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: look(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
