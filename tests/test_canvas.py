"""Pictures whose letters can be read, whatever alphabet a class is named in."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib
import pytest
from PIL import Image

from t2w import canvas as canvas_module
from t2w.canvas import canvas, short

DEJAVU = "DejaVu Sans"  # comes with matplotlib


def fonts_of(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    there = canvas_module._fonts()
    monkeypatch.setattr(canvas_module, "_fonts", lambda: {name: there[name] for name in names})


def draw(path: Path, text: str) -> str:
    """Draw a text with every warning an error; what was drawn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with canvas(path, 2, 1) as figure:
            shown = short(text, 60)
            figure.text(0, 0.5, shown)
    with Image.open(path) as picture:
        assert picture.size[0] > 20
    return shown


@pytest.mark.parametrize("name", ["кошка", "γάτα", "cat $x$", "école", "猫", "แมว", "🐱"])
def test_names_in_any_alphabet_are_drawn_without_a_warning(name: str, tmp_path: Path) -> None:
    draw(tmp_path / "name.png", name)


def test_a_letter_that_no_font_has_becomes_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fonts_of(monkeypatch, DEJAVU)
    assert draw(tmp_path / "cat.png", "猫 a") == "U+732B  a"
    assert draw(tmp_path / "dog.png", "犬 a") == "U+72AC  a"


def test_boxes_are_no_font(tmp_path: Path) -> None:
    """matplotlib brings a font that has a box for any letter, such as this one, which means nothing."""
    assert draw(tmp_path / "private.png", "\U0010fffd") == "U+10FFFD"


def test_another_font_that_has_the_letter_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fonts_of(monkeypatch, "DejaVu Sans Mono", DEJAVU)
    monkeypatch.setattr(canvas_module, "_FONTS", ("DejaVu Sans Mono",))
    letter = chr(
        min(
            canvas_module._letters_of(canvas_module._fonts()[DEJAVU])
            - canvas_module._letters_of(canvas_module._fonts()["DejaVu Sans Mono"])
        )
    )
    before = list(matplotlib.rcParams["font.family"])
    assert draw(tmp_path / "letter.png", letter) == letter
    assert matplotlib.rcParams["font.family"] == before
