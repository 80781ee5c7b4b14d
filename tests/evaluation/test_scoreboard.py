from __future__ import annotations

import json

import numpy as np
import pytest

from t2w.evaluation.scoreboard import Scoreboard, make_scoreboard


@pytest.fixture
def board() -> Scoreboard:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.4, 0.6, 50)
    scores = {"base": base, "generated": base + 0.2, "oracle": base + 0.25}
    return make_scoreboard({"unseen_combination": scores}, resamples=500, seed=0, provenance={"seed": 0})


def test_paired_differences_do_not_see_the_spread_between_tasks(board: Scoreboard) -> None:
    base = next(row for row in board.rows if row.method == "base")
    assert base.paired_difference == pytest.approx(-0.2)
    assert base.paired_ci_high - base.paired_ci_low < 1e-9 < base.ci_high - base.ci_low
    assert board.recovery["unseen_combination"] == pytest.approx(0.8)


def test_json_has_the_agreed_keys_and_comes_back(board: Scoreboard) -> None:
    content = json.loads(json.dumps(board.to_dict()))
    agreed = {"method", "split", "accuracy", "ci_low", "ci_high", "n_tasks", "paired_difference"}
    assert set(content) == {"rows", "recovery", "provenance"}
    for row in content["rows"]:
        assert agreed <= row.keys()
        assert 0 <= row["ci_low"] <= row["accuracy"] <= row["ci_high"] <= 1
        assert row["n_tasks"] == 50
    assert Scoreboard.from_dict(content) == board


def test_text_shows_every_method_and_the_recovery(board: Scoreboard) -> None:
    text = board.render()
    for part in ("unseen combination (50 tasks)", "base", "generated", "oracle", "-20.0", "recovery: 80 %"):
        assert part in text


def test_nothing_to_recover_is_said() -> None:
    flat = {name: np.full(5, 0.5) for name in ("base", "generated", "oracle")}
    board = make_scoreboard({"unseen_class": flat}, resamples=100, seed=0, provenance={})
    assert board.recovery == {"unseen_class": None}
    assert "gains nothing" in board.render()
