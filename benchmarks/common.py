"""What the benchmarks share: the device, what the machine is, processes of their own, and the run they look at."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from t2w.devices import resolve_device
from t2w.errors import T2WError
from t2w.runs import Run


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    """A parser that shows a script's docstring and knows --device."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    return parser


def run_on_device(name: str, work: Callable[[torch.device], int | None]) -> int:
    """Do `work` on a device; exit code 2 with a sentence where there is none of that name, or input is wrong."""
    try:
        device = resolve_device(name)
    except T2WError as error:
        needs = " (an NVIDIA GPU, its driver, and torch's CUDA build)" if name.startswith("cuda") else ""
        print(f"{error}; this benchmark needs the device it is given{needs}", file=sys.stderr)
        return 2
    try:
        return work(device) or 0
    except T2WError as error:
        print(error, file=sys.stderr)
        return 2


def machine(device: torch.device) -> str:
    """What the figures were measured on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{os.cpu_count()} CPU cores"
    return f"{name}, {platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} threads"


def synchronize(device: torch.device) -> None:
    """Wait until an accelerator has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Wall time of one call, an accelerator's work included."""
    synchronize(device)
    start = time.perf_counter()
    work()
    synchronize(device)
    return time.perf_counter() - start


def matmul_rate(dtype: torch.dtype, device: torch.device, *, rounds: int = 3) -> float:
    """FLOP/s of this machine's own square matrix product, the best of some rounds."""
    size = 1024 if device.type == "cpu" else 8192
    a, b = (torch.randn(size, size).to(device, dtype) for _ in range(2))
    out = a @ b
    best = min(seconds_of(lambda: [torch.mm(a, b, out=out) for _ in range(5)], device) for _ in range(rounds))
    return 5 * 2 * size**3 / best


def peak_gib(device: torch.device) -> dict[str, float]:
    """Peak memory of this process in GiB: "memory", and "gpu" where there is one."""
    peak = {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}
    return peak | ({"gpu": torch.cuda.max_memory_allocated(device) / 2**30} if device.type == "cuda" else {})


def describe_peak(peak: dict[str, float]) -> str:
    held = f", {peak['gpu']:.2f} GiB on the GPU" if "gpu" in peak else ""
    return f"{peak['memory']:.2f} GiB{held}"


def in_own_process(script: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Run a script; the JSON on its last line. Peak memory is a process's own, so whoever measures it runs alone."""
    command = [sys.executable, script, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def run_of(folder: str | Path, *, make: bool = False) -> Run:
    """The run in a folder, with its own configuration.

    Args:
        make: where there is none yet, begin the experiment tiny_imagenet_features there, and make its adapters.

    Raises:
        T2WError: no run there and not `make`, or data of it that cannot be made.
    """
    from t2w.config import compose
    from t2w.progress import log_to_terminal
    from t2w.runs import open_run, run_stages
    from t2w.runs.engine import stage_record
    from t2w.runs.folder import stored_run

    log_to_terminal()
    folder = Path(folder)
    if make and not (folder / "run.json").exists():
        run = open_run(compose(["experiment=tiny_imagenet_features", f"out={folder}"]))
    else:
        run = stored_run(folder)
    # Finished is finished: a run of an older version keeps its adapters.
    if make and not stage_record(folder, "adapters").get("finished"):
        run_stages(run, "adapters")
    return run


def tasks_of(run: Run, split: str) -> list[list[int]]:
    """The tasks of a split, as class positions."""
    return run.positions(task.classes for task in run.task_set.of(split))  # type: ignore[arg-type]


def versions() -> str:
    """t2w, torch and Python."""
    from t2w import __version__

    return f"t2w {__version__}, torch {torch.__version__}, Python {platform.python_version()}"
