"""Adapters per second: the batched trainer against the loop that a good engineer writes first.

    python benchmarks/adapters.py                     # the ratio, the accuracies, and the share of the machine's FLOP/s
    python benchmarks/adapters.py --gradients          # the trainer's own gradient against autograd and torch.func
    python benchmarks/adapters.py --growth             # does time per task stay flat from 500 to 12,000 tasks
    python benchmarks/adapters.py --device cuda        # on an NVIDIA GPU

What is compared alternates in one run, so that a busy machine slows all of it. Features: see `adapter_data.load`. The
last line is the ratio alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from adapter_data import World, draw, load
from common import describe_peak, machine, matmul_rate, parser_of, peak_gib, run_on_device, seconds_of
from torch import Tensor

from t2w.adapters import Adapter, AdapterSpec, Recipe, accuracy, batch_positions, recipe, task_logits, train_tasks
from t2w.adapters.batched.group import Group, Problem
from t2w.adapters.batched.plan import plan_task
from t2w.adapters.batched.table import Table
from t2w.adapters.holdout import class_rows
from t2w.devices import one_thread, resolve_dtype
from t2w.files import write_json


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
    """Of the batched trainer's matrix products, padding not counted."""
    h, batch = spec.hidden, how.batch_size
    per_step = 0
    for classes in tasks:
        rows = len(classes) + h + 1
        images = 2 * 2 * batch * spec.in_features * h  # z = W1 x and dW1 = dz x^T
        space = 2 * 2 * rows * spec.out_features * (h + 1)  # S = M V and dV
        inner = 3 * 2 * batch * rows * (h + 1)  # A = S h, dh = S^T C, C h^T
        per_step += images + space + inner
    return float(per_step * (how.steps or 0))


def best_threads(work: Callable[[], object], device: torch.device) -> int:
    """How many threads serve the sequential loop best: its operations are small, and splitting them may cost more."""
    cores, seconds = torch.get_num_threads(), {}
    for threads in sorted({1, cores}):
        torch.set_num_threads(threads)
        work()
        seconds[threads] = min(seconds_of(work, device) for _ in range(3))
    torch.set_num_threads(cores)
    return min(seconds, key=seconds.__getitem__)


