"""What the README says works."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.filterwarnings("ignore:the generator was not trained on")  # on three and eight, in this run
def test_python_snippets_run(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snippets = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert snippets
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "demo").symlink_to(finished_run)
    for snippet in snippets:
        exec(compile(snippet, "README.md", "exec"), {})
    assert (tmp_path / "three.t2w").exists()


def test_generate_command_runs(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, t2w: Callable
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "demo").symlink_to(finished_run)
    commands = [line.split("t2w ", 1)[1] for line in README.splitlines() if "bin/t2w generate" in line]
    assert commands
    for command in commands:
        assert t2w(*shlex.split(command)).code == 0


def test_run_commands_compose() -> None:
    from t2w.config import compose

    commands = [line.split("t2w run ", 1)[1] for line in README.splitlines() if "bin/t2w run" in line]
    assert len(commands) >= 2
    for command in commands:
        assert compose(shlex.split(command)).name in command


def test_linked_files_are_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert len(links) >= 4
    for link in links:
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("target", ["demo", "test", "check"])
def test_make_targets_are_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
