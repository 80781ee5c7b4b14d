from __future__ import annotations

import pytest

from t2w.errors import T2WError
from t2w.tasks import TextMode, parse_classes, readable_name

KNOWN = ("three", "five", "eight", "pine_tree")


def test_readable_names() -> None:
    assert readable_name("pine_tree") == "pine tree"
    assert readable_name("go-kart") == "go-kart"
    assert readable_name("american-flag", separators="_-") == "american flag"


def test_template_and_round_trip() -> None:
    mode = TextMode()
    assert mode.texts(["pine_tree", "goldfish"]) == ("a photo of a pine tree", "a photo of a goldfish")
    assert TextMode(template="{}", separators="").text("a_{}") == "a_{}"
    other = TextMode(template="the digit {}", separators="")
    assert TextMode.from_dict(other.to_dict()) == other


@pytest.mark.parametrize("template", ["", "a photo", "{} and {}"])
def test_bad_template(template: str) -> None:
    with pytest.raises(T2WError, match="text template"):
        TextMode(template=template)


def test_bad_mode_and_empty_name() -> None:
    with pytest.raises(T2WError, match="text mode"):
        TextMode.from_dict({"mode": "description"})
    with pytest.raises(T2WError, match="empty"):
        TextMode().text("_")


def test_parse_classes() -> None:
    assert parse_classes("three, five,eight ") == ("three", "five", "eight")
    assert parse_classes(["a red, round fruit", "a dog"]) == ("a red, round fruit", "a dog")
    assert parse_classes("Three, pine tree", known=KNOWN) == ("three", "pine_tree")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "0 class.* at least 2"),
        ("three", "1 class.* 'three'; expected at least 2"),
        ("three,,five", "class 2 of 3 is empty"),
        ("three, five, three", "'three' is given more than once"),
        ("three, five, Three", "'Three' is given more than once .as 'three'"),
        ("three, fiv", None),
    ],
)
def test_parse_classes_refuses(given: str, message: str | None) -> None:
    if message is None:
        assert parse_classes(given) == ("three", "fiv")
        with pytest.raises(
            T2WError, match=r"'fiv' is not known \(did you mean 'five'\?\); expected one of three, five"
        ):
            parse_classes(given, known=KNOWN)
    else:
        with pytest.raises(T2WError, match=message):
            parse_classes(given)
