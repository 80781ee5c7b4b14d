"""`t2w inspect` as a user drives it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from inspection_world import Blind, ColourPlaces, colour_classifier, paint
from PIL import Image

from t2w import Classifier, TextToWeights


@pytest.mark.usefixtures("colours")
def test_a_file_alone(classifier_file: str, t2w: Callable, tmp_path: Path) -> None:
    done = t2w("inspect", classifier_file)
    assert done.code == 0, done.err
    folder = tmp_path / "colours-inspect"
    assert done.out.split() == [str(folder / "evidence.png"), str(folder / "evidence.json")]
    assert [one["name"] for one in json.loads((folder / "evidence.json").read_text())] == ["red", "green", "blue"]
    assert [line.split(":")[1].strip() for line in done.err.splitlines()] == [
        "which pixels speak for a class", "denoising", "loss landscape"
    ]  # fmt: skip


@pytest.mark.usefixtures("colours")
def test_photographs_of_one_name(classifier_file: str, t2w: Callable, tmp_path: Path) -> None:
    paint(tmp_path / "a" / "my photo.png", {"red": (0, 0)})
    paint(tmp_path / "b" / "my photo.png", {"blue": (0, 0)})
    done = t2w(
        "inspect", classifier_file, str(tmp_path / "a" / "my photo.png"), str(tmp_path / "b"), "-o", str(tmp_path / "o")
    )
    assert done.code == 0, done.err
    told = [json.loads((tmp_path / "o" / f"photo-my_photo{n}.json").read_text()) for n in ("", "-2")]
    assert [one["shown"][0]["class"] for one in told] == ["red", "blue"]


@pytest.mark.usefixtures("colours")
def test_what_is_wrong_is_said_before_anything_is_written(classifier_file: str, t2w: Callable, tmp_path: Path) -> None:
    good = str(paint(tmp_path / "good.png", {"red": (0, 0)}))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no image")
    out = str(tmp_path / "o")
    for arguments, said in (
        ([good, str(bad)], "is not an image"),
        ([good, str(tmp_path / "none.jpg")], "there is no"),
        (["--against", classifier_file], "another classifier is given without labelled pictures"),
        (["--from", "embedded"], "a generator is given without labelled pictures"),
        (["--against", str(bad), "--examples", str(tmp_path)], "bad.jpg"),
    ):
        done = t2w("inspect", classifier_file, *arguments, "-o", out)
        assert (done.code, said in done.err) == (2, True), done.err
    assert not Path(out).exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.usefixtures("writer")
def test_an_embedded_generator_that_does_not_fit_is_left_out(
    classifier_file: str, t2w: Callable, tmp_path: Path, colours: None
) -> None:
    paint(tmp_path / "ex" / "red" / "0.png", {"red": (0, 0)})
    paint(tmp_path / "ex" / "blue" / "0.png", {"blue": (0, 0)})
    done = t2w("inspect", classifier_file, "--examples", str(tmp_path / "ex"))
    assert done.code == 0
    assert done.err.count("the generator writes for the image encoder efficientnet-lite0") == 2
    named = t2w("inspect", classifier_file, "--examples", str(tmp_path / "ex"), "--from", "embedded")
    assert (named.code, "takes features of colour-places@1" in named.err) == (2, True)


def test_nothing_to_show(monkeypatch: pytest.MonkeyPatch, t2w: Callable, tmp_path: Path) -> None:
    monkeypatch.setattr("t2w.encoders.vision_encoder_from_dict", lambda values, **_: Blind())
    path = tmp_path / "old.t2w"
    colour_classifier(known=False, hidden=16).save(path)
    done = t2w("inspect", str(path))
    assert done.code == 2
    assert "there is nothing to show: what each class is known by: the file does not say" in done.err
    photo = paint(tmp_path / "x.png", {"red": (0, 0)})
    done = t2w("inspect", str(path), str(photo))
    assert (done.code, "does not show its last maps" in done.err) == (2, True)
    assert not (tmp_path / "old-inspect").exists()


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A cat and a cup of coffee, upright, mirrored and cut."""
    skimage = pytest.importorskip("skimage")
    for name, file in (("tabby", "chelsea.png"), ("espresso", "coffee.png")):
        source = Path(skimage.__file__).parent / "data" / file
        (tmp_path / "ex" / name).mkdir(parents=True)
        shutil.copy(source, tmp_path / "ex" / name / "0.png")
        with Image.open(source) as picture:
            picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "ex" / name / "1.png")
            picture.crop((50, 30, 350, 270)).save(tmp_path / "ex" / name / "2.png")
    return tmp_path / "ex"


def test_everything(writer: TextToWeights, examples: Path, t2w: Callable, tmp_path: Path) -> None:
    path, out = tmp_path / "mine.t2w", tmp_path / "o"
    writer.generate("tabby, espresso, rocket").save(path)
    cat = examples / "tabby" / "0.png"
    done = t2w(
        "inspect", str(path), str(cat), "--examples", str(examples), "--steps", "3", "--grid", "5", "-o", str(out)
    )
    assert (done.code, done.err) == (0, "")
    names = ["evidence", "photo-0", "denoising", "landscape"]
    assert [Path(line).name for line in done.out.split()] == [f"{n}.{kind}" for n in names for kind in ("png", "json")]
    assert sorted(p.name for p in out.iterdir()) == sorted(Path(line).name for line in done.out.split())
    told = {name: json.loads((out / f"{name}.json").read_text()) for name in names}
    assert [one["nearest"][0]["name"] for one in told["evidence"]][:2] == ["tabby", "espresso"]
    assert told["photo-0"]["shown"][0]["class"] == "tabby"
    said = Classifier.load(path).classify(cat)
    assert told["photo-0"]["probabilities"] == pytest.approx(said.probabilities[0].tolist(), abs=1e-4)
    assert len(told["denoising"]["predicted"]["loss"]) == 3
    assert told["landscape"]["points"][2]["what"] == "B: A trained on 2 pictures"
    # A second classifier of the same sizes is the one that is compared; one of other sizes is refused.
    writer.generate("pizza, espresso, rocket").save(tmp_path / "same.t2w")
    writer.generate("pizza, espresso").save(tmp_path / "smaller.t2w")
    arguments = ["inspect", str(path), "--examples", str(examples), "--steps", "2", "--grid", "3"]
    assert t2w(*arguments, "--against", str(tmp_path / "same.t2w"), "-o", str(out)).code == 0
    assert json.loads((out / "landscape.json").read_text())["points"][2]["what"] == "B: the other classifier"
    refused = t2w(*arguments, "--against", str(tmp_path / "smaller.t2w"), "-o", str(tmp_path / "p"))
    assert (refused.code, "1280-2-384" in refused.err, (tmp_path / "p").exists()) == (2, True, False)
    paint(examples / "zebra" / "0.png", {"red": (0, 0)})
    refused = t2w(*arguments, "-o", str(tmp_path / "p"))
    assert (refused.code, "'zebra' in" in refused.err, (tmp_path / "p").exists()) == (2, True, False)


def test_the_encoder_of_the_tests_keeps_its_promises() -> None:
    from t2w.encoders import VisionEncoder

    assert isinstance(ColourPlaces(), VisionEncoder)
