"""What classes are known by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from inspection_world import Blind, ColourPlaces, colour_classifier
from PIL import Image

from t2w import T2WError
from t2w.concepts.surety import NoneRule
from t2w.inspection import ClassEvidence, KnownThing, class_evidence
from t2w.inspection.evidence_picture import evidence_picture


def test_the_nearest_known_thing_has_the_row_of_the_class() -> None:
    found = class_evidence(colour_classifier(), ColourPlaces(), count=2)
    assert [(one.name, one.known_by) for one in found] == [
        ("red", "known"),
        ("green", "2 known kinds"),
        ("blue", "map"),
    ]
    assert [one.nearest[0].name for one in found] == ["ruby", "emerald", "sapphire"]
    assert [len(one.nearest) for one in found] == [2, 2, 2]
    for one in found:
        assert one.nearest[0].cosine > 0.9 > one.nearest[1].cosine
        assert one.text == f"{one.name}: a colour"


def test_lengths_of_rows_and_directions_that_make_no_difference_do_not_count() -> None:
    rule = NoneRule(0.0, torch.tensor([[0.5**0.5, 0.5**0.5, 0.0]]))  # red and green together
    one, other = (replace(colour_classifier(gain=gain), none_rule=rule) for gain in (5.0, 0.1))
    red, green, _ = class_evidence(one, ColourPlaces(), count=4)
    assert (red.nearest[0].name, red.nearest[-1].name) == ("ruby", "emerald")
    assert (green.nearest[0].name, green.nearest[-1].name) == ("emerald", "ruby")
    assert (red.nearest[0].cosine, red.nearest[-1].cosine) == (pytest.approx(1), pytest.approx(-1))
    smaller = class_evidence(other, ColourPlaces(), count=4)[0]
    assert [thing.cosine for thing in smaller.nearest] == pytest.approx([thing.cosine for thing in red.nearest])


def test_files_and_encoders_that_do_not_tell() -> None:
    with pytest.raises(T2WError, match="does not say what its 3 classes are known by"):
        class_evidence(colour_classifier(known=False), ColourPlaces())
    with pytest.raises(T2WError, match="of 16 hidden units"):
        class_evidence(colour_classifier(hidden=16), ColourPlaces())
    with pytest.raises(T2WError, match="knows nothing by name"):
        class_evidence(colour_classifier(), Blind())


def test_the_picture_takes_any_name_and_any_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2w.inspection.evidence_picture._MOST", 4)
    nearest = (KnownThing("a thing with quite a long name for a bar", 0.97), KnownThing("$x_1$", -0.1))
    one = ClassEvidence("猫 " * 20, "$ and _ and ^ " * 10, "a part, 12 known kinds and 3 pictures", nearest)
    heights = []
    for count in (2, 4, 9):
        evidence_picture(tmp_path / f"{count}.png", [one] * count)
        with Image.open(tmp_path / f"{count}.png") as picture:
            heights.append(picture.size[1])
    assert heights[0] < heights[1] == heights[2]
