"""Thousands of adapters at once: the front of the batched trainer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from threading import Event

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.batched.group import Problem, TrainedAdapters, run_group
from t2w.adapters.batched.plan import TaskPlan, plan_groups, plan_task
from t2w.adapters.batched.table import Table
from t2w.adapters.holdout import check_classes, check_sizes, class_rows
from t2w.adapters.recipes import RECIPES, Recipe
from t2w.adapters.spec import AdapterSpec, check_size
from t2w.devices import enough_memory
from t2w.errors import T2WError
from t2w.features import FeatureSet

__all__ = ["TrainedAdapters", "train_tasks"]

_CPU_GROUP = {torch.float32: 12, torch.float64: 12, torch.bfloat16: 24}
"""Enough tasks to spread the cost of calling an operation, few enough (450 KB each in float32) to stay in the cache.
Measured: 8 and 24 are within a tenth on a busy machine; alone, 24 is up to a third slower."""
_ACCELERATOR_GROUP = 2048


@torch.no_grad()
def train_tasks(
    spec: AdapterSpec,
    base: Tensor,
    features: FeatureSet,
    text: Tensor,
    tasks: Sequence[Sequence[int]],
    task_ids: Sequence[int],
    *,
    recipe: Recipe = RECIPES["fast"],
    seed: int = 0,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    group_size: int | None = None,
    on_group: Callable[[int], None] | None = None,
) -> TrainedAdapters:
    """Train one adapter per task, each from the base on the images of its own classes, many at once.

    The adapter of a task depends on the seed, its id, the recipe, the base and the features only: within rounding it
    is the same whatever is trained beside it.

    Args:
        base: (P,) where every task starts, or (T, P), a start for each.
        features: training images.
        text: (C, out_features), one embedding per class of `features`.
        tasks: for each task the numbers of its classes.
        task_ids: for each task the number that seeds its batches, with `seed`.
        dtype: of the arithmetic. bfloat16 applies to images and the products with images or class texts; weights, Adam
            and all between stay float32.
        group_size: tasks trained together; None chooses for the device.
        on_group: called with the number of tasks just finished, from the calling thread.

    Raises:
        T2WError: sizes that do not fit; a task with fewer than two classes, repeated classes, or a class without
            images; a loss that is not finite (naming the tasks); too little memory.
    """
    check_sizes(spec, features, text)
    check_size(spec, base)
    if len(tasks) != len(task_ids):
        raise T2WError(f"{len(task_ids)} task ids for {len(tasks)} tasks", expected="one id per task")
    if base.shape not in ((spec.size,), (len(tasks), spec.size)):
        raise T2WError(f"base of shape {tuple(base.shape)}", expected=f"({spec.size},) or ({len(tasks)}, {spec.size})")
    if group_size is not None and group_size < 1:
        raise T2WError(f"group_size is {group_size}", expected="1 or more, or none")
    if dtype not in (torch.float32, torch.float64, torch.bfloat16):
        raise T2WError(f"dtype is {dtype}", expected="torch.float32, torch.bfloat16 or torch.float64")
    rows = class_rows(features, validation_fraction=recipe.validation_fraction)
    for task_id, classes in zip(task_ids, tasks, strict=True):
        check_classes(classes, rows.counts, features.class_names, what=f"task {task_id}")
    plans = [plan_task(i, j, c, rows, recipe) for i, (j, c) in enumerate(zip(task_ids, tasks, strict=True))]
    device = torch.device(device)
    if group_size is None and device.type != "cpu":
        group_size = _ACCELERATOR_GROUP
    elif group_size is None:  # also enough groups for all threads
        group_size = max(1, min(_CPU_GROUP[dtype], -(-len(tasks) // (2 * torch.get_num_threads()))))
    groups = plan_groups(plans, group_size)
    what = f"training {len(tasks)} adapters of {spec.size:,} weights"
    with enough_memory(what, device, needed=4 * len(tasks) * spec.size, fix="make the shards or the adapters smaller"):
        wide = torch.float64 if dtype == torch.float64 else torch.float32
        table = Table.of(features, dtype=dtype, device=device)
        problem = Problem(spec, recipe, rows, table, F.normalize(text.to(device, wide), dim=-1), seed)
        result = TrainedAdapters.none_yet(len(tasks), spec.size, wide)
        start = base.detach().expand(len(tasks), -1)

        def train(group: Sequence[TaskPlan], stop: Event) -> TrainedAdapters:
            return run_group(problem, group, start[[plan.position for plan in group]].to(device, wide), stop)

        with closing(_each_group(groups, train, device)) as finished:
            for group, done in finished:
                finite = (done.losses.isfinite() & done.vectors.isfinite().all(1)).tolist()
                if bad := [str(plan.task_id) for plan, fine in zip(group, finite, strict=True) if not fine]:
                    fix = "lower the recipe's learning_rate, or look for infinite features"
                    raise T2WError(f"the loss of task {', '.join(bad)} is not finite", fix=fix)
                at = torch.tensor([plan.position for plan in group])
                result.vectors[at], result.losses[at], result.steps[at] = done.vectors, done.losses, done.steps
                result.validation_accuracy[at] = done.validation_accuracy
                if on_group is not None:
                    on_group(len(group))
        return result


def _each_group(
    groups: Sequence[Sequence[TaskPlan]],
    train: Callable[[Sequence[TaskPlan], Event], TrainedAdapters],
    device: torch.device,
) -> Generator[tuple[Sequence[TaskPlan], TrainedAdapters], None, None]:
    """Yield each group with its result as it finishes; when the caller leaves early, `stop` is set and threads end.

    On a CPU every group has a thread and a core to itself: a step is some forty operations of tens of microseconds, too
    short to be split over cores, and torch releases the interpreter's lock inside them.
    """
    if device.type != "cpu":
        for group in groups:
            yield group, train(group, Event())
        return
    threads, stop = torch.get_num_threads(), Event()
    # One thread each, even where only one is needed: a product split over threads can differ in its last bit. torch's
    # number of threads is in part one per thread (OpenMP's) and in part global, which is put back at the end.
    pool = ThreadPoolExecutor(threads, thread_name_prefix="adapters", initializer=torch.set_num_threads, initargs=(1,))
    try:
        running = {pool.submit(train, group, stop): group for group in groups}
        for future in as_completed(running):
            yield running.pop(future), future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
