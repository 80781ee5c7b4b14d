"""What the README says works."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::t2w.T2WWarning")  # digits that the small run never saw

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


FILE = re.compile(r".*(\.(t2w|png|jpg|safetensors)|/)")
OF_THE_READER = re.compile(r"[A-Z-]+(\.\w+)?")  # PHOTOS, FILE.safetensors


def test_every_file_of_a_command_is_made_before_or_named_as_the_readers() -> None:
    skimage = pytest.importorskip("skimage")
    before, _, rest = README.partition("## What `make demo` prints")  # which shows what a command does by itself
    text = before + rest[rest.index("## From words to a classifier of digits") :]
    commands = re.findall(r"^    (?:\$ )?(?:\.venv/bin/)?(cp|t2w) ([^#\n]*)", text, flags=re.MULTILINE)
    assert len(commands) > 10
    made: set[str] = set()
    for program, line in commands:
        words = shlex.split(line)
        if program == "cp":  # photographs that a package brings
            folder, names = re.fullmatch(r".*/skimage/(data)/\{(.*)\}", words[0]).groups()  # type: ignore[union-attr]
            made |= set(names.split(","))
            assert all((Path(skimage.__file__).parent / folder / name).is_file() for name in names.split(","))
            continue
        outputs = {words[i + 1] for i, word in enumerate(words) if word == "-o"}
        for word in words[1:]:
            name = word.rpartition("=")[2] if words[0] == "run" else word
            if FILE.fullmatch(name) and name not in outputs:
                assert name in made or OF_THE_READER.fullmatch(name), line
        made |= outputs


@pytest.mark.parametrize("target", ["demo", "test", "check"])
def test_make_targets_are_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
