"""Runs: the stages of one configuration, each done once, in one folder."""

from t2w.runs.engine import STAGES, run_stages
from t2w.runs.folder import open_run
from t2w.runs.run import Run

__all__ = ["STAGES", "Run", "open_run", "run_stages"]
