"""The page itself: one HTML file that asks nothing of the network."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from t2w.evaluation.report import text
from t2w.evaluation.report.data import ExampleGrid, ReportData
from t2w.files import write_text

__all__ = ["render_report", "write_report"]


def write_report(path: str | Path, data: ReportData) -> Path:
    """Write the report whole or not at all, and return its path.

    Raises:
        T2WError: the file cannot be written, or an example image is not uint8 of shape (H, W) or (H, W, 3).
    """
    write_text(path, render_report(data))
    return Path(path)


def render_report(data: ReportData) -> str:
    """The report as one HTML document: style and pictures inlined, no script, every text from outside escaped."""
    import jinja2
    from markupsafe import Markup

    from t2w.evaluation.report.figures import denoising_figures, loss_figures
    from t2w.evaluation.report.scores import headline, split_scores
    from t2w.evaluation.report.weights import facts, weights_view

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("t2w.evaluation.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        label=text.label,
        number=text.number,
        percent=text.percent,
        points=text.points,
        seconds=text.seconds,
        signed=text.signed,
        split_name=text.split_name,
    )
    splits = split_scores(data.scoreboard)
    provenance = dict(data.scoreboard.get("provenance") or {})
    return environment.get_template("report.html").render(
        style=Markup(resources.files("t2w.evaluation.report").joinpath("report.css").read_text(encoding="utf-8")),
        data=data,
        headline=headline(splits),
        splits=splits,
        grids=[_grid(grid) for grid in data.grids],
        denoising=denoising_figures(data.denoising),
        losses=loss_figures(data),
        weights=weights_view(data.adapters),
        stages=_stages(provenance.pop("seconds", None)),
        provenance=facts("", _plain(provenance)) if provenance else None,
        config=json.dumps(_plain(data.config), indent=2, ensure_ascii=False),
        numbers=_numbers(data),
    )


@dataclass(frozen=True)
class _Shown:
    image: str
    crisp: bool
    truth: str
    prediction: str
    probability: str
    right: bool


def _grid(grid: ExampleGrid) -> dict[str, Any]:
    from t2w.evaluation.report.images import by_class, png_uri

    shown = []
    for example in grid.examples:
        if example.image is not None:
            address, crisp = png_uri(example.image)
            chance = text.percent(example.probability, digits=0)
            shown.append(_Shown(address, crisp, example.truth, example.prediction, chance, example.right))
    return {"grid": grid, "shown": shown, "classes": () if shown else by_class(grid)}


def _stages(times: Any) -> list[tuple[str, float, float]]:
    """(stage, seconds, share of the longest in percent)."""
    if not isinstance(times, Mapping):
        return []
    sound = {str(key): figure for key, value in times.items() if (figure := text.finite(value)) is not None}
    longest = max(sound.values(), default=0.0) or 1.0
    return [(key, value, 100 * value / longest) for key, value in sound.items()]


def _numbers(data: ReportData) -> str:
    """Everything the pictures are drawn from, as the address of a JSON download."""
    numbers = {
        "scoreboard": data.scoreboard,
        "losses": asdict(data.losses),
        "base_losses": data.base_losses,
        "denoising": [asdict(curve) for curve in data.denoising],
        "adapters": data.adapters,
    }
    content = json.dumps(_plain(numbers), ensure_ascii=False, allow_nan=False)
    return "data:application/json;base64," + base64.b64encode(content.encode()).decode()


def _plain(value: Any) -> Any:
    """JSON types only: what is not a finite number becomes null, what is unknown its text."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return text.finite(value)
    return str(value)
