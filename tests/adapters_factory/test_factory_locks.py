"""Locks between processes: exclusive where they overlap, free elsewhere, gone with their process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from t2w.adapters.factory.locks import RangeLocks

OTHER = """
import sys
from t2w.adapters.factory.locks import RangeLocks
with RangeLocks(sys.argv[1]) as locks:
    assert locks.acquire(10, 20)
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds positions 10..19."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_exclusive_until_the_other_process_is_killed(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    with RangeLocks(tmp_path) as locks:
        assert locks.works
        for begin, end in [(10, 20), (0, 11), (19, 30), (12, 13)]:
            assert not locks.acquire(begin, end)
        for begin, end in [(0, 10), (20, 30)]:
            assert locks.acquire(begin, end)
        other.kill()
        other.wait()
        assert locks.acquire(10, 20)
