"""How much of a folder is sorted, and how much of that is right, by the least probability that counts as sure.

    python benchmarks/sorting.py --photos ../shared/data/caltech-50.zip

For tasks of 3, 10 and 50 classes drawn from a folder of class folders, from names alone, on the pictures of the task:
the share that lands in class folders and how much of it is right, and of the unsure, how many would have been. The
pictures that are found to be none of the classes are in neither.
"""

from __future__ import annotations

import argparse
import random
import warnings
from pathlib import Path

import torch
from common import machine, parser_of, run_on_device
from pictures import features_of

from t2w import TextToWeights
from t2w.encoders import vision_encoder_from_dict
from t2w.errors import T2WWarning
from t2w.files import write_json

TASKS = ((3, 10), (10, 6), (50, 1))  # classes, draws
SURE = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def share(of: torch.Tensor) -> float:
    return 100 * float(of.float().mean())


def compare(args: argparse.Namespace, device: torch.device) -> None:
    writer = TextToWeights.from_pretrained(args.generator, device=str(device))
    features = features_of(args.photos, vision_encoder_from_dict(writer.generator.provenance["vision"], device=device))
    x, y, names = features.dense().float(), features.labels, features.class_names
    found = []
    for size, draws in TASKS:
        sure, right, none = [], [], []
        for draw in range(draws if size <= len(names) else 0):
            task = sorted(random.Random(draw).sample(range(len(names)), size))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", T2WWarning)
                made = writer.generate([names[k] for k in task])
            inside = torch.isin(y, torch.tensor(task))
            said = made.classify_features(x[inside], none=True)
            best = said.probabilities.max(1)
            sure.append(best.values)
            right.append(torch.tensor(task)[best.indices] == y[inside])
            none.append(torch.zeros(len(best.values), dtype=torch.bool) if said.none is None else said.none)
        if not sure:
            continue
        values, correct, other = torch.cat(sure), torch.cat(right), torch.cat(none)
        print(f"{size} classes, {draws} draws: {share(other):.1f} % none of these")
        for least in SURE:
            kept, unsure = (values >= least) & ~other, (values < least) & ~other
            row = [share(kept), share(correct[kept]), share(unsure), share(correct[unsure])]
            found.append([size, least, *row])
            cells = "sure from {:.1f}: {:5.1f} % sorted, {:5.1f} % right; {:5.1f} % unsure, {:5.1f} % of them right"
            print(f"  {cells.format(least, *row)}")
    print(machine(device))
    if args.json:
        write_json(Path(args.json), [[None if cell != cell else cell for cell in row] for row in found])


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--photos", required=True, metavar="PATH", help="a folder or zip of class folders")
    parser.add_argument("--generator", default="embedded")
    parser.add_argument("--json", metavar="FILE", help="where the figures go too")
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: compare(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
