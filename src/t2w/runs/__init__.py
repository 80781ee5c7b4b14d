"""Runs: the stages of one configuration, each done once, in one folder."""

from t2w.runs.engine import STAGES, run_stages
from t2w.runs.folder import Run, open_run

__all__ = ["STAGES", "Run", "open_run", "run_stages"]
