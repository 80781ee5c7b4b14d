"""Classes that the image encoder knows by name, on full-size photographs: tasks of the embedded generator.

    python benchmarks/known.py --photos ../shared/data/caltech-50.zip
    python benchmarks/known.py --run runs/embedded --classes 200 --tasks 1     # Tiny-ImageNet's test images

From a folder of class folders (or a zip) the classes that are among the known concepts are taken; tasks are random sets
of them. Beside `generated`: the encoder's own rows of the task's classes, and the rows without their biases that the
adapter starts from. The last line is the accuracy of `generated`; 93 % is asked for with 20 classes.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from common import machine, parser_of, run_of, run_on_device
from pictures import features_of

from t2w import TextToWeights
from t2w.adapters import Adapter, class_codes
from t2w.concepts import Evidence
from t2w.encoders import vision_encoder_from_dict
from t2w.encoders.efficientnet import imagenet_1k
from t2w.errors import T2WError
from t2w.evaluation.statistics import bootstrap_mean
from t2w.evaluation.zero_shot import linear_accuracy
from t2w.features import FeatureSet
from t2w.generator import Generator
from t2w.runs.eval_known import map_scores, rows_scores
from t2w.words import Choice, load_dictionary


def compare(args: argparse.Namespace, device: torch.device) -> None:
    writer = TextToWeights.from_pretrained(args.generator, device=str(device))
    generator, lexicon = writer.generator, writer.lexicon
    if lexicon is None:
        raise T2WError(f"{args.generator} knows no concepts", expected="a generator of one hidden unit per class")
    encoder = vision_encoder_from_dict(generator.provenance["vision"], device=device)
    if args.run:
        run = run_of(args.run)
        features, keys = run.features[1], run.wnids
        senses = load_dictionary().by_key(keys or ())
        choices = tuple(Choice(name, name, sense) for name, sense in zip(features.class_names, senses, strict=True))
    else:
        features = features_of(args.photos, encoder)
        choices = lexicon.understand(features.class_names)
    evidence = lexicon.evidence(choices)
    known = [i for i, source in enumerate(evidence.sources) if source == "known"]
    if len(known) < args.classes:
        raise T2WError(f"{len(known)} of the classes are known by name", expected=f"{args.classes} for a task")
    head, dictionary = encoder.head(), load_dictionary()
    label_of = {sense.row: i for i, sense in enumerate(dictionary.by_key(imagenet_1k()))}
    labels = [label_of.get(choice.sense.row, 0) if choice.sense else 0 for choice in choices]
    rng = np.random.default_rng(0)
    tasks = [sorted(rng.choice(known, args.classes, replace=False).tolist()) for _ in range(args.tasks)]
    scores = {
        "encoder's rows": linear_accuracy(rows_scores(head, labels), features, tasks),
        "start": linear_accuracy(map_scores(evidence), features, tasks),
        "generated": np.array([_generated(generator, evidence, features, task) for task in tasks]),
    }
    print(f"{len(known)} of {len(choices)} classes are known; {args.tasks} tasks of {args.classes}")
    for name, values in scores.items():
        mean = bootstrap_mean(values)
        print(f"  {name:16} {100 * mean.mean:5.1f}  [{100 * mean.low:.1f}, {100 * mean.high:.1f}]")
    print(machine(device))
    print(f"accuracy: {scores['generated'].mean():.4f}")


def _generated(generator: Generator, evidence: Evidence, features: FeatureSet, task: list[int]) -> float:
    condition = generator.condition(evidence, [task])
    vector = generator.generate(condition, generator.sampling)[0]
    adapter = Adapter.from_vector(generator.spec_for(condition), vector)
    rows = torch.isin(features.labels, torch.tensor(task)).nonzero()[:, 0]
    codes = class_codes(evidence.text[task])
    with torch.inference_mode():
        said = adapter.logits(features.rows(rows), codes).argmax(1)
    return float((torch.tensor(task)[said] == features.labels[rows]).float().mean())


def main() -> int:
    parser = parser_of(__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--photos", metavar="PATH", help="a folder or zip of class folders")
    source.add_argument("--run", metavar="DIR", help="a run on Tiny-ImageNet: its test images")
    parser.add_argument("--generator", default="embedded")
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=30)
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: compare(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
