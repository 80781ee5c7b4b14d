"""Wall time and peak memory of whole commands, each in a fresh process and a fresh folder.

    python benchmarks/end_to_end.py help demo
    python benchmarks/end_to_end.py tiny_imagenet_features

A row per command: seconds, peak memory, and the limit it is held to. Exit code 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """A command of t2w and its limits: seconds of wall time, MB of peak memory."""

    arguments: tuple[str, ...]
    seconds: float
    megabytes: float


COMMANDS = {
    "help": Command(("--help",), 1, 200),
    "demo": Command(("demo", "--out", "{out}"), 180, 2_000),
    "tiny_imagenet_features": Command(("run", "experiment=tiny_imagenet_features", "out={out}"), 1_500, 6_000),
}


def measure(command: Command, folder: Path) -> tuple[float, float, int]:
    """(seconds, peak MB, exit code) of one call."""
    arguments = [part.format(out=folder / "run") for part in command.arguments]
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "t2w", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - start, usage.ru_maxrss / 1024, process.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=list(COMMANDS))
    missed = False
    for name in parser.parse_args().names:
        command = COMMANDS[name]
        with tempfile.TemporaryDirectory() as folder:
            seconds, megabytes, code = measure(command, Path(folder))
        fine = code == 0 and seconds <= command.seconds and megabytes <= command.megabytes
        missed |= not fine
        print(
            f"{name}: {seconds:.1f} s (limit {command.seconds:g}), "
            f"{megabytes:,.0f} MB (limit {command.megabytes:,.0f}), "
            f"exit {code}{'' if fine else '  MISSED'}"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
