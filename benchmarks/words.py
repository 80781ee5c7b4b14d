"""What each part of "words it has never seen" is worth: the text of a class, and the parts of the generator's training.

    apt-get download wordnet-base && dpkg -x wordnet-base*.deb wordnet
    python benchmarks/words.py texts --runs runs/split-{0,7,1,2} --wordnet wordnet/usr/share/wordnet
    python benchmarks/words.py parts --runs runs/split-0

`texts`: the text-to-weights map as a linear classifier on the unseen classes of finished runs of
experiment=tiny_imagenet_images, with another text of each class in its place. `parts`: the same run with a part of the
training left out, on a copy of its folder beside it; finished copies are read and not made again. Test images are
scored, and nothing is chosen by them. Tables go to standard output and, with --json, to a file.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import machine, parser_of, run_of, run_on_device, tasks_of

from t2w.concepts import Evidence, TextMap
from t2w.encoders import load_text_encoder
from t2w.evaluation.statistics import bootstrap_mean
from t2w.evaluation.zero_shot import linear_accuracy
from t2w.files import write_json
from t2w.pretraining.wordnet import Synset, WordNet
from t2w.runs import Run, open_run, run_stages
from t2w.runs.eval_known import map_scores
from t2w.words import load_dictionary

SPLITS = ("unseen_combination", "unseen_class")
TEXTS: dict[str, Callable[[WordNet, Synset], Sequence[str]]] = {
    "name": lambda _, s: [f"a photo of a {s.names[0]}"],
    "synonyms": lambda _, s: [", ".join(s.names)],
    "definition": lambda _, s: [s.definition],
    "synonyms: definition": lambda _, s: [f"{', '.join(s.names)}: {s.definition}"],
    "names, kinds and definition": lambda w, s: w.texts(s)[:1],
    "the mean of three texts (ours)": lambda w, s: w.texts(s),
}
PARTS: dict[str, Mapping[str, Any]] = {
    "as it is": {},
    "no made-up features": {"train.functional.made_up": 0.0},
    "no predicted rows (leave-one-out)": {"train.functional.predicted": False},
    "variance not heeded": {"generator.caution": 0.0},
    "texts never hidden": {"generator.mute": 0.0},
    "no teacher": {"train.functional.teacher": 0.0},
    "no task loss": {"train.functional.steps": 0},
}


def texts(args: argparse.Namespace) -> dict[str, Any]:
    """text -> accuracy on the unseen classes of each run."""
    wordnet, encoder, dictionary = WordNet(Path(args.wordnet)), load_text_encoder("minilm"), load_dictionary()
    runs = [run_of(folder) for folder in args.runs]
    parts = [(run.encoder_concepts, run.known, run.features[1], run) for run in runs]
    wanted = sorted({row for own, known, _, _ in parts for row in (*own.senses.tolist(), *known.senses)})
    found: dict[str, Any] = {}
    for name, write in TEXTS.items():
        written = [write(wordnet, wordnet.synsets[dictionary.sense(row).key[1:]]) for row in wanted]
        embedded = torch.stack([encoder.encode(list(several)).mean(0) for several in written])
        table = dict(zip(wanted, torch.nn.functional.normalize(embedded, dim=1), strict=True))
        found[name] = []
        for concepts, known, images, run in parts:
            own = torch.stack([table[row] for row in concepts.senses.tolist()])
            asked = torch.stack([table[row] for row in known.senses])
            says = TextMap(own, concepts.rows).predict(asked)
            evidence = Evidence(asked, says.rows, says.variance, ("map",) * len(asked))
            scores = linear_accuracy(map_scores(evidence), images, tasks_of(run, "unseen_class"))
            found[name].append(float(scores.mean()))
        print(f"{name:32}", *(f"{100 * one:6.1f}" for one in found[name]), f"  mean {100 * np.mean(found[name]):.1f}")
    return found


def parts(args: argparse.Namespace) -> dict[str, Any]:
    """part left out -> split -> accuracy, and its difference to the whole, over the tasks of all runs."""
    scores: dict[str, dict[str, list[np.ndarray]]] = {}
    for name, changes in PARTS.items():
        if args.only and changes and name not in args.only:
            continue
        for folder in args.runs:
            run = _without(run_of(folder), name, changes)
            for split in SPLITS:
                found = run.bench.score(
                    run.sampled.vectors(run.bench, tasks_of(run, split), seed=0), tasks_of(run, split)
                )
                scores.setdefault(name, {}).setdefault(split, []).append(found)
    rows: dict[str, Any] = {}
    whole = {split: np.concatenate(values) for split, values in scores[next(iter(PARTS))].items()}
    for name, by_split in scores.items():
        print(f"{name:34}", end="")
        for split, values in by_split.items():
            own = np.concatenate(values)
            mean, difference = bootstrap_mean(own), bootstrap_mean(own - whole[split])
            rows.setdefault(name, {})[split] = {"accuracy": asdict(mean), "difference": asdict(difference)}
            against = f"{100 * difference.mean:+5.2f} [{100 * difference.low:+.2f}, {100 * difference.high:+.2f}]"
            print(f"  {split} {100 * mean.mean:5.2f}  {against}", end="")
        print(flush=True)
    return rows


def _without(run: Run, name: str, changes: Mapping[str, Any]) -> Run:
    """The run with these keys changed, trained, in a folder beside it."""
    if not changes:
        return run
    folder = run.folder.with_name(f"{run.folder.name}-{name.replace(' ', '-').replace('(', '').replace(')', '')}")
    if not folder.exists():
        shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("checkpoints"))
    values = run.config.to_dict()
    for key, value in {**changes, "out": str(folder)}.items():
        *parents, last = key.split(".")
        section = values
        for parent in parents:
            section = section[parent]
        section[last] = value
    other = open_run(type(run.config).read(values), update=True)
    run_stages(other, "train")
    return other


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("what", choices=("texts", "parts"))
    parser.add_argument("--runs", nargs="+", required=True, metavar="DIR", help="finished runs, one per split seed")
    parser.add_argument("--wordnet", metavar="DIR", help="WordNet 3.0 in WNDB form, for texts")
    parser.add_argument("--only", nargs="+", metavar="PART", help="these parts alone")
    parser.add_argument("--json", metavar="FILE", help="where the figures go too")
    args = parser.parse_args()
    if args.what == "texts" and args.wordnet is None:
        parser.error("texts wants --wordnet")

    def work(device: torch.device) -> None:
        found = {"texts": texts, "parts": parts}[args.what](args)
        print(machine(device))
        if args.json:
            write_json(
                Path(args.json), {"what": args.what, "runs": args.runs, "machine": machine(device), "rows": found}
            )

    return run_on_device(args.device, work)


if __name__ == "__main__":
    raise SystemExit(main())
