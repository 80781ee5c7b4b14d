"""What docs/adapters.md shows, works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "adapters.md"


def test_snippets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    snippets = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    assert len(snippets) == 2
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(snippets[0], names)
    shown = capsys.readouterr().out
    assert shown.startswith("50 made, 0 found\ntorch.Size([120, 420])\n('four', 'three', 'zero') ")
    assert "120 of 120 adapters in adapters" in shown
    pytest.importorskip("datasets", reason='datasets is not installed: pip install "t2w[publish]"')
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    exec(snippets[1], names)
    assert "length=420" in capsys.readouterr().out
