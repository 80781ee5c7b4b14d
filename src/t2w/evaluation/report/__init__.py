"""The report of a run: one self-contained HTML page, and the data it is drawn from."""

from t2w.evaluation.report.data import DenoisingCurve, Example, ExampleGrid, LossCurves, ReportData
from t2w.evaluation.report.page import add_audit, render_report

__all__ = ["DenoisingCurve", "Example", "ExampleGrid", "LossCurves", "ReportData", "add_audit", "render_report"]
