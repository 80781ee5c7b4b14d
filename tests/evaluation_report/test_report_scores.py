"""What the headline claims, and how numbers are said."""

from __future__ import annotations

from typing import Any

import pytest

from t2w.evaluation.report.scores import headline, split_scores
from t2w.evaluation.report.text import number, percent, seconds, signed


def board(recovery: float | None, split: str = "unseen_class", **rows: Any) -> dict[str, Any]:
    """Methods by name, each (accuracy, paired difference, low, high)."""
    keys = ("accuracy", "paired_difference", "paired_ci_low", "paired_ci_high")
    shared = {"split": split, "ci_low": None, "ci_high": None, "n_tasks": 9}
    made = [{"method": method, **shared, **dict(zip(keys, values, strict=True))} for method, values in rows.items()]
    return {"rows": made, "recovery": {split: recovery}, "provenance": {}}


def said(scoreboard: dict[str, Any]) -> str:
    return " ".join(headline(split_scores(scoreboard))).replace("\u00a0", " ")


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


def test_without_an_interval_the_plain_difference_decides() -> None:
    text = said(
        board(None, ridge=(0.75, None, None, None), mean=(0.6, None, None, None), generated=(0.7, None, None, None))
    )
    assert "It does not beat ridge (+5.0 points). It beats mean." in text


def test_a_split_without_generated_is_left_out_of_the_headline() -> None:
    both = board(0.5, generated=(0.7, 0, 0, 0))
    both["rows"] += board(None, split="unseen_dataset", base=(0.2, None, None, None))["rows"]
    assert len(headline(split_scores(both))) == 1
    assert [block.split for block in split_scores(both)] == ["unseen_class", "unseen_dataset"]


def test_variants_of_generated_are_not_rivals_and_the_plain_one_leads() -> None:
    text = said(
        board(
            0.5,
            **{
                "generated, ensemble of 8": (0.75, 0.05, 0.04, 0.06),
                "generated": (0.7, 0, 0, 0),
                "base": (0.5, -0.2, -0.3, -0.1),
            },
        )
    )
    assert "70.0 %" in text
    assert "ensemble" not in text


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
