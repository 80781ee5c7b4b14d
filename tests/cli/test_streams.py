"""Standard streams that are closed, full, or read by somebody who has seen enough: no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HELP = f"{sys.executable} -m t2w --help"


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (f"{HELP} >&-", 0),
        (f"{HELP} >&- 2>&-", 0),
        (f"{sys.executable} -m t2w fuse a.t2w >&-", 2),
        (f"{sys.executable} -m t2w fuse a.t2w 2>&-", 2),
        (f"{HELP} | true; exit ${{PIPESTATUS[0]}}", 141),
    ],
)
def test_streams_that_are_closed(command: str, code: int) -> None:
    done = shell(command)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_an_output_that_is_full() -> None:
    done = shell(f"{HELP} > /dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith("t2w: cannot write to standard output: No space left on device")
    assert "Traceback" not in done.stderr


def test_a_table_without_a_terminal(tmp_path: Path) -> None:
    program = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parents[1])!r}]; import t2w.encoders, colour_world as w; "
        "t2w.encoders.vision_encoder_from_dict = w.from_dict; w.colour_classifier().save('c.t2w'); "
        "w.paint(__import__('pathlib').Path('red.png'), (255, 0, 0)); "
        "from t2w.cli.main import main; main(['classify', 'c.t2w', 'red.png'])"
    )
    done = shell(f'cd "{tmp_path}" && {sys.executable} -c "{program}" >&-')
    assert (done.returncode, done.stderr) == (0, "")
