"""Benchmark scripts, called in this process: most of their time in a test would go into starting one."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., str]]:
    """`bench("known.py", "--photos", folder)`: what a script prints, on standard error where it is to fail."""
    threads = torch.get_num_threads()
    monkeypatch.syspath_prepend(BENCHMARKS)

    def call(script: str, *arguments: object, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", [str(BENCHMARKS / script), *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(BENCHMARKS / script), run_name="__main__")
        said = capsys.readouterr()
        assert (stop.value.code or 0) == code, said.err
        return said.err if code else said.out

    yield call
    torch.set_num_threads(threads)
