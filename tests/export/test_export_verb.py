"""`t2w export` as a user calls it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from export_world import TinyEncoder

from t2w import Classifier


@pytest.fixture
def mine(classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The classifier's file, and its encoder where it is looked for."""
    monkeypatch.setattr("t2w.encoders.vision_encoder_from_dict", lambda *_, **__: TinyEncoder())
    classifier.save(path := tmp_path / "mine.t2w")
    return str(path)


def test_numpy(t2w: Callable, mine: str, tmp_path: Path) -> None:
    done = t2w("export", mine, "--to", "numpy", "-o", str(tmp_path / "out.npz"))
    assert done.code == 0, done.err
    assert [line.split(":")[0] for line in done.out.splitlines()] == [
        str(tmp_path / name) for name in ("out.npz", "out.py")
    ]


def test_onnx(t2w: Callable, mine: str, tmp_path: Path, made_once: None) -> None:
    done = t2w("export", mine, "--to", "onnx", "-o", str(tmp_path / "out.onnx"))
    assert done.code == 0, done.err
    assert (tmp_path / "out.onnx").is_file()
    assert "within" in done.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--to", "onnx", "-o", "out.onnx", "--int8"), "int8 without photographs"),
        (("--to", "onnx", "-o", "out.onnx", "--calibrate", "."), "without int8"),
        (("--to", "numpy", "-o", "out.npz", "--int8", "--calibrate", "."), "leaves out"),
        (("--to", "onnx", "-o", "out.t2w"), "ends in .onnx"),
        (("--to", "browser", "-o", "."), "holds other files"),
    ],
)
def test_mistakes(
    t2w: Callable,
    mine: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = t2w("export", mine, *arguments)
    assert done.code == 2
    assert sentence in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.t2w"]


def test_a_missing_package_names_the_extra(
    t2w: Callable, mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    done = t2w("export", mine, "--to", "onnx", "-o", str(tmp_path / "out.onnx"))
    assert done.code == 2
    assert 'pip install "t2w[export]"' in done.err
