from __future__ import annotations

import json
from typing import Any

import pytest

from t2w.errors import T2WError
from t2w.tasks import TextMode, readable_name
from t2w.tasks.texts import PROMPTS

SEEN = {"pine_tree": "Tall evergreen with needles.", "rose": "Layered velvety petals."}


def test_readable_names() -> None:
    assert readable_name("pine_tree") == "pine tree"
    assert readable_name("go-kart") == "go-kart"
    assert readable_name("american-flag", separators="_-") == "american flag"


def test_template_and_round_trip() -> None:
    mode = TextMode()
    assert mode.texts(["pine_tree", "goldfish"]) == ("a photo of a pine tree", "a photo of a goldfish")
    assert mode.prompts(["goldfish"]) == (("a photo of a goldfish",),)
    assert TextMode(template="{}", separators="").texts(["a_{}"])[0] == "a_{}"
    other = TextMode(template="the digit {}", separators="")
    assert TextMode.from_dict(other.to_dict()) == other


def test_what_a_template_writes_is_what_old_files_hold() -> None:
    assert json.dumps(TextMode().to_dict()) == (
        '{"mode": "template", "template": "a photo of a {}", "separators": "_"}'  # fingerprints are made of this
    )


def test_description_follows_the_template() -> None:
    mode = TextMode.described(SEEN)
    assert mode.texts(["pine_tree", "cat"]) == (
        "a photo of a pine tree: Tall evergreen with needles.",
        "a photo of a cat",
    )
    assert mode.texts(["Pine tree"])[0] == "a photo of a Pine tree: Tall evergreen with needles."
    assert TextMode.described({}).texts(["cat"]) == TextMode().texts(["cat"])


def test_ensemble_has_all_templates_and_shows_the_first() -> None:
    mode = TextMode.ensemble(["a {}", "one {} alone"], separators="")
    assert mode.prompts(["pine_tree", "cat"]) == (("a pine_tree", "one pine_tree alone"), ("a cat", "one cat alone"))
    assert mode.texts(["pine_tree", "cat"]) == ("a pine_tree", "a cat")
    assert len(TextMode.ensemble().prompts(["cat"])[0]) == len(set(PROMPTS)) == 8
    assert TextMode.ensemble().texts(["cat"])[0] == TextMode().texts(["cat"])[0]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (TextMode(), "grows by the road"),
        (TextMode.described(SEEN), "a photo of a pine tree: grows by the road"),
        (TextMode.ensemble(), "grows by the road"),
    ],
)
def test_a_text_the_user_gives(mode: TextMode, expected: str) -> None:
    given = {"pine_tree": "grows by the road"}
    assert mode.prompts(["rose", "pine_tree"], given)[1] == (expected,)
    assert mode.prompts(["rose", "pine_tree"], given)[0] == mode.prompts(["rose"])[0]


@pytest.mark.parametrize(
    "mode",
    [TextMode(), TextMode.described(SEEN, template="{}"), TextMode.described({}), TextMode.ensemble(["{}", "a {}"])],
)
def test_round_trip_through_json(mode: TextMode) -> None:
    back = TextMode.from_dict(json.loads(json.dumps(mode.to_dict())))
    assert back == mode
    assert (hash(back), back.mode) == (hash(mode), mode.mode)
    assert back.prompts(["rose", "cat"]) == mode.prompts(["rose", "cat"])


@pytest.mark.parametrize("template", ["", "a photo", "{} and {}"])
def test_bad_template(template: str) -> None:
    with pytest.raises(T2WError, match="text template"):
        TextMode(template=template)
    with pytest.raises(T2WError, match="text template"):
        TextMode.ensemble(["a {}", template])


def test_bad_modes() -> None:
    with pytest.raises(T2WError, match=r"'a {}' comes more than once"):
        TextMode.ensemble(["a {}", "a {}"])
    with pytest.raises(T2WError, match="no template"):
        TextMode.ensemble([])
    with pytest.raises(T2WError, match="descriptions and several templates"):
        TextMode("a {}", descriptions=SEEN, templates=("a {}",))
    with pytest.raises(T2WError, match="description of class 'rose' is empty"):
        TextMode.described({"rose": ""})
    with pytest.raises(T2WError, match="'_' is empty"):
        TextMode().texts(["_"])[0]


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "description"},
        {"mode": "ensemble"},
        {"mode": "ensemble", "templates": []},
        {"mode": "ensemble", "templates": "a {}"},
        {"mode": "template", "descriptions": {}},
        {"mode": "poem"},
        {"mode": ["template"]},
        {"template": "a {}", "separators": 3},
        {"template": "a {}", "colour": "red"},
    ],
)
def test_bad_dict(values: dict[str, Any]) -> None:
    with pytest.raises(T2WError, match="text mode is"):
        TextMode.from_dict(values)
