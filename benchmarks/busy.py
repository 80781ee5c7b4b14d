"""How much slower t2w is beside two other busy processes: generating, and training a generator.

    python benchmarks/busy.py

Each is timed on the machine as it is and beside two processes that do nothing but count, alternating; fair shares of 2
cores would make 2. The last line is the larger of the two ratios: at most 2 is asked for. OMP_WAIT_POLICY=active in the
environment shows what spinning threads do.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import torch
from common import machine, parser_of, run_on_device
from pictures import CLASSES

from t2w import TextToWeights

TRAINING = [
    "train", "experiment=digits", "tasks.n_train=200", "tasks.n_validation=8", "recipe.steps=20", "train.steps=60",
    "train.functional.steps=0",
]  # fmt: skip


@contextmanager
def others(count: int = 2) -> Iterator[None]:
    """Busy processes beside this one."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    time.sleep(0.5)
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def generating() -> float:
    start = time.perf_counter()
    for seed in range(10):
        WRITER.generate(CLASSES, seed=seed)
    return time.perf_counter() - start


def training() -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "t2w", *TRAINING, f"out={folder}/run"], capture_output=True, check=True
        )
        assert done.returncode == 0
        return time.perf_counter() - start


def compare(args: argparse.Namespace, device: torch.device) -> None:
    work: dict[str, Callable[[], float]] = {"generating": generating, "training": training}
    worst = 0.0
    for name, seconds in work.items():
        seconds()  # warm up
        ratios = []
        for _ in range(args.rounds):
            alone = seconds()
            with others():
                beside = seconds()
            ratios.append(beside / alone)
            print(f"{name}: alone {alone:.2f} s, beside two busy processes {beside:.2f} s", flush=True)
        worst = max(worst, median(ratios))
    print(machine(device))
    print(f"ratio: {worst:.2f}")


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: compare(args, device))


if __name__ == "__main__":
    WRITER = TextToWeights.from_pretrained(device="cpu")
    raise SystemExit(main())
