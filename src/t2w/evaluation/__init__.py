"""Evaluation: the scoreboard, its baselines and statistics, and the report."""

from t2w.evaluation.scoreboard import Row, Scoreboard, make_scoreboard
from t2w.evaluation.statistics import Interval, bootstrap_mean, recovery

__all__ = ["Interval", "Row", "Scoreboard", "bootstrap_mean", "make_scoreboard", "recovery"]
