"""What docs/coming-from-the-reference.md shows, works."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from interop_parts import SPEC, checkpoint

from t2w.cli.main import cli
from t2w.errors import T2WError
from t2w.interop.import_tree import import_tree
from t2w.interop.reference import load_reference_generator
from t2w.interop.reference_splits import ReferenceEntry, save_split
from t2w.pipeline import TextToWeights

PAGE = (Path(__file__).parents[2] / "docs" / "coming-from-the-reference.md").read_text(encoding="utf-8")


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "T2W" / "results" / "cifar100_classifier"
    (run / "checkpoints").mkdir(parents=True)
    torch.save(checkpoint(), run / "checkpoints" / "best.pt")
    (run / "config.yaml").write_text("transformer: {n_head: 2}\n")
    data = tmp_path / "T2W" / "data_gen" / "cifar100"
    data.mkdir(parents=True)
    entries = [ReferenceEntry(index=i, selected_classes=["ant"], path="", text_features=[1.0 * i] * 8) for i in (0, 1)]
    save_split(data / "train.json", entries)
    import_tree(tmp_path / "T2W", tmp_path / "T2W" / "imported")
    monkeypatch.chdir(tmp_path / "T2W")
    first, second = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(first, names)
    assert names["x_0"].shape == names["x_t"].shape
    exec(second.replace("steps=1000", "steps=3"), names)
    assert names["adapters"].shape == (2, SPEC.size)
    assert names["adapters"].isfinite().all()


def test_words_want_a_generator_trained_here(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    torch.save(checkpoint(), tmp_path / "best.pt")
    load_reference_generator(tmp_path / "best.pt", n_head=2).save(tmp_path / "theirs" / "generator.safetensors")
    for source in (tmp_path / "theirs", tmp_path / "theirs" / "generator.safetensors"):
        with pytest.raises(
            T2WError, match=r"imported from the reference.*t2w does not have.*coming-from-the-reference"
        ):
            TextToWeights.from_pretrained(source)


def test_verbs_and_modules_exist() -> None:
    verbs = set(re.findall(r"(?:`|^)t2w ([a-z][a-z-]+)", PAGE, flags=re.MULTILINE))
    assert verbs <= set(cli.commands)
    assert {"import-reference", "export-reference", "train"} <= verbs
    for module in set(re.findall(r"`(reference(?:_[a-z]+)?)`", PAGE)):
        import_module(f"t2w.interop.{module}")
