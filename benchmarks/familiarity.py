r"""What `diffusion.fallback_distance` is worth on classes that a generator does not know, and which one to take.

    t2w train experiment=tiny_imagenet_best diffusion.fallback_distance=null tasks.unseen_classes=72 \
        train.functional.steps=2500 train.functional.teacher=0 out=runs/fewer
    python benchmarks/familiarity.py --run runs/fewer --untouched 40

The run holds out more classes than the experiment whose fallback distance is looked for. The classes that both hold
out, with the same split seed the first --untouched, are that experiment's test classes and are not looked at. Of the
others tasks are drawn, all of whose classes, or half of them, are new to the generator, and scored on training images:
where all are new on all of these, else on those held out of all training. The last line is the distance of the highest
mean over both.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from common import machine, parser_of, run_of, run_on_device

from t2w.adapters import accuracy
from t2w.errors import T2WError
from t2w.evaluation.bench import Bench
from t2w.evaluation.statistics import bootstrap_mean
from t2w.files import write_json
from t2w.generator import distance_to_known
from t2w.seeds import derive_seed
from t2w.tasks import choose_unseen_classes, sample_tasks

DISTANCES = (None, 3.0, 2.0, 1.5, 1.2, 1.0, 0.8, 0.6, 0.4)


def draw(new: list[int], seen: list[int], count: int, sizes: tuple[int, int], seed: int) -> list[list[int]]:
    """`count` tasks: half of the classes of each new, half seen; `seen` empty: all new."""
    rng = np.random.default_rng(derive_seed(seed, "half new"))
    most = min(sizes[1], len(new) * (2 if seen else 1))
    if not seen:
        names = [str(position) for position in new]
        drawn = sample_tasks(names, count, min_classes=min(sizes[0], most), max_classes=most, seed=seed)
        return [[int(name) for name in task] for task in drawn]
    tasks = []
    for size in rng.integers(sizes[0], most + 1, size=count):
        half = int(size) // 2
        tasks.append([*rng.permutation(new)[:half].tolist(), *rng.permutation(seen)[: int(size) - half].tolist()])
    return tasks


def scores(bench: Bench, vectors: torch.Tensor, tasks: list[list[int]], *, all_new: bool) -> np.ndarray:
    """(T,) accuracy on training images: see above."""
    images = bench.train if all_new else bench.held_out
    top1 = accuracy(bench.spec, vectors, images, bench.text, tasks, device=bench.device)
    return np.asarray(top1.double().numpy())


def work(args: argparse.Namespace, device: torch.device) -> int:
    run = run_of(args.run)
    task_set, bench, generator = run.task_set, run.bench, run.generator
    generator.known = bench.text[list(bench.seen)]  # files of older versions lack it
    names, section = task_set.class_names, run.config.tasks
    untouched = set(choose_unseen_classes(names, args.untouched, seed=section.split_seed)) if args.untouched else set()
    new = [names.index(name) for name in task_set.unseen_classes if name not in untouched]
    if len(new) < section.min_classes:
        raise T2WError(
            f"{len(new)} classes are new to this run's generator and not of the {args.untouched} untouched ones",
            expected=f"at least {section.min_classes}, the fewest of a task",
            fix="train with more tasks.unseen_classes",
        )
    print(f"{machine(device)}; {len(new)} new classes, {args.tasks} tasks each, training images alone")
    sizes, found = (section.min_classes, section.max_classes), {}
    for what, seen in (("all new", []), ("half new", list(bench.seen))):
        tasks = draw(new, seen, args.tasks, sizes, args.seed)
        condition = generator.condition(bench.text, tasks)
        distance = distance_to_known(condition, generator.known)
        low, mean, high = (float(value) for value in (distance.min(), distance.mean(), distance.max()))
        print(f"\n{what}: distance to known texts {mean:.2f} ({low:.2f} .. {high:.2f})")
        base = scores(bench, bench.base.expand(len(tasks), -1), tasks, all_new=not seen)
        print(f"  base              {100 * base.mean():5.2f}")
        for distance in DISTANCES:
            vectors = generator.generate(condition, run.config.diffusion.sampling, fallback_distance=distance)
            own = scores(bench, vectors, tasks, all_new=not seen)
            gap = bootstrap_mean(own - base, resamples=2000, seed=args.seed)
            found.setdefault(distance, []).append(float(own.mean()))
            name = "none" if distance is None else f"{distance:g}"
            print(
                f"  fallback {name:<10}  {100 * own.mean():5.2f}   minus base {100 * gap.mean:+.2f} "
                f"[{100 * gap.low:+.2f}, {100 * gap.high:+.2f}]"
            )
    best = max(found, key=lambda distance: sum(found[distance]))
    if args.json:
        write_json(args.json, {"none" if k is None else f"{k:g}": v for k, v in found.items()})
    print(f"fallback distance: {'none' if best is None else f'{best:g}'}")
    return 0


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--run", required=True, help="a run with a trained generator")
    parser.add_argument("--untouched", type=int, default=0, help="test classes of another run, not looked at")
    parser.add_argument("--tasks", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="write the accuracies there")
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: work(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
