"""Sorts and undos killed with SIGKILL: nothing is lost, and nothing is twice when they go on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
def test_killed_at_random_moments_by_copy_by_move_and_undone(tmp_path: Path) -> None:
    seed = str(int.from_bytes(os.urandom(4), "little"))
    script = Path(__file__).with_name("killed_sorts.py")
    done = subprocess.run([sys.executable, script, tmp_path / "work", seed], capture_output=True, text=True)
    assert done.returncode == 0, f"seed {seed}\n{done.stderr[-3000:]}"
    assert int(done.stdout) >= 20, seed  # trials
