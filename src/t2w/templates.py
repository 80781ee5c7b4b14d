"""HTML from the templates that lie in a room, with everything from outside escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template

__all__ = ["template"]


def template(room: str, name: str, filters: Mapping[str, Callable[..., Any]] | None = None) -> Template:
    """A template of a room, such as "t2w.sorting"; a name that is not given to it is an error.

    Args:
        filters: functions that the room's templates use, by name; None for none.
    """
    environment = _environment(room)
    environment.filters |= filters or {}
    return environment.get_template(name)


@cache
def _environment(room: str) -> Environment:
    """Keeps what it has read, for a template takes longer to read than to fill."""
    import jinja2  # not at the top: names and pictures need no page

    return jinja2.Environment(
        loader=jinja2.PackageLoader(room, "."), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
