"""docs/sorting.md is true."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_classifier import ByName

from t2w import TextToWeights
from t2w.cli.sort import sort
from t2w.sorting import UNSURE_BELOW

DOCS = (Path(__file__).parents[2] / "docs" / "sorting.md").read_text(encoding="utf-8")


def test_its_snippets_run(holiday: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Writer:
        def generate(self, classes: list[str]) -> ByName:
            return ByName(classes)

    monkeypatch.chdir(holiday.parent)
    monkeypatch.setattr(TextToWeights, "from_pretrained", Writer)
    before = sorted(holiday.rglob("*"))
    names: dict[str, object] = {}
    for snippet in re.findall(r"```python\n(.*?)```", DOCS, flags=re.DOTALL):
        exec(compile(snippet, "docs/sorting.md", "exec"), names)
    assert sorted(holiday.rglob("*")) == before
    with zipfile.ZipFile("sorted.zip") as whole, zipfile.ZipFile("folders.zip") as top:
        assert (len(whole.namelist()), len(top.namelist())) == (7, 5)


def test_its_options_and_its_threshold_exist() -> None:
    known = CliRunner().invoke(sort, ["--help"]).output
    options = set(re.findall(r"(--[a-z][a-z-]+)", DOCS))
    assert len(options) >= 10
    assert not [option for option in options if option not in known]
    assert f"Below a probability of {UNSURE_BELOW}," in DOCS
