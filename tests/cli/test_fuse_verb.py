"""`t2w fuse` as a user calls it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_classifiers import VISION, classifier_of

from t2w import Classifier


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Paths of classifiers, and of where the fused one goes."""
    makes = {
        "a": classifier_of(["cat", "dog"]),
        "b": classifier_of(["bus", "tram", "Dog"]),
        "other": classifier_of(["bus", "tram"], vision={**VISION, "identity": "other@2"}),
    }
    for name, one in makes.items():
        one.save(tmp_path / f"{name}.t2w")
    return {name: str(tmp_path / f"{name}.t2w") for name in (*makes, "out")}


def test_two_files_become_one(files: dict[str, str], t2w: Callable) -> None:
    done = t2w("fuse", files["a"], files["b"], "-o", files["out"])
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{files['out']}: 4 classes of 2 classifiers, 1 of them in more than one file\n"
    assert Classifier.load(files["out"]).classes == ("cat", "dog", "bus", "tram")
    assert t2w("fuse", files["a"], files["b"], "-o", files["out"]).code == 0  # a classifier may be replaced
    assert t2w("fuse", files["a"], files["out"], "-o", files["a"]).code == 0


def test_mistakes_end_in_a_sentence_and_write_nothing(files: dict[str, str], t2w: Callable, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    a, spelt = files["a"], f"{tmp_path}/../{tmp_path.name}/a.t2w"
    for arguments, said in (
        ([a], "only"),
        ([a, a], f"{a} is given twice"),
        ([a, spelt], "are the same file"),
        ([a, files["other"]], f"{a} is for the image encoder made-up@1"),
        ([a, str(tmp_path / "none.t2w")], "cannot read"),
        ([], "Missing argument"),
    ):
        done = t2w("fuse", *arguments, "-o", files["out"])
        assert (done.code, done.out) == (2, "")
        assert said in done.err
    assert t2w("fuse", a, files["b"]).code == 2
    assert sorted(tmp_path.iterdir()) == before


def test_files_that_are_no_classifiers_stay(files: dict[str, str], t2w: Callable, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    done = t2w("fuse", files["a"], files["b"], "-o", str(notes))
    assert done.code == 2
    assert "is no .t2w classifier" in done.err
    assert notes.read_text() == "mine"
    assert t2w("fuse", files["a"], str(notes), "-o", files["out"]).code == 2
    assert not Path(files["out"]).exists()


def test_shared_hidden_units(files: dict[str, str], t2w: Callable, finished_run: Path, tmp_path: Path) -> None:
    old = str(tmp_path / "old.t2w")
    assert t2w("generate", "--classes", "three, five, eight", "--from", str(finished_run), "-o", old).code == 0
    done = t2w("fuse", files["a"], old, "-o", files["out"])
    assert done.code == 2
    assert f"{old} has not one hidden unit per class: 4 units for 3 classes" in done.err
    assert "t2w generate --classes" in done.err