def compare(args: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """The batched trainer against the sequential loop."""
    how, world, cores = recipe("fast", steps=args.steps), load(args.base_steps), torch.get_num_threads()
    tasks = draw(args.tasks, world)
    some = tasks[: args.sequential]
    x = world.train.dense().to(device)
    vectors = {"sequential": torch.zeros(len(some), world.spec.size), "batched": torch.zeros(0)}

    def one_by_one(part: range) -> None:
        vectors["sequential"][list(part)] = sequential(world, [some[i] for i in part], part, how, x)

    def together(which: Sequence[Sequence[int]]) -> None:
        vectors["batched"] = train_tasks(
            world.spec, world.base, world.train, world.text, which, range(len(which)), recipe=how, device=device,
            dtype=dtype, group_size=args.group_size,
        ).vectors  # fmt: skip

    together(tasks[:64])  # warm up
    threads = best_threads(lambda: sequential(world, tasks[:1], [0], recipe("fast", steps=50), x), device)
    rates: dict[str, list[float]] = {"sequential": [], "batched": []}
    for turn in range(args.rounds):
        part = range(turn, len(some), args.rounds)
        torch.set_num_threads(threads)
        rates["sequential"].append(len(part) / seconds_of(lambda: one_by_one(part), device))  # noqa: B023
        torch.set_num_threads(cores)
        rates["batched"].append(len(tasks) / seconds_of(lambda: together(tasks), device))
        print(f"round {turn + 1}: sequential {rates['sequential'][-1]:.2f} tasks/s, batched {rates['batched'][-1]:.1f}")
    ratio = median(a / b for a, b in zip(rates["batched"], rates["sequential"], strict=True))
    test = {
        way: 100 * float(accuracy(world.spec, found[: len(some)], world.test, world.text, some, device=device).mean())
        for way, found in vectors.items()
    }
    difference = test["batched"] - test["sequential"]
    per_task = flops(world.spec, tasks, how) / len(tasks)
    achieved, product = median(rates["batched"]) * per_task, matmul_rate(dtype, device)
    print(f"{len(tasks)} tasks of 8 to 31 classes, {how.steps} steps of {how.batch_size}, {dtype}, {machine(device)} "
          f"(sequential: {threads} threads, the faster of 1 and {cores})")  # fmt: skip
    print(f"tasks/s: sequential {median(rates['sequential']):.2f}, batched {median(rates['batched']):.1f}")
    print(f"test accuracy on the same {len(some)} tasks: sequential {test['sequential']:.2f} %, "
          f"batched {test['batched']:.2f} %, difference {difference:+.2f} points (at most 0.3 allowed)")  # fmt: skip
    print(f"achieved: {achieved / 1e9:.1f} GFLOP/s, {per_task / 1e9:.3f} GFLOP per task (products only, no padding): "
          f"{100 * achieved / product:.0f} % of the machine's own square product")  # fmt: skip
    print(f"peak memory: {describe_peak(peak_gib(device))}")
    print(f"ratio: {ratio:.1f}")
    return {"tasks_per_second": rates, "accuracy": test, "ratio": ratio}


def gradients(args: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """A step of one group, on one core of a CPU: the trainer's own gradient against those that torch derives."""
    world, how = load(args.base_steps), recipe("fast", steps=args.steps)
    rows, spec, count = class_rows(world.train), world.spec, args.group_size or 12
    classes = tuple(range(20))
    plans = [plan_task(i, i, classes, rows, how) for i in range(count)]
    table = Table.of(world.train, dtype=dtype, device=device)
    text = F.normalize(world.text, dim=-1).to(device)
    problem = Problem(spec, how, rows, table, text, 0)
    index = torch.randint(len(world.train), (args.steps, count * how.batch_size), dtype=torch.int32).to(device)
    labels = torch.randint(len(classes), (args.steps, count, how.batch_size)).to(device)
    texts, mask = text[:20].expand(count, -1, -1), torch.ones(count, 20, dtype=torch.bool, device=device)
    room, start = table.buffer(len(index[0])), world.base.repeat(count, 1).to(device)

    def images(step: int) -> Tensor:
        return table.gather(index[step], room).unflatten(0, (count, how.batch_size))

    def own() -> None:
        with torch.no_grad():
            group = Group(problem, plans, start)
            for step in range(args.steps):
                group.train(step, losses=False)

    def autograd() -> None:
        vectors = start.clone().requires_grad_()
        optimiser = torch.optim.Adam([vectors], lr=how.learning_rate, fused=True)
        for step in range(args.steps):
            logits = task_logits(spec, vectors.to(dtype), images(step), texts.to(dtype), mask).float()
            loss = F.cross_entropy(logits.mT, labels[step], reduction="none").mean(1).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    def func() -> None:
        one = Adapter.from_vector(spec, world.base).to(device)
        weights = {name: torch.stack([value.detach()] * count) for name, value in one.named_parameters()}
        optimiser = torch.optim.Adam(list(weights.values()), lr=how.learning_rate, fused=True)

        def loss(weights: dict[str, Tensor], x: Tensor, labels: Tensor) -> Tensor:
            unit = torch.func.functional_call(one, weights, (x,))
            return F.cross_entropy((spec.logit_scale * unit @ texts[0].to(dtype).T).float(), labels)

        gradient = torch.func.vmap(torch.func.grad(loss))
        for step in range(args.steps):
            found = gradient({name: value.to(dtype) for name, value in weights.items()}, images(step), labels[step])
            for name, value in weights.items():
                value.grad = found[name].to(value.dtype)
            optimiser.step()

    contenders: dict[str, Callable[[], None]] = {"own": own, "autograd": autograd, "torch.func": func}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    with one_thread(device.type == "cpu"):
        for turn in range(args.rounds + 1):
            for name, work in contenders.items():
                spent = seconds_of(work, device)
                if turn:  # the first round warms up
                    seconds[name].append(spent)
    print(f"{count} tasks of 20 classes, {args.steps} steps of {how.batch_size}, {dtype}, {machine(device)}")
    for name, spent in seconds.items():
        print(f"{name:>10}: {1e6 * min(spent) / args.steps / count:7.1f} us per task and step")
    ratio = min(min(seconds[name]) for name in ("autograd", "torch.func")) / min(seconds["own"])
    print("the faster of the others over the trainer's own (1.2 or more: worth its lines):")
    print(f"ratio: {ratio:.2f}")
    return {"seconds": seconds, "ratio": ratio}


def grow(args: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """Time per task for more and more tasks."""
    how, world = recipe("fast", steps=args.steps), load(args.base_steps)
    per_task = []
    for count in args.counts:
        tasks = draw(count, world)
        seconds = seconds_of(
            lambda: train_tasks(
                world.spec, world.base, world.train, world.text, tasks, range(len(tasks)), recipe=how, device=device,  # noqa: B023
                dtype=dtype, group_size=args.group_size,
            ),
            device,
        )  # fmt: skip
        per_task.append(seconds / count)
        peak = describe_peak(peak_gib(device))
        print(f"{count:6d} tasks: {seconds:7.1f} s, {1e3 * per_task[-1]:6.2f} ms per task, peak {peak}")
    ratio = max(per_task) / min(per_task)
    print("time per task, the slowest over the fastest (at most 1.10 wanted):")
    print(f"ratio: {ratio:.2f}")
    return {"counts": args.counts, "seconds_per_task": per_task, "ratio": ratio}


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--dtype", default="auto", choices=("auto", "bfloat16", "float32"), help="auto: the faster one")
    parser.add_argument("--tasks", type=int, default=256, help="tasks of the batched trainer, per round")
    parser.add_argument("--sequential", type=int, default=48, help="tasks of the sequential loop, over all rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--base-steps", type=int, default=1000)
    parser.add_argument("--group-size", type=int, default=None)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--gradients", dest="measure", action="store_const", const=gradients, default=compare)
    what.add_argument("--growth", dest="measure", action="store_const", const=grow)
    parser.add_argument("--counts", type=int, nargs="+", default=[500, 2000, 8000, 12000], help="of --growth")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    args = parser.parse_args()

    def work(device: torch.device) -> None:
        figures = args.measure(args, device, resolve_dtype(args.dtype, device))
        if args.json:
            write_json(args.json, figures)

    return run_on_device(args.device, work)


if __name__ == "__main__":
    raise SystemExit(main())
