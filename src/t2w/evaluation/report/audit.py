"""The audit's section of a report, which is filled in when the audit is made."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t2w.evaluation.report import text
from t2w.files import write_text

__all__ = ["add_audit"]

_BEGIN, _END = "<!-- audit -->", "<!-- end of audit -->"  # around the section, in report.html


def add_audit(report: Path, found: Mapping[str, Any], picture: bytes) -> bool:
    """Put the audit into a report, in the place of an earlier one; False where an older page has no place for it.

    Args:
        report: the page, as `write_report` wrote it.
        found: what audit.json holds, see `t2w.runs.audit`.
        picture: the audit's PNG.
    """
    import jinja2

    page = report.read_text(encoding="utf-8")
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        return False
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("t2w.evaluation.report", "."), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    for name in ("percent", "points", "signed", "split_name"):
        environment.filters[name] = getattr(text, name)
    address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    section = environment.get_template("audit.html").render(found=found, picture=address)
    write_text(report, f"{before}{_BEGIN}\n{section}\n{_END}{after}")
    return True
