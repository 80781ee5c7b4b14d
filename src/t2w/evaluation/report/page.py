"""The page itself: one HTML file that asks nothing of the network."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from t2w.errors import T2WError
from t2w.evaluation.report import scores, text
from t2w.evaluation.report.data import ReportData
from t2w.extras import needs
from t2w.files import write_text

__all__ = ["add_audit", "render_report"]

_LAYER_FIGURES = {
    "mean": "mean", "std": "std", "base_norm": "norm of base", "difference_norm": "norm of change",
    "difference_mean": "normaliser mean", "difference_std": "normaliser std",
}  # fmt: skip
_FILTERS = ("facts", "label", "number", "percent", "points", "seconds", "signed", "split_name")
_BEGIN, _END = "<!-- audit -->", "<!-- end of audit -->"  # around the audit's section, in report.html


def render_report(data: ReportData) -> str:
    """The report as one HTML document: style and pictures inlined, no script, every text from outside escaped.

    Raises:
        T2WError: an example image is not uint8 of shape (H, W) or (H, W, 3).
    """
    with needs("the report"):
        import jinja2  # noqa: F401

        from t2w.evaluation.report.charts import denoising_charts, training_charts, weight_charts

    splits = scores.blocks(data.scoreboard)
    provenance = dict(data.scoreboard.provenance)
    numbers = {key: value for key, value in asdict(data).items() if key not in ("grids", "config", "tasks")}
    return _rendered(
        "report.html",
        data=data,
        headline=scores.headline(splits),
        splits=splits,
        denoising=denoising_charts(data.denoising),
        training=training_charts(data),
        holds=_overview(data.adapters) if data.adapters else {},
        weights=weight_charts(data.adapters) if data.adapters else [],
        layers=_LAYER_FIGURES,
        stages=provenance.pop("seconds", {}),
        provenance=provenance,
        config=json.dumps(_plain(data.config), indent=2, ensure_ascii=False),
        numbers=_address("application/json", json.dumps(_plain(numbers), ensure_ascii=False).encode()),
    )


def add_audit(report: Path, found: Mapping[str, Any], picture: bytes) -> None:
    """Put what audit.json holds, and the PNG, into a report, in the place of an earlier audit."""
    before, _, rest = report.read_text(encoding="utf-8").partition(_BEGIN)
    section = _rendered("audit.html", found=found, picture=_address("image/png", picture))
    write_text(report, f"{before}{_BEGIN}\n{section}\n{_END}{rest.partition(_END)[2]}")


def _rendered(template: str, **values: Any) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("t2w.evaluation.report", "."), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {name: getattr(text, name) for name in _FILTERS}
    environment.filters |= {"image": _image, "kind": scores.kind, "meaning": scores.meaning, "clear": scores.clear}
    return environment.get_template(template).render(values)


def _overview(summary: Mapping[str, Any]) -> dict[str, str]:
    fewest, most = map(text.number, summary["steps"])
    return {
        "adapters": f"{summary['count']:,} of {summary['total']:,}",
        "weights each": f"{summary['size']:,}",
        "recipe": str(summary["recipe"]),
        "steps": fewest if fewest == most else f"{fewest} to {most}",
        "training loss": text.number(round(summary["loss"], 4)),
        "made in": f"{text.seconds(summary['seconds'])}, {text.number(round(summary['bytes'] / 1e6, 1))} MB",
        "job": str(summary["fingerprint"]),
    }


def _image(pixels: np.ndarray) -> str:
    """The image as the address of a PNG. Raises T2WError where it is not uint8 of shape (H, W) or (H, W, 3)."""
    from PIL import Image

    if pixels.dtype != np.uint8 or pixels.shape[2:] not in ((), (3,)) or pixels.ndim < 2 or 0 in pixels.shape:
        found = f"an example image is {pixels.dtype} of shape {pixels.shape}"
        raise T2WError(found, expected="uint8 of shape (H, W) or (H, W, 3)")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png")
    return _address("image/png", buffer.getvalue())


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _plain(value: Any) -> Any:
    """JSON types only: what is not a finite number becomes null, what is unknown its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return text.finite(value)
    return value if isinstance(value, bool | str | int | None) else str(value)
