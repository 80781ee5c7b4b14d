"""Minutes until generated adapters are as good as the reference's configuration makes them (`training.py`).

Accuracy is that of validation tasks on training images that nothing was trained on, the better of 1 and 10 DDIM steps.
Time spent on measuring it counts for neither. Both learning rates fall to 0 within the time that each is planned for.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from time import perf_counter

import torch
from common import describe_peak, machine, peak_gib, run_of, tasks_of

from t2w.evaluation.bench import Bench
from t2w.generator import (
    Generator,
    Network,
    NetworkConfig,
    Normalizer,
    ReferenceConfig,
    build_network,
    condition_of,
)
from t2w.runs import Run
from t2w.runs.stage_train import network_config
from t2w.training import FunctionalSettings, TrainSettings, Validation, fit_generator

COEFFICIENT = 1.646
EPOCHS_OF_WARMUP = 5
SAMPLING_STEPS = (1, 10)
CALIBRATION = 8  # steps that say how long one takes


class Reached(Exception):
    """The accuracy that was looked for is there."""


@dataclass
class Clock:
    """Counts training time, stands still while accuracy is measured, and remembers both."""

    measure: Callable[[Network], float]
    target: float | None = None
    quiet: bool = False
    spent: float = 0.0
    points: list[tuple[float, float]] = field(default_factory=list)
    _since: float = 0.0

    def start(self) -> Clock:
        self._since = perf_counter()
        return self

    def __call__(self, network: Network) -> float:
        self.spent += perf_counter() - self._since
        accuracy = self.measure(network)
        self.points.append((self.spent, accuracy))
        if not self.quiet:
            print(f"  {self.spent:6.1f} s: {accuracy:.2%}", flush=True)
        if self.target is not None and accuracy >= self.target:
            raise Reached
        self._since = perf_counter()
        return accuracy


@dataclass(frozen=True, eq=False)
class Contestant:
    """A network, its data's scale and its training settings; what they are trained and measured on."""

    name: str
    shape: NetworkConfig
    normalizer: Normalizer
    settings: TrainSettings
    bench: Bench

    def measure(self, network: Network) -> float:
        bench, generator = self.bench, Generator(network, self.normalizer)
        condition = generator.condition(bench.text, bench.validation_tasks)
        scores = [
            float(bench.score_held_out(generator.generate(condition, steps=steps), bench.validation_tasks).mean())
            for steps in SAMPLING_STEPS
        ]
        return max(scores)

    def untrained(self) -> float:
        """Accuracy of the first weights. Ours begins with the mean adapter, the reference's with noise."""
        return self.measure(build_network(self.shape, seed=self.settings.seed).to(self.bench.device))

    def train(self, clock: Clock, steps: int, warmup: int, every: int) -> None:
        """Train for `steps`, the clock asked every `every` steps. Raises Reached."""
        bench, settings = self.bench, replace(self.settings, steps=steps, warmup=warmup, validate_every=every)
        conditions = [
            condition_of(bench.text, tasks, conditioning=self.shape.conditioning)
            for tasks in (bench.train_tasks, bench.validation_tasks[:1])
        ]
        # One validation task: its loss, which is not looked at, takes no time to speak of.
        validation = Validation(bench.train_vectors[:1], conditions[1], clock)
        clock.start()
        fit_generator(
            self.shape, self.normalizer, bench.train_vectors, conditions[0], settings=settings,
            validation=validation, device=bench.device,
        )  # fmt: skip

    def seconds_per_step(self) -> float:
        clock = Clock(lambda network: 0.0, quiet=True)
        self.train(clock, CALIBRATION, 0, 1)
        times = [0.0] + [seconds for seconds, _ in clock.points]
        return median(b - a for a, b in pairwise(times[2:]))


def ours(run: Run, bench: Bench) -> Contestant:
    """The run's own configuration, its first phase."""
    settings = run.config.train.in_steps(len(bench.train_tasks), seed=run.config.seed)
    settings = replace(settings, functional=FunctionalSettings(), select="last", trackers=())
    shape = network_config(run.config, bench.spec, bench.text.shape[1])
    return Contestant("ours", shape, Normalizer.fit(bench.base, bench.train_vectors), settings, bench)


