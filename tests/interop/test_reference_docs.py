"""What docs/coming-from-the-reference.md shows, works."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
import torch
from interop_parts import checkpoint

from t2w.cli.main import cli

PAGE = (Path(__file__).parents[2] / "docs" / "coming-from-the-reference.md").read_text(encoding="utf-8")


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results" / "cifar100_classifier" / "checkpoints" / "best.pt"
    path.parent.mkdir(parents=True)
    torch.save(checkpoint(), path)
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict[str, torch.Tensor] = {}
    exec(code, names)
    assert names["x_0"].shape == names["x_t"].shape


def test_verbs_and_modules_exist() -> None:
    verbs = set(re.findall(r"(?:`|^)t2w ([a-z][a-z-]+)", PAGE, flags=re.MULTILINE))
    assert verbs <= set(cli.commands)
    assert {"import-reference", "export-reference", "train"} <= verbs
    for module in set(re.findall(r"`(reference(?:_[a-z]+)?)`", PAGE)):
        import_module(f"t2w.interop.{module}")
