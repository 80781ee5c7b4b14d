"""Accuracy and time of generated adapters, by sampler and number of steps.

    python benchmarks/sampling.py --run runs/tiny_imagenet_features --json sampling.json
    python benchmarks/sampling.py --run DIR --all                       # 1000 steps of every sampler

The run has a trained generator. Accuracy is that on test images of unseen-combination tasks, reported and never chosen
by. Milliseconds are for one adapter at a time; adapters per second are for all tasks together. 1000 steps are taken on
the first --tasks tasks only, and compared with 8 steps on the same tasks. The last line is the time of 1000 ancestral
steps over that of 8 steps.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

import numpy as np
import torch
from common import describe_peak, machine, parser_of, peak_gib, run_of, run_on_device, seconds_of, tasks_of

from t2w.diffusion import SAMPLERS
from t2w.errors import T2WError
from t2w.evaluation.bench import Bench
from t2w.evaluation.statistics import Interval, bootstrap_mean
from t2w.files import write_json
from t2w.generator import Generator

FEW, MANY, DEFAULT = 8, 1000, 10
LONG = ("ddim", "ancestral")  # samplers of which 1000 steps are taken unless --all


@dataclass(frozen=True, eq=False)
class Row:
    """A sampler at a number of steps.

    Attributes:
        scores: (T,) accuracy of each task.
        milliseconds: of one adapter, the median over some.
        per_second: adapters, all tasks together.
    """

    sampler: str
    steps: int
    scores: np.ndarray
    milliseconds: float
    per_second: float

    def to_dict(self) -> dict[str, object]:
        return {
            "sampler": self.sampler, "steps": self.steps, "tasks": len(self.scores),
            "accuracy": asdict(bootstrap_mean(self.scores)), "milliseconds": self.milliseconds,
            "adapters_per_second": self.per_second,
        }  # fmt: skip


def measure(
    generator: Generator,
    bench: Bench,
    tasks: Sequence[Sequence[int]],
    sampler: str,
    steps: int,
    repeats: int,
    split: str,
) -> Row:
    condition = generator.condition(bench.text, tasks)
    one = condition.rows([0])

    def single() -> None:
        generator.generate(one, sampler=sampler, steps=steps)  # type: ignore[arg-type]

    if steps < 100:
        single()  # warm up
    times = [seconds_of(single, generator.device) for _ in range(repeats if steps < 100 else 1)]
    start = time.perf_counter()
    vectors = generator.generate(condition, sampler=sampler, steps=steps)  # type: ignore[arg-type]
    seconds = time.perf_counter() - start
    score = bench.score_held_out if split == "validation" else bench.score
    return Row(sampler, steps, score(vectors, tasks), 1e3 * median(times), len(tasks) / seconds)


def share_of_network(generator: Generator, bench: Bench, task: Sequence[int], repeats: int) -> float:
    """How much of the time of one adapter, with the default sampler and steps, is spent in the network."""
    condition, spent = generator.condition(bench.text, [task]), [0.0, 0.0]
    forward = generator.network.forward

    def timed(*args: object, **named: object) -> object:
        found: list[object] = []
        spent[1] += seconds_of(lambda: found.append(forward(*args, **named)), generator.device)  # type: ignore[arg-type]
        return found[0]

    generator.network.forward = timed  # type: ignore[method-assign, assignment]
    for _ in range(repeats):
        spent[0] += seconds_of(lambda: generator.generate(condition, steps=DEFAULT), generator.device)
    generator.network.forward = forward  # type: ignore[method-assign]
    return spent[1] / spent[0]


def in_points(interval: Interval) -> str:
    return f"{100 * interval.mean:+.2f} points [{100 * interval.low:+.2f}, {100 * interval.high:+.2f}]"


def sampling(args: argparse.Namespace, device: torch.device) -> int:
    run = run_of(args.run)
    path = run.path("train", "generator.safetensors")
    if not path.exists():
        raise T2WError(f"{run.folder} has no trained generator", fix=f"train it: t2w train out={run.folder} ...")
    generator, bench = Generator.load(path, device=device), run.bench
    tasks = tasks_of(run, args.split)
    short = tasks[: args.tasks]
    print(f"{machine(device)}; {sum(p.numel() for p in generator.network.parameters()):,} parameters, "
          f"{len(tasks)} {args.split} tasks ({len(short)} for {args.most} steps)")  # fmt: skip
    print(f"{'sampler':10} {'steps':>5} {'accuracy':>9} {'95 % interval':>16} {'ms each':>9} {'per second':>10}")
    rows: dict[tuple[str, int], Row] = {}
    counts = sorted({*args.steps, FEW, args.most})
    for sampler in args.samplers:
        for steps in counts:
            if steps == args.most and not (args.all or sampler in LONG):
                continue
            row = measure(
                generator, bench, short if steps == args.most else tasks, sampler, steps, args.repeats, args.split
            )
            rows[sampler, steps] = row
            mean = bootstrap_mean(row.scores)
            print(f"{sampler:10} {steps:5} {mean.mean:9.2%} {mean.low:8.2%}-{mean.high:.2%} "
                  f"{row.milliseconds:9.1f} {row.per_second:10.1f}", flush=True)  # fmt: skip
    report(rows, args, generator, bench, tasks, device)
    return 0


def report(
    rows: dict[tuple[str, int], Row],
    args: argparse.Namespace,
    generator: Generator,
    bench: Bench,
    tasks: Sequence[Sequence[int]],
    device: torch.device,
) -> None:
    few = rows[args.samplers[0], FEW]
    differences = {}
    for (sampler, steps), row in rows.items():
        if steps == args.most:
            for name, against in ((args.samplers[0], few), (sampler, rows[sampler, FEW])):
                key = f"{name} {FEW} steps minus {sampler} {steps}"
                differences[key] = bootstrap_mean(against.scores[: len(row.scores)] - row.scores)
    for name, difference in differences.items():
        print(f"accuracy, {name} on the same {len(rows[name.split()[-2], args.most].scores)} tasks: "
              f"{in_points(difference)} (wanted: within 0.5)")  # fmt: skip
    one = generator.condition(bench.text, tasks[:1])
    default = median(
        1e3 * seconds_of(lambda: generator.generate(one, steps=DEFAULT), device) for _ in range(args.repeats)
    )
    share = share_of_network(generator, bench, tasks[0], args.repeats)
    print(f"one adapter, {DEFAULT} steps of ddim: {default:.1f} ms (wanted: at most 60 on 2 cores)")
    print(f"of which {share:.0%} in the network")
    # Alternating, so that a busy machine slows both.
    few_seconds, many_seconds = [], []
    for _ in range(args.rounds):
        many_seconds.append(seconds_of(lambda: generator.generate(one, sampler="ancestral", steps=args.most), device))
        few_seconds += [
            seconds_of(lambda: generator.generate(one, sampler=args.samplers[0], steps=FEW), device)
            for _ in range(args.repeats)
        ]
    ratio = median(many_seconds) / median(few_seconds)
    if args.json:
        content = {
            "machine": machine(device), "run": str(args.run), "rows": [row.to_dict() for row in rows.values()],
            "differences": {name: asdict(value) for name, value in differences.items()},
            "milliseconds_default": default, "share_of_network": share, "ratio": ratio,
        }  # fmt: skip
        write_json(args.json, content)
    print(f"peak memory {describe_peak(peak_gib(device))}")
    print(f"{args.most} ancestral steps: {1e3 * median(many_seconds):,.0f} ms, {FEW} {args.samplers[0]} steps: "
          f"{1e3 * median(few_seconds):.1f} ms (wanted: at least 100 x)")  # fmt: skip
    print(f"ratio: {ratio:.1f}")


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--run", required=True, help="a run folder with a trained generator")
    parser.add_argument(
        "--split",
        default="unseen_combination",
        choices=("unseen_combination", "validation"),
        help="validation: tasks and images to choose steps by, as `diffusion=one_pass` was",
    )
    parser.add_argument("--samplers", nargs="+", default=list(SAMPLERS), choices=SAMPLERS, help="the first is compared")
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 2, 4, 8, 16, 50])
    parser.add_argument("--most", type=int, default=MANY, help="the most steps, what 8 are compared with")
    parser.add_argument(
        "--all", action="store_true", help=f"the most steps of every sampler, not of {' and '.join(LONG)} alone"
    )
    parser.add_argument("--tasks", type=int, default=32, help="tasks that the most steps are taken on")
    parser.add_argument("--repeats", type=int, default=7, help="adapters timed one at a time")
    parser.add_argument("--rounds", type=int, default=3, help="of the last line")
    parser.add_argument("--json", metavar="FILE", help="write the table there too")
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: sampling(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
