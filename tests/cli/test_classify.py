"""`t2w classify` as a user drives it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from colour_world import COLOURS, paint

from t2w.cli.columns import fit, width_of

pytestmark = pytest.mark.usefixtures("colours")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Every colour in another kind of file, one of them in a folder below."""
    folder = tmp_path / "photos"
    paint(folder / "a.png", COLOURS["red"], mode="P")
    paint(folder / "b.jpg", COLOURS["green"], mode="CMYK")
    paint(folder / "more" / "c.webp", COLOURS["deep_blue"], size=(300, 200))
    return folder


def test_a_table_with_the_best_classes_first(classifier: str, photos: Path, t2w: Callable) -> None:
    outcome = t2w("classify", classifier, str(photos), "--top", "2")
    assert outcome.code == 0, outcome.err
    head, *rows = outcome.out.splitlines()
    assert head.split() == ["file", "1.", "2."]
    assert [row.split()[0] for row in rows] == [str(photos / name) for name in ("a.png", "b.jpg", "more/c.webp")]
    assert [row.split()[1] for row in rows] == list(COLOURS)
    best, second = (float(rows[0].split()[i]) for i in (2, 5))
    assert 90 < best <= 100
    assert second < best
    assert len({row.index(" %") for row in rows}) == 1  # in columns
    assert "refused" not in outcome.err


def test_json_is_one_array_with_all_probabilities(classifier: str, photos: Path, t2w: Callable) -> None:
    broken = photos / "d.png"
    broken.write_bytes(b"no image at all")
    outcome = t2w("classify", classifier, str(photos), "--json", "--batch-size", "2")
    assert outcome.code == 1
    rows = json.loads(outcome.out)
    by_name = {Path(row["path"]).name: row for row in rows}
    assert [by_name[name]["label"] for name in ("a.png", "b.jpg", "c.webp")] == list(COLOURS)
    assert list(by_name["a.png"]["probabilities"]) == list(COLOURS)
    assert sum(by_name["a.png"]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert by_name["a.png"]["error"] is None
    assert by_name["d.png"].keys() == by_name["a.png"].keys()
    assert by_name["d.png"]["label"] is None
    assert "not an image" in by_name["d.png"]["error"]


def test_what_cannot_be_read_is_named_and_the_rest_classified(classifier: str, photos: Path, t2w: Callable) -> None:
    (photos / "empty.jpg").touch()
    truncated = photos / "truncated.jpg"
    truncated.write_bytes((photos / "b.jpg").read_bytes()[:-300])
    outcome = t2w("classify", classifier, str(photos), str(photos / "nothing.jpg"))
    assert outcome.code == 1
    assert len(outcome.out.splitlines()) == 4
    refused = [line for line in outcome.err.splitlines() if line.startswith("refused: ")]
    for name in ("empty.jpg", "truncated.jpg", "nothing.jpg"):
        assert sum(name in line for line in refused) == 1
    assert outcome.err.splitlines()[-1] == "3 of 6 refused"


def test_nothing_to_classify(classifier: str, tmp_path: Path, t2w: Callable) -> None:
    (tmp_path / "bad.png").write_bytes(b"x")
    outcome = t2w("classify", classifier, str(tmp_path / "bad.png"))
    assert (outcome.code, outcome.out) == (2, "")
    assert "none of 1 could be classified" in outcome.err
    outcome = t2w("classify", classifier, str(tmp_path / "bad.png"), "--json")
    assert outcome.code == 2
    assert len(json.loads(outcome.out)) == 1
    (tmp_path / "void").mkdir()
    outcome = t2w("classify", classifier, str(tmp_path / "void"), "--json")
    assert outcome.code == 2
    assert "there are no images in" in json.loads(outcome.out)[0]["error"]
    outcome = t2w("classify", str(tmp_path / "none.t2w"), str(tmp_path))
    assert outcome.code == 2
    assert "none.t2w" in outcome.err


def test_batches_and_order_do_not_change_answers(classifier: str, tmp_path: Path, t2w: Callable) -> None:
    for i in range(30):
        paint(tmp_path / "many" / f"{i:02}.png", (8 * i, 255 - 8 * i, 40))
    once, one_by_one = (
        json.loads(t2w("classify", classifier, str(tmp_path / "many"), "--json", "--batch-size", size).out)
        for size in ("64", "1")
    )
    assert [row["path"] for row in once] == [str(tmp_path / "many" / f"{i:02}.png") for i in range(30)]
    assert [row["label"] for row in once] == [row["label"] for row in one_by_one]


def test_help_says_the_exit_codes(t2w: Callable) -> None:
    outcome = t2w("classify", "--help")
    assert "0 when every image was classified" in " ".join(outcome.out.split())


def test_columns_of_any_alphabet() -> None:
    assert fit("cat", 5) == "cat  "
    assert fit("猫と犬", 5) == "猫と…"
    assert fit("a/long/path.jpg", 9, keep="end") == "…path.jpg"
    assert fit("two\nlines", 9) == "two lines"
    for text in ("猫", "cafe\u0301", "Ω", "🐈"):
        assert width_of(fit(text, 7)) == 7
