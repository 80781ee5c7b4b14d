"""Adapters per second: the batched trainer against the loop that a good engineer writes first.

    python benchmarks/adapters.py                     # the ratio, the accuracies, and the share of the machine's FLOP/s
    python benchmarks/adapters.py --growth             # does time per task stay flat from 500 to 12,000 tasks
    python benchmarks/adapters.py --device cuda        # on an NVIDIA GPU

The two alternate in one run, so that a busy machine slows both. Features are those of ../shared/data (or of the file or
folder that T2W_DATA names), else synthetic ones of the same size. The last line is the ratio alone.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters import Adapter, AdapterSpec, Recipe, accuracy, batch_positions, recipe, train_base, train_tasks
from t2w.adapters.batched.group import Group, Problem
from t2w.adapters.batched.plan import TaskPlan
from t2w.adapters.batched.table import Table
from t2w.adapters.holdout import class_rows
from t2w.devices import resolve_device, resolve_dtype
from t2w.errors import T2WError
from t2w.features import FeatureSet, load_features

SEEN = 160
FILE = "tiny-imagenet-200-features.safetensors"


@dataclass(frozen=True)
class World:
    """What both ways train on: features, class texts (C, 384), a base adapter (P,)."""

    spec: AdapterSpec
    train: FeatureSet
    test: FeatureSet
    text: Tensor
    base: Tensor


def load(steps: int) -> World:
    place = Path(os.environ.get("T2W_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    path = place / FILE if place.is_dir() else place
    train, test = load_features(path) if path.is_file() else synthetic()
    text = texts(train.class_names)
    spec = AdapterSpec(train.dim, 16, text.shape[1], 20.0)
    print(f"features: {path if path.is_file() else 'synthetic'}, {len(train):,} x {train.dim}, {train.features.dtype}")
    base = train_base(spec, train, text, classes=range(min(SEEN, len(text))), steps=steps).vector
    return World(spec, train, test, text, base)


def synthetic() -> tuple[FeatureSet, FeatureSet]:
    """200 overlapping clouds, as many and as large as the real features."""
    generator = torch.Generator().manual_seed(0)
    centres = 0.35 * torch.randn(200, 512, generator=generator)

    def split(name: str, each: int) -> FeatureSet:
        labels = torch.arange(200).repeat_interleave(each)
        rows = centres[labels] + torch.randn(len(labels), 512, generator=generator)
        stored = (rows * 25).round().clamp(-127, 127).to(torch.int8)
        names = tuple(f"class {c}" for c in range(200))
        return FeatureSet(stored, torch.full((512,), 0.04), labels, names, "synthetic", "none", name)  # type: ignore[arg-type]

    return split("train", 250), split("test", 50)


def texts(names: Sequence[str]) -> Tensor:
    """MiniLM's embeddings of "a photo of a <name>"; random directions where it is not installed."""
    try:
        from t2w.encoders import minilm

        return minilm().encode([f"a photo of a {name}" for name in names])
    except (T2WError, ImportError) as error:
        print(f"class texts: random directions ({error})")
        return F.normalize(torch.randn(len(names), 384, generator=torch.Generator().manual_seed(1)), dim=-1)


def draw(count: int, classes: int) -> list[list[int]]:
    """Tasks of 8 to 31 classes."""
    generator = torch.Generator().manual_seed(2)
    sizes = torch.randint(8, 32, (count,), generator=generator).tolist()
    return [torch.randperm(classes, generator=generator)[:size].tolist() for size in sizes]


