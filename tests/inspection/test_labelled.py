"""Labelled pictures by the classes of a classifier."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from inspection_world import COLOURS, ColourPlaces, paint

from t2w import T2WError
from t2w.inspection import Labelled, labelled_pictures

CLASSES = tuple(COLOURS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(3):
        paint(tmp_path / "ex" / "Blue" / f"{i}.png", {"blue": (i, i)})
    paint(tmp_path / "ex" / "red" / "0.png", {"red": (1, 1)})
    return tmp_path / "ex"


def test_labels_follow_the_classifier_not_the_folders(folder: Path) -> None:
    found = labelled_pictures(ColourPlaces(), CLASSES, folder)
    assert found.labels.tolist() == [2, 2, 2, 0]
    assert found.features.argmax(1).tolist() == [2, 2, 2, 0]


def test_an_archive_is_the_same(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ex.zip", "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, f"top/{file.relative_to(folder)}")
    one, other = (labelled_pictures(ColourPlaces(), CLASSES, path) for path in (folder, tmp_path / "ex.zip"))
    assert torch.equal(one.features, other.features)
    assert torch.equal(one.labels, other.labels)


def test_folders_of_no_class(folder: Path) -> None:
    paint(folder / "yelow" / "0.png", {"red": (0, 0)})
    with pytest.raises(T2WError, match=r"'yelow' in .* means none of the classes.*--skip-unknown"):
        labelled_pictures(ColourPlaces(), CLASSES, folder)
    assert len(labelled_pictures(ColourPlaces(), CLASSES, folder, skip_unknown=True)) == 4
    with pytest.raises(T2WError, match="mean none of the classes"):
        labelled_pictures(ColourPlaces(), ("a", "b"), folder, skip_unknown=True)


def test_two_folders_of_one_class_a_missing_one_and_no_image(folder: Path, tmp_path: Path) -> None:
    (folder / "red" / "1.png").write_bytes(b"no image")
    with pytest.raises(T2WError, match=r"1\.png is not an image"):
        labelled_pictures(ColourPlaces(), CLASSES, folder)
    paint(folder / "RED" / "1.png", {"red": (1, 1)})
    with pytest.raises(T2WError, match="both mean class 'red'"):
        labelled_pictures(ColourPlaces(), CLASSES, folder)
    with pytest.raises(T2WError, match="there is no"):
        labelled_pictures(ColourPlaces(), CLASSES, tmp_path / "none")


def test_halves_share_nothing_and_hold_every_class() -> None:
    pictures = Labelled(torch.arange(11.0)[:, None], torch.tensor([0] * 5 + [1] * 4 + [2] * 2))
    first, second = pictures.halves(seed=3)
    both = torch.cat([first.features, second.features]).flatten()
    assert both.sort().values.tolist() == pictures.features.flatten().tolist()
    assert first.labels.bincount().tolist() == [2, 2, 1]
    assert torch.equal(first.features, pictures.halves(seed=3)[0].features)
    assert not torch.equal(first.features, pictures.halves(seed=4)[0].features)
