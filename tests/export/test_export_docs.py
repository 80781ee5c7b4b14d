"""docs/export.md: its snippet runs, and its table is that of docs/export.json."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from pathlib import Path

import pytest
from export_world import NAMES
from PIL import Image

from t2w import Classifier
from t2w.export.agreement import made_up
from t2w.export.onnxruntime_web import VERSION

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")


def test_the_snippet_runs(
    classifier: Classifier,
    onnx_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", DOCS, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    shutil.copy(onnx_path, "mine.onnx")
    Image.fromarray(made_up(1, (40, 30, 3))[0]).save("photo.jpg")
    exec(compile(snippet, "docs/export.md", "exec"), {})
    assert capsys.readouterr().out.strip() in (*NAMES, "none of these")


def test_the_table_is_of_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "export.py"))
    figures = json.loads((ROOT / "docs" / "export.json").read_text(encoding="utf-8"))
    assert benchmark["table"](figures) in DOCS
    assert figures["machine"] in DOCS


def test_the_runtime_it_names_is_the_one_that_is_taken() -> None:
    assert set(re.findall(r"onnxruntime-web[@-](\d[\d.]*\d)", DOCS)) == {VERSION}
