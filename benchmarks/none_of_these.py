"""Pictures of none of the classes: half of a folder's classes are the task, the others are to be refused.

    python benchmarks/none_of_these.py --photos ../shared/data/caltech-50.zip

Means over splits of the classes, with the embedded generator, from names alone. AUROC of telling pictures of the task
from the others, by our rule, by the highest probability and by the energy of the logits; the share of the others that
passes where 95 % of the task's own pictures do; what the rule does at the threshold that ships, which no picture of the
folder was used for; and the calibration error of the probabilities, before and after their temperature.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from common import machine, parser_of, run_on_device
from pictures import features_of
from sklearn.metrics import roc_auc_score
from torch import Tensor

from t2w import Classifier, TextToWeights
from t2w.adapters import Adapter
from t2w.concepts.surety import head_rows
from t2w.encoders import vision_encoder_from_dict
from t2w.errors import T2WError, T2WWarning
from t2w.evaluation.statistics import calibration
from t2w.files import write_json


def scores(made: Classifier, known: Tensor, x: Tensor) -> dict[str, Tensor]:
    """method -> (N,) how sure it is that a picture is of the task."""
    if made.none_rule is None:
        raise T2WError("the classifier has no rule for none of these", expected="one of a generator with concepts")
    adapter = Adapter.from_vector(made.spec, made.weights[0])
    with torch.inference_mode():
        logits = adapter.logits(x, made.text)
        rows = F.normalize(adapter.linear1.weight, dim=1)
    return {
        "highest probability": logits.softmax(1).amax(1),
        "energy": logits.logsumexp(1),
        "known concepts (ours)": made.none_rule.scores(rows, known, x),
    }


def compare(args: argparse.Namespace, device: torch.device) -> None:
    writer = TextToWeights.from_pretrained(args.generator, device=str(device))
    encoder = vision_encoder_from_dict(writer.generator.provenance["vision"], device=device)
    features = features_of(args.photos, encoder)
    x, y, n = features.dense().float(), features.labels, len(features.class_names)
    found: dict[str, list[float]] = {}
    for split in range(args.splits):
        order = torch.randperm(n, generator=torch.Generator().manual_seed(split))
        half = order[: n // 2].sort().values
        inside = torch.isin(y, half)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", T2WWarning)
            made = writer.generate([features.class_names[k] for k in half.tolist()])
        assert made.none_rule is not None  # scores() has said so otherwise
        known = head_rows(encoder.head().named(), made.none_rule.centres)  # type: ignore[attr-defined]
        for name, values in scores(made, known, x).items():
            accepted = values >= values[inside].quantile(0.05)
            found.setdefault(f"AUROC, {name}", []).append(float(roc_auc_score(inside.numpy(), values.numpy())))
            found.setdefault(f"others accepted at 95 %, {name}", []).append(float(accepted[~inside].float().mean()))
        passed = values >= made.none_rule.threshold
        found.setdefault("as it ships: own accepted", []).append(float(passed[inside].float().mean()))
        found.setdefault("as it ships: others accepted", []).append(float(passed[~inside].float().mean()))
        right = half[made.classify_features(x[inside]).probabilities.argmax(1)] == y[inside]
        found.setdefault("accuracy", []).append(float(right.float().mean()))
        plain = replace(made, spec=replace(made.spec, logit_scale=writer.generator.config.spec.logit_scale))
        for name, one in (("before", plain), ("after", made)):
            sure = one.classify_features(x[inside]).probabilities.amax(1)
            error = calibration(sure.numpy(), right.numpy()).error
            found.setdefault(f"calibration error {name} its temperature", []).append(error)
    print(f"{Path(args.photos).stem}: {n // 2} classes against {n - n // 2}, {args.splits} splits")
    for name, row in found.items():
        print(f"  {name:48}{np.mean(row):7.3f}")
    print(machine(device))
    if args.json:
        write_json(Path(args.json), found)


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--photos", required=True, metavar="PATH", help="a folder or zip of class folders")
    parser.add_argument("--generator", default="embedded")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--json", metavar="FILE", help="where the figures go too")
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: compare(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