def reference(bench: Bench, like: Contestant) -> Contestant:
    """The reference's configuration, as many parameters as `like`, and averaged weights as `like` has them."""
    settings = TrainSettings(
        batch_size=min(32, len(bench.train_tasks)), learning_rate=4e-4, weight_decay=0.1, beta2=0.999, clip=0.1,
        ema_decay=like.settings.ema_decay, ema_warmup=like.settings.ema_warmup, seed=like.settings.seed,
    )  # fmt: skip
    layers, heads = like.shape.n_layer, like.shape.n_head
    shapes = (
        ReferenceConfig(bench.spec, bench.text.shape[1], n_embd=width, n_layer=layers, n_head=heads)
        for width in range(8 * heads, 512 + 1, heads)
    )
    wanted = parameters(like.shape)
    shape = min(shapes, key=lambda s: abs(parameters(s) - wanted))
    return Contestant(
        "the reference's configuration", shape, Normalizer.scaled(bench.spec.size, COEFFICIENT), settings, bench
    )


def parameters(shape: NetworkConfig) -> int:
    """How many numbers a network of this shape learns."""
    with torch.device("meta"):
        return sum(p.numel() for p in build_network(shape).parameters())


def time_to_accuracy(args: argparse.Namespace, device: torch.device) -> int:
    """Train both, print what happened; the last line is the ratio of times."""
    run = run_of(args.run, make=True)
    bench = run.bench
    us = ours(run, bench)
    them = reference(bench, us)
    print(f"{machine(device)}; {len(bench.train_tasks)} adapters of {bench.spec.size} weights, "
          f"{len(tasks_of(run, 'validation'))} validation tasks")  # fmt: skip
    for one in (them, us):
        print(f"{one.name}: {parameters(one.shape):,} parameters, {one.shape.n_embd} wide, "
              f"batch {one.settings.batch_size}; before training {one.untrained():.2%}")  # fmt: skip

    limit, per_epoch = 60 * args.minutes, max(len(bench.train_tasks) // them.settings.batch_size, 1)
    pace = them.seconds_per_step()
    steps = max(int(limit / pace), 1)
    warmup = min(EPOCHS_OF_WARMUP * per_epoch, steps // 10)
    print(f"{them.name}: {steps} steps of {pace:.3f} s")
    clock = Clock(them.measure)
    them.train(clock, steps, warmup, max(round(args.every / pace), 1))
    their_seconds, target = clock.spent, max(accuracy for _, accuracy in clock.points)
    best_at = next(seconds for seconds, accuracy in clock.points if accuracy == target)
    print(f"{them.name}: best {target:.2%} after {best_at:.0f} s of {their_seconds:.0f} s")

    our_seconds, reached = reach(us, target, args, run)
    print(f"peak memory of both, one after the other: {describe_peak(peak_gib(device))}")
    if not reached:
        print(f"ours did not reach {target:.2%} in {our_seconds:.0f} s")
        print("ratio: inf")
        return 0
    print(f"ours: {target:.2%} after {our_seconds:.0f} s")
    print(f"over the time that the reference's best took: {our_seconds / best_at:.3f}")
    print("wanted: at most 0.1")
    print(f"ratio: {our_seconds / their_seconds:.3f}")
    return 0


def reach(us: Contestant, target: float, args: argparse.Namespace, run: Run) -> tuple[float, bool]:
    """(seconds, reached): trainings planned for longer and longer, all of their time counted, until one is there."""
    pace = us.seconds_per_step()
    planned = 60 * (args.our_minutes or args.minutes / 10)
    if args.full_schedule:
        planned = pace * us.settings.steps
    total = 0.0
    while total < 60 * args.minutes or not total:
        steps = max(round(planned / pace), 1)
        warmup = min(us.settings.warmup, steps // 5)
        print(f"ours: {steps} steps of {pace:.3f} s")
        clock = Clock(us.measure, target)
        try:
            us.train(clock, steps, warmup, max(round(min(args.every, planned / 10) / pace), 1))
        except Reached:
            return total + clock.spent, True
        total, planned = total + clock.spent, 2 * planned
    return total, False
