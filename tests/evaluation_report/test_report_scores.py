"""What the headline claims, and how numbers are said."""

from __future__ import annotations

import pytest

from t2w.evaluation.report.scores import blocks, headline
from t2w.evaluation.report.text import facts, number, percent, seconds, signed
from t2w.evaluation.scoreboard import Row, Scoreboard


def board(recovery: float | None, split: str = "unseen_class", **methods: tuple[float, ...]) -> Scoreboard:
    """Methods by name, each (accuracy, paired difference, low, high)."""
    rows = [Row(method, split, accuracy, 0, 1, 9, *paired) for method, (accuracy, *paired) in methods.items()]
    return Scoreboard(tuple(rows), {split: recovery}, {})


def said(scoreboard: Scoreboard) -> str:
    return " ".join(headline(blocks(scoreboard))).replace("\u00a0", " ")


def test_below_the_base_is_said_and_recovery_is_not_boasted() -> None:
    text = said(board(-0.02, base=(0.31, 0.01, 0.005, 0.02), generated=(0.30, 0, 0, 0), oracle=(0.8, 0.5, 0.4, 0.6)))
    assert text == (
        "Generated from words alone: 30.0 % on unseen classes, not above the shared base (31.0 %). "
        "It does not beat base (+1.0 points, 95 % interval +0.5 to +2.0)."
    )


def test_a_clear_win_names_those_beaten_and_never_the_oracle() -> None:
    text = said(
        board(
            0.5,
            base=(0.6, -0.1, -0.12, -0.08),
            ridge=(0.65, -0.05, -0.06, -0.04),
            generated=(0.7, 0, 0, 0),
            oracle=(0.8, 0.1, 0.1, 0.1),
        )
    )
    assert text.endswith(
        "recovering 50 % of what training on images gains over the shared base. It beats base and ridge."
    )


def test_a_split_without_generated_is_left_out_of_the_headline() -> None:
    first, second = board(0.5, generated=(0.7, 0, 0, 0)), board(None, split="far", base=(0.2, 0, 0, 0))
    both = Scoreboard(first.rows + second.rows, {}, {})
    assert len(headline(blocks(both))) == 1
    assert [block.split for block in blocks(both)] == ["unseen_class", "far"]


def test_variants_of_generated_are_not_rivals_and_the_plain_one_leads() -> None:
    text = said(
        board(
            0.5,
            **{"generated x8": (0.75, 0.05, 0.04, 0.06), "generated": (0.7, 0, 0, 0), "base": (0.5, -0.2, -0.3, -0.1)},
        )
    )
    assert "70.0 %" in text
    assert "x8" not in text


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (percent(0.9412), "94.1\u00a0%"),
        (percent(float("nan")), "\u2013"),
        (signed(-0.0004), "0.0"),
        (signed(-0.021), "\u22122.1"),
        (number(12000), "12,000"),
        (number(0.000123456), "0.0001235"),
        (number(float("inf")), "\u2013"),
        (seconds(3.02), "3.0\u00a0s"),
        (seconds(59.7), "1\u00a0min"),
        (seconds(3725), "1\u00a0h 2\u00a0min"),
    ],
)
def test_numbers_are_said_plainly(shown: str, wanted: str) -> None:
    assert shown == wanted


def test_facts_say_everything() -> None:
    found = dict(facts({"none": None, "long": list(range(20)), "yes": True, "a": {"b": 0.5}}))
    assert found["none"] == "none"
    assert found["long"].endswith("(20 values)")
    assert found["yes"] == "yes"
    assert found["a · b"] == "0.5"
