"""The report of a run: one self-contained HTML page, and the data it is drawn from."""

from __future__ import annotations

from t2w.evaluation.report.audit import add_audit
from t2w.evaluation.report.data import DenoisingCurve, Example, ExampleGrid, LossCurves, ReportData
from t2w.evaluation.report.page import render_report, write_report

__all__ = [
    "DenoisingCurve",
    "Example",
    "ExampleGrid",
    "LossCurves",
    "ReportData",
    "add_audit",
    "render_report",
    "write_report",
]
