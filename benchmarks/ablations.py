"""What each choice is worth: variants of the generator, trained on one run's adapters with equal, short budgets.

    python benchmarks/ablations.py --run runs/tiny_imagenet_features --steps 300 --functional-steps 150
    python benchmarks/ablations.py --run DIR --steps 300 --only baseline pooled both --out /tmp/ablations.md

Writes a Markdown table and a JSON beside it. A finished row is kept there and not done again under the same budget, and
an unfinished training goes on from its last checkpoint. Validation accuracy is that of validation tasks on training
images that nothing was trained on; unseen combinations are scored on test images, and nothing is chosen by them.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import machine, parser_of, run_of, run_on_device, tasks_of, versions

from t2w.config import Config
from t2w.errors import T2WError, nearest
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.statistics import Interval, bootstrap_mean
from t2w.files import fingerprint, read_json, write_json, write_text
from t2w.generator import Generator
from t2w.progress import progress
from t2w.runs import Run, stage_train

FOLDER = "ablations"  # in the run folder: where the variants are trained


@dataclass(frozen=True)
class Variant:
    """One training: what it changes in the configuration (dotted keys), and the guidance scales it is sampled with."""

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    guidance: tuple[float, ...] = (1.0,)

    def rows(self) -> list[tuple[str, float]]:
        """(name, guidance) of the rows it makes."""
        if len(self.guidance) == 1:
            return [(self.name, self.guidance[0])]
        return [(f"{self.name}, guidance {scale:g}", scale) for scale in self.guidance]


VARIANTS = (
    Variant("baseline"),
    Variant("pooled", {"generator.conditioning": "pooled"}),
    Variant("both", {"generator.conditioning": "both"}),
    Variant("chunk tokens", {"generator.tokenizer": "chunk"}),
    Variant("shared projections", {"generator.shared": True}),
    Variant("no position", {"generator.position": False}),
    Variant("adversarial 0.01", {"train.adversarial": 0.01}),
    Variant("adversarial 0.1", {"train.adversarial": 0.1}),
    Variant("permutation", {"train.permutation": True}),
    Variant("permutation, no position", {"train.permutation": True, "generator.position": False}),
    Variant("condition dropout 0.1", {"train.condition_dropout": 0.1}, (1.0, 1.5, 2.0)),
    Variant("min-SNR", {"train.weighting": "min_snr"}),
    Variant("loss-second-moment", {"train.timestep_sampler": "loss-second-moment"}),
    Variant("text noise 0.5", {"train.text_noise": 0.5}),
)
FUNCTIONAL = Variant("functional phase")
BASELINE = {
    "generator.kind": "t2w", "generator.conditioning": "classes", "generator.tokenizer": "unit",
    "generator.position": True, "generator.shared": False, "generator.normalizer": "standard", "train.adversarial": 0.0,
    "train.permutation": False, "train.condition_dropout": 0.0, "train.weighting": "uniform",
    "train.timestep_sampler": "uniform", "train.text_noise": 0.0, "train.select": "last", "train.epochs": None,
    "train.warmup_epochs": None, "train.checkpoint_every_epochs": None, "train.resume_from": None,
    "train.trackers": [], "train.keep": 0,
}  # fmt: skip


@dataclass(frozen=True)
class VariantRun(Run):
    """The run, with a training of its own."""

    name: str = ""

    def path(self, *parts: str) -> Path:
        if parts[0] == "train":
            parts = (FOLDER, self.name, *parts[1:])
        return self.folder.joinpath(*parts)


def variant_run(run: Run, variant: Variant, args: argparse.Namespace) -> VariantRun:
    """The run whose training is this variant's, with the budget asked for."""
    functional = args.functional_steps if variant is FUNCTIONAL else 0
    budget = {
        "train.steps": args.steps, "train.functional.steps": functional, "train.warmup": min(100, args.steps // 5),
        "train.functional.warmup": min(50, functional // 5), "train.validate_every": args.steps + functional,
        "train.checkpoint_every": max(args.steps // 4, 1), "device": args.device,
    }  # fmt: skip
    if args.batch_size is not None:
        budget["train.batch_size"] = args.batch_size
    values = run.config.to_dict()
    for key, value in {**BASELINE, **budget, **variant.changes}.items():
        *parents, last = key.split(".")
        section = values
        for parent in parents:
            section = section[parent]
        section[last] = value
    config = Config.read(values)
    # Another budget is another training: it must not find this one's checkpoints.
    mark = fingerprint([config.generator.to_dict(), config.train.to_dict(), config.seed, config.name])
    return VariantRun(run.folder, config, name=f"{variant.name.replace(' ', '-').replace(',', '')}-{mark}")


def train(run: VariantRun) -> tuple[Generator, float]:
    """(generator, seconds of training), as `t2w train` makes it."""
    path = run.path("train", "generator.safetensors")
    if not path.exists():
        stage_train.run(run)
        shutil.rmtree(run.path("train", "checkpoints"))
    losses = read_json(run.path("train", "losses.json"), what="the losses of a training")
    return Generator.load(path, device=run.config.device), float(losses["seconds"])


def scores(
    generator: Generator, bench: Bench, tasks: Tasks, args: argparse.Namespace, guidance: float, *, held_out: bool
) -> np.ndarray:
    """(T,) accuracy of each task, the mean over noise seeds."""
    condition = generator.condition(bench.text, tasks)
    score = bench.score_held_out if held_out else bench.score
    found = [
        score(generator.generate(condition, seed=seed, steps=args.sampling_steps, guidance=guidance), tasks)
        for seed in args.seeds
    ]
    return np.asarray(np.mean(found, axis=0))


def chosen(args: argparse.Namespace) -> list[Variant]:
    """The variants asked for. Raises T2WError at a name that is none."""
    variants = [*VARIANTS, *([FUNCTIONAL] if args.functional_steps else [])]
    known = [variant.name for variant in variants]
    for name in args.only or ():
        if name not in known:
            raise T2WError(f"variant {name!r}{nearest(name, known)}", expected=f"some of {', '.join(known)}")
    return [variant for variant in variants if not args.only or variant.name in args.only]


def ablations(args: argparse.Namespace, device: torch.device) -> int:
    variants, run = chosen(args), run_of(args.run)
    bench, out = run.bench, Path(args.out)
    budget = {
        "steps": args.steps, "functional_steps": args.functional_steps, "seeds": args.seeds,
        "sampling_steps": args.sampling_steps, "batch_size": args.batch_size or run.config.train.batch_size,
        "configuration": variant_run(run, VARIANTS[0], args).name,
        "adapters": fingerprint([len(bench.train_tasks), float(bench.train_vectors.double().sum())]),
    }  # fmt: skip
    kept = read_json(out.with_suffix(".json")) if out.with_suffix(".json").exists() else {}
    rows: dict[str, dict[str, Any]] = kept.get("rows", {}) if kept.get("budget") == budget else {}
    if kept and not rows:
        print(f"{out.with_suffix('.json')} is of another budget: all of its rows are made again", flush=True)
    test_tasks = tasks_of(run, "unseen_combination")
    with progress("ablations", total=len(variants), unit="variant") as bar:
        for variant in variants:
            if not all(name in rows for name, _ in variant.rows()):
                generator, seconds = train(variant_run(run, variant, args))
                for name, guidance in variant.rows():
                    validation = scores(generator, bench, bench.validation_tasks, args, guidance, held_out=True)
                    test = scores(generator, bench, test_tasks, args, guidance, held_out=False)
                    rows[name] = {
                        "variant": name, "changes": dict(variant.changes), "guidance": guidance,
                        "validation": float(validation.mean()), "unseen_combination": test.tolist(),
                        "seconds": seconds, "machine": machine(device),
                    }  # fmt: skip
                    print(
                        f"{name}: validation {validation.mean():.2%}, unseen combinations {test.mean():.2%}", flush=True
                    )
                # Rows of earlier calls stay, in the order of the table.
                order = [name for one in (*VARIANTS, FUNCTIONAL) for name, _ in one.rows()]
                rows = {name: rows[name] for name in order if name in rows}
                write(out, rows, budget, run)
            bar.update()
    write(out, rows, budget, run)
    print(out)
    return 0


def write(out: Path, rows: dict[str, dict[str, Any]], budget: Mapping[str, Any], run: Run) -> None:
    """The table, and the JSON beside it that the next call goes on from."""
    first = np.array(next(iter(rows.values()))["unseen_combination"])
    functional = budget["functional_steps"]
    lines: list[str] = []
    for row in rows.values():
        values = np.array(row["unseen_combination"])
        mean, difference = bootstrap_mean(values), bootstrap_mean(values - first)
        row |= {"mean": asdict(mean), "difference": asdict(difference)}
        against = _points(difference) if lines else ""
        lines.append(
            f"| {row['variant']} | {100 * row['validation']:.2f} | {100 * mean.mean:.2f} "
            f"[{100 * mean.low:.2f}, {100 * mean.high:.2f}] | {against} | {row['seconds']:.0f} |"
        )
    write_json(out.with_suffix(".json"), {"budget": budget, "versions": versions(), "rows": rows})
    write_text(out, _HEAD.format(
        command=command(), adapters=f"{run.config.tasks.n_train:,}", versions=versions(),
        machine=next(iter(rows.values()))["machine"], first=next(iter(rows)), seeds=len(budget["seeds"]),
        functional=f", {functional} more on the task loss in the last row" if functional else "",
        tasks=len(first), **{k: budget[k] for k in ("steps", "batch_size", "sampling_steps")},
    ) + "\n".join(lines) + "\n")  # fmt: skip


_HEAD = """# Ablations

    {command}

{versions}; {machine}.

Each variant changes what it names in the baseline (one token per class, one token per hidden unit, with positions,
squared error alone) and is trained from new weights on the same {adapters} adapters:
{steps} steps of {batch_size}{functional}. That is a short budget: the table says what helps early, not where a long
training ends. Accuracy in percent, means over {seeds} noise seeds at {sampling_steps} DDIM steps: *validation* is that
of validation tasks on training images that nothing was trained on, *unseen combination* that of {tasks} tasks on test
images, with a 95 % bootstrap interval over tasks. The difference to {first!r} is paired by task. Intervals say how far
other tasks would move a figure, not how far another training seed would.

| variant | validation | unseen combination | difference, points | seconds |
|---|---|---|---|---|
"""


def _points(difference: Interval) -> str:
    return f"{100 * difference.mean:+.2f} [{100 * difference.low:+.2f}, {100 * difference.high:+.2f}]"


def command() -> str:
    """What was typed, as it works from the project's folder."""
    return shlex.join(["python", "benchmarks/ablations.py", *sys.argv[1:]])


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--run", required=True, help="a run folder with adapters")
    parser.add_argument("--steps", type=int, required=True, help="training steps on weights, of every variant")
    parser.add_argument("--functional-steps", type=int, default=0, help="of the functional phase; 0: no such row")
    parser.add_argument("--batch-size", type=int, help="of every variant; default: the run's")
    parser.add_argument("--seeds", type=lambda text: [int(part) for part in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--sampling-steps", type=int, default=10)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these variants alone")
    parser.add_argument("--out", default="docs/ablations.md")
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: ablations(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