def sequential(world: World, tasks: Sequence[Sequence[int]], ids: Sequence[int], how: Recipe, x: Tensor) -> Tensor:
    """One task after another, on the factory's batches: cached float32 features, nn.Module, autograd, Adam. (T, P)."""
    device, vectors = x.device, []
    labels, text = world.train.labels.to(device), F.normalize(world.text.to(device), dim=-1)
    for classes, task_id in zip(tasks, ids, strict=True):
        position = torch.full((len(world.text),), -1, dtype=torch.int64, device=device)
        position[list(classes)] = torch.arange(len(classes), device=device)
        own = torch.cat([(labels == c).nonzero().flatten() for c in classes])
        adapter = Adapter.from_vector(world.spec, world.base).to(device)
        class_texts = text[list(classes)]
        steps = how.steps_for(len(own))
        optimiser = torch.optim.Adam(adapter.parameters(), lr=how.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        batches = batch_positions(len(own), steps=steps, batch_size=how.batch_size, seed=0, task_id=task_id)
        for batch in batches.to(device):
            rows = own[batch]
            loss = F.cross_entropy(adapter.logits(x[rows], class_texts), position[labels[rows]])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        vectors.append(adapter.vector().cpu())
    return torch.stack(vectors)


def flops(spec: AdapterSpec, tasks: Sequence[Sequence[int]], how: Recipe) -> float:
    """Multiplications and additions of the batched trainer's matrix products, padding not counted."""
    h, batch = spec.hidden, how.batch_size
    per_step = 0
    for classes in tasks:
        rows = len(classes) + h + 1
        images = 2 * 2 * batch * spec.in_features * h  # z = W1 x and dW1 = dz x^T
        space = 2 * 2 * rows * spec.out_features * (h + 1)  # S = M V and dV
        inner = 3 * 2 * batch * rows * (h + 1)  # A = S h, dh = S^T C, C h^T
        per_step += images + space + inner
    return float(per_step * (how.steps or 0))


def matmul_flops(dtype: torch.dtype, device: torch.device, size: int) -> float:
    """FLOP/s of this machine's own square matrix product, all its cores at work."""
    a, b = (torch.randn(size, size).to(device, dtype) for _ in range(2))
    out = a @ b
    seconds = timed(lambda: [torch.mm(a, b, out=out) for _ in range(5)], device)[0]
    return 5 * 2 * size**3 / seconds


def timed(work: Callable[[], object], device: torch.device) -> tuple[float, object]:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    result = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start, result


def best_threads(work: Callable[[], object], device: torch.device) -> int:
    """How many threads serve the sequential loop best: its operations are small, and splitting them may cost more."""
    cores, seconds = torch.get_num_threads(), {}
    for threads in sorted({1, cores}):
        torch.set_num_threads(threads)
        work()
        seconds[threads] = min(timed(work, device)[0] for _ in range(3))
    torch.set_num_threads(cores)
    return min(seconds, key=seconds.__getitem__)


def peak_memory(device: torch.device) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    held = f", {torch.cuda.max_memory_allocated(device) / 2**30:.2f} GiB on the GPU" if device.type == "cuda" else ""
    return f"{peak:.2f} GiB{held}"


def shares(world: World, tasks: Sequence[Sequence[int]], dtype: torch.dtype) -> dict[str, float]:
    """Where a step's time goes on one core, from torch's profiler."""
    from torch.profiler import ProfilerActivity, profile

    count, steps = 8, 100
    how, rows = recipe("fast", steps=steps), class_rows(world.train)
    classes = tuple(sorted(tasks, key=len)[len(tasks) // 2])  # a task of the usual size
    images = sum(rows.counts[c] for c in classes)
    plans = [TaskPlan(i, i, classes, images, steps) for i in range(count)]
    table = Table.of(world.train, dtype=dtype, device=torch.device("cpu"))
    group = Group(
        Problem(world.spec, how, rows, table, F.normalize(world.text, dim=-1), 0), plans, world.base.repeat(count, 1)
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU]) as profiled:
        for step in range(steps):
            group.train(step, losses=False)
    torch.set_num_threads(threads)
    kinds = dict.fromkeys(("aten::bmm", "aten::baddbmm"), "matrix products")
    kinds |= {"aten::_fused_adam_": "Adam", "aten::index_select": "gathering images"}
    spent = dict.fromkeys([*kinds.values(), "conversions and small operations"], 0.0)
    for event in profiled.key_averages():
        spent[kinds.get(event.key, "conversions and small operations")] += event.self_cpu_time_total
    return {kind: value / sum(spent.values()) for kind, value in spent.items()}


def compare(args: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> None:
    how, world, cores = recipe("fast", steps=args.steps), load(args.base_steps), torch.get_num_threads()
    tasks = draw(args.tasks, min(SEEN, len(world.text)))
    one_by_one = tasks[: args.sequential]
    x = world.train.dense(torch.float32).to(device)

    def factory(which: Sequence[Sequence[int]]) -> Tensor:
        return train_tasks(
            world.spec, world.base, world.train, world.text, which, range(len(which)),
            recipe=how, seed=0, device=device,
            dtype=dtype, group_size=args.group_size,
        ).vectors  # fmt: skip

    factory(tasks[:64])  # warm up
    threads = best_threads(lambda: sequential(world, tasks[:1], [0], recipe("fast", steps=50), x), device)
    size = 2048 if device.type == "cpu" else 8192
    # A product in a type that the processor does not know takes minutes: only the one used, beside float32.
    types = sorted({torch.float32, dtype}, key=str)
    rates: dict[object, list[float]] = {"sequential": [], "factory": [], **{each: [] for each in types}}
    slow = []
    for turn in range(args.rounds):
        part = range(turn, len(one_by_one), args.rounds)
        torch.set_num_threads(threads)
        seconds, vectors = timed(lambda: sequential(world, [tasks[i] for i in part], list(part), how, x), device)  # noqa: B023
        torch.set_num_threads(cores)
        rates["sequential"].append(len(part) / seconds)
        slow += list(zip(part, vectors, strict=True))  # type: ignore[call-overload]
        seconds, fast = timed(lambda: factory(tasks), device)
        rates["factory"].append(len(tasks) / seconds)
        for each in types:
            rates[each].append(matmul_flops(each, device, size))
        print(f"round {turn + 1}: sequential {rates['sequential'][-1]:.2f} tasks/s, factory {rates['factory'][-1]:.1f}")
    ratios = [a / b for a, b in zip(rates["factory"], rates["sequential"], strict=True)]
    slow_vectors = torch.stack([vector for _, vector in sorted(slow, key=lambda pair: pair[0])])

    def score(vectors: Tensor, which: Sequence[Sequence[int]]) -> float:
        return 100 * float(accuracy(world.spec, vectors, world.test, world.text, which, device=device).mean())

    assert isinstance(fast, Tensor)
    both = score(slow_vectors, one_by_one), score(fast[: len(one_by_one)], one_by_one)
    achieved = median(rates["factory"]) * (work := flops(world.spec, tasks, how) / len(tasks))
    print(f"{len(tasks)} tasks of 8 to 31 classes, {how.steps} steps of {how.batch_size}, {dtype}, {device}, "
          f"{cores} cores (sequential: {threads} threads, the faster of 1 and {cores})")  # fmt: skip
    print(f"tasks/s: sequential {median(rates['sequential']):.2f}, factory {median(rates['factory']):.1f}")
    print(f"test accuracy on the same {len(one_by_one)} tasks: sequential {both[0]:.2f} %, factory {both[1]:.2f} %, "
          f"difference {both[1] - both[0]:+.2f} points (at most 0.3 allowed)")  # fmt: skip
    print(f"achieved: {achieved / 1e9:.1f} GFLOP/s, at {work / 1e9:.3f} GFLOP per task (products only, no padding)")
    for each in types:
        print(f"machine's {each} {size} x {size} product: {median(rates[each]) / 1e9:.0f} GFLOP/s; "
              f"achieved is {100 * achieved / median(rates[each]):.0f} % of it")  # fmt: skip
    if device.type == "cpu":
        parts = ", ".join(f"{kind} {100 * share:.0f} %" for kind, share in shares(world, tasks, dtype).items())
        print(f"a step's time: {parts}")
        print("What bounds the rest: skinny products (16 hidden units) on 450 KB per task from the cache that cores "
              "share, 64 rows per task from anywhere in memory, forty small operations per step.")  # fmt: skip
    print(f"peak memory: {peak_memory(device)}")
    print(f"ratio: {median(ratios):.1f}")


def grow(args: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> None:
    how, world = recipe("fast", steps=args.steps), load(args.base_steps)
    per_task = []
    for count in args.counts:
        tasks = draw(count, min(SEEN, len(world.text)))
        seconds, done = timed(
            lambda: train_tasks(
                world.spec, world.base, world.train, world.text, tasks, range(len(tasks)), recipe=how, device=device,  # noqa: B023
                dtype=dtype, group_size=args.group_size,
            ),
            device,
        )  # fmt: skip
        del done
        per_task.append(seconds / count)
        print(f"{count:6d} tasks: {seconds:7.1f} s, {1e3 * per_task[-1]:6.2f} ms per task, peak {peak_memory(device)}")
    print("time per task, the slowest over the fastest (at most 1.10 wanted):")
    print(f"ratio: {max(per_task) / min(per_task):.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--dtype", default="auto", choices=("auto", "bfloat16", "float32"), help="of the factory; auto: the faster one"
    )
    parser.add_argument("--tasks", type=int, default=256, help="tasks of the factory, per round")
    parser.add_argument("--sequential", type=int, default=48, help="tasks of the sequential loop, over all rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--base-steps", type=int, default=1000)
    parser.add_argument("--group-size", type=int, default=None)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--counts", type=int, nargs="+", default=[500, 2000, 8000, 12000], help="of --growth")
    args = parser.parse_args()
    try:
        device = resolve_device(args.device)
    except T2WError as error:
        needs = " (an NVIDIA GPU, its driver, and torch's CUDA build)" if args.device.startswith("cuda") else ""
        print(f"{error}; this benchmark needs the device it is given{needs}", file=sys.stderr)
        return 2
    (grow if args.growth else compare)(args, device, resolve_dtype(args.dtype, device))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
