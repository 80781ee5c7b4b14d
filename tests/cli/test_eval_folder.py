"""`t2w eval FILE.t2w FOLDER` as a user drives it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from colour_world import COLOURS, MeanColour, paint
from PIL import Image

pytestmark = pytest.mark.usefixtures("colours")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four red images, one of which is green; two blue ones."""
    folder = tmp_path / "photos"
    for i in range(4):
        paint(folder / "Red" / f"{i}.png", COLOURS["green" if i == 2 else "red"])
    for i in range(2):
        paint(folder / "003.deep-blue" / "images" / f"{i}.jpg", COLOURS["deep_blue"])
    return folder


def test_a_place_that_cannot_be_written_to_is_noticed_before_the_work(
    classifier: str, photos: Path, tmp_path: Path, t2w: Callable
) -> None:
    (tmp_path / "file").write_text("x")
    outcome = t2w("eval", classifier, str(photos), "-o", str(tmp_path / "file" / "results"))
    assert (outcome.code, outcome.out) == (2, "")
    assert "file is a file; expected a folder to write into" in outcome.err


def test_figures_files_and_the_last_line(classifier: str, photos: Path, tmp_path: Path, t2w: Callable) -> None:
    outcome = t2w("eval", classifier, str(photos))
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[-1] == "accuracy: 0.833"
    assert "classes without images: green" in outcome.err
    folder = tmp_path / "colours-eval"
    names = ["calibration.json", "calibration.png", "confusion.json", "confusion.png", "results.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    results = json.loads((folder / "results.json").read_text())
    assert (results["images"], results["accuracy"]["value"]) == (6, pytest.approx(5 / 6))
    assert results["accuracy"]["ci_low"] < 5 / 6 < results["accuracy"]["ci_high"]
    red, green, blue = results["classes"]
    assert (red["images"], red["right"], red["most_mistaken_for"]) == (4, 3, "green")
    assert (green["images"], green["accuracy"]) == (0, None)
    assert blue["accuracy"]["value"] == 1
    confusion = json.loads((folder / "confusion.json").read_text())
    assert confusion["classes"] == list(COLOURS)
    assert confusion["matrix"] == [[3, 1, 0], [0, 0, 0], [0, 0, 2]]
    bins = json.loads((folder / "calibration.json").read_text())
    assert sum(bins["counts"]) == 6
    assert 0 <= bins["error"] == results["expected_calibration_error"] <= 1
    for name in ("confusion.png", "calibration.png"):
        with Image.open(folder / name) as picture:
            assert min(picture.size) > 100


def test_unreadable_images_are_named_and_not_counted(
    classifier: str, photos: Path, tmp_path: Path, t2w: Callable
) -> None:
    (photos / "Red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    outcome = t2w("eval", classifier, str(photos), "-o", str(tmp_path / "out"))
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] == "accuracy: 0.833"
    assert "broken.png" in outcome.err
    assert "1 images could not be read and are not counted" in outcome.err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [Path(row["path"]).name for row in results["refused"]] == ["broken.png"]


def test_other_files_of_the_output_folder_stay(classifier: str, photos: Path, t2w: Callable) -> None:
    assert t2w("eval", classifier, str(photos), "-o", str(photos)).code == 0
    assert (photos / "results.json").exists()
    assert len(list(photos.glob("Red/*.png"))) == 4


def test_a_folder_of_no_class(classifier: str, photos: Path, t2w: Callable) -> None:
    paint(photos / "yellow" / "0.png", (255, 255, 0))
    outcome = t2w("eval", classifier, str(photos))
    assert outcome.code == 2
    assert "'yellow' in" in outcome.err
    assert "--skip-unknown" in outcome.err
    outcome = t2w("eval", classifier, str(photos), "--skip-unknown")
    assert outcome.code == 0
    assert "left out: yellow" in outcome.err
    assert outcome.out.splitlines()[-1] == "accuracy: 0.833"


def test_nothing_readable(classifier: str, tmp_path: Path, t2w: Callable) -> None:
    (tmp_path / "photos" / "red").mkdir(parents=True)
    outcome = t2w("eval", classifier, str(tmp_path / "photos"))
    assert outcome.code == 2
    assert "red holds no images" in outcome.err
    (tmp_path / "photos" / "red" / "a.png").write_bytes(b"x")
    outcome = t2w("eval", classifier, str(tmp_path / "photos"))
    assert outcome.code == 2
    assert "none of the 1 images" in outcome.err
    assert not (tmp_path / "colours-eval").exists()


def test_device_and_batch_size_are_taken(
    classifier: str, photos: Path, t2w: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(
        "t2w.encoders.vision_encoder_from_dict",
        lambda values, *, source, device: seen.append((source, str(device))) or MeanColour(),
    )
    sizes: list[int] = []
    embed = MeanColour.embed
    monkeypatch.setattr(MeanColour, "embed", lambda self, batch: sizes.append(len(batch)) or embed(self, batch))
    outcome = t2w("eval", classifier, str(photos), "--device", "cpu", "--batch-size", "4", "--encoder", "here")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[-1] == "accuracy: 0.833"
    assert (seen, sizes) == ([("here", "cpu")], [4, 2])
    assert t2w("eval", classifier, str(photos), "--device", "cuda:99").code == 2
    outcome = t2w("eval", "experiment=digits", "--batch-size", "4")
    assert (outcome.code, "--batch-size without FILE.t2w" in outcome.err) == (2, True)
