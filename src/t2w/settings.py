"""Settings: declared once as frozen dataclasses whose annotations give every range, and checked in one way.

The same class serves Python, where a wrong value raises when the object is made, and the configuration, where `read`
reports all wrong keys at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from t2w.errors import T2WError, nearest

__all__ = [
    "Count", "Fraction", "NonNegative", "Operational", "Positive", "Range", "Rate", "Settings", "Share", "Whole",
    "refusal",
]  # fmt: skip

S = TypeVar("S", bound="Settings")
T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """The numbers from `low` to `high`; `above` and `below` leave that end itself out."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, value: float) -> bool:
        high = value < self.high if self.below else value <= self.high
        return high and (value > self.low if self.above else value >= self.low)

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"above {self.low:g}" if self.above else f"{self.low:g} or more"
        return f"a number in {'(' if self.above else '['}{self.low:g}, {self.high:g}{')' if self.below else ']'}"


_OPERATIONAL = "operational"
Operational = Annotated[T, _OPERATIONAL]
"""A setting of where, when and how work is done, which does not change what comes out."""
Count = Annotated[int, Range(1)]
Whole = Annotated[int, Range(0)]
Positive = Annotated[float, Range(0, above=True)]
NonNegative = Annotated[float, Range(0)]
Rate = Annotated[float, Range(0, 10, above=True, below=True)]
Share = Annotated[float, Range(0, 1, below=True)]
Fraction = Annotated[float, Range(0, 1)]


class Settings:
    """Base of settings. A subclass is a frozen dataclass; what holds between its fields it says in `rules`.

    Raises:
        T2WError: values outside their range, all of them in one message.
    """

    section: ClassVar[str] = ""  # where the settings stand in the configuration, as messages name them: "train"

    def __post_init__(self) -> None:
        problems = [problem for field in fields(self) if (problem := self._problem(field.name))]  # type: ignore[arg-type]
        problems = problems or list(self.rules())
        if problems:
            raise T2WError("; ".join(problems))

    def rules(self) -> Iterator[str]:
        """What is wrong between fields that are right one by one: a sentence each."""
        yield from ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain: dict[str, Any] = _plain(asdict(self))  # type: ignore[call-overload]
        return plain

    def results(self) -> dict[str, Any]:
        """The part of `to_dict` that determines results: all but operational settings."""
        found: dict[str, Any] = {}
        for name, hint in _hints(type(self)).items():
            value = getattr(self, name)
            if _OPERATIONAL not in _marks(hint):
                found[name] = value.results() if isinstance(value, Settings) else _plain(value)
        return found

    @classmethod
    def keys(cls, prefix: str = "") -> Iterator[str]:
        """The dotted names of all settings, those of sections within included."""
        for name, hint in _hints(cls).items():
            yield f"{prefix}{name}"
            for kind in _sections(hint):
                yield from kind.keys(f"{prefix}{name}.")

    @classmethod
    def read(cls: type[S], values: Mapping[str, Any], problems: Sequence[str] = ()) -> S:
        """From plain values, sections within included.

        Args:
            problems: what was found wrong before, to be reported with the rest.

        Raises:
            T2WError: unknown or missing keys and wrong values, all of them in one message.
        """
        found, more = cls._read(values, sorted(set(cls.keys(f"{cls.section}." if cls.section else ""))))
        if found is None or problems:
            raise refusal([*problems, *more])
        return found

    @classmethod
    def _read(cls: type[S], values: Mapping[str, Any], known: Sequence[str]) -> tuple[S | None, list[str]]:
        hints, problems, given = _hints(cls), [], {}
        for key in values:
            if key not in hints:
                name = cls._named(key)
                problems.append(f"there is no key {name!r}{nearest(name, known)}")
        for field in fields(cls):  # type: ignore[arg-type]
            name, hint = field.name, hints[field.name]
            if name not in values:
                if field.default is MISSING and field.default_factory is MISSING:
                    problems.append(f"{cls._named(name)} is missing")
                continue
            value, kinds = values[name], _sections(hint)
            if kinds and isinstance(value, Mapping):
                by_kind = {getattr(kind, "kind", None): kind for kind in kinds}
                asked = value.get("kind", next(iter(by_kind))) if len(kinds) > 1 else next(iter(by_kind))
                if asked not in by_kind:
                    expected = f"one of {', '.join(map(str, by_kind))}"
                    problems.append(f"{cls._named(name)}.kind is {asked!r}; expected {expected}")
                    continue
                given[name], inner = by_kind[asked]._read(value, known)
                problems += inner
            elif problem := _wrong(value, hint):
                problems.append(f"{cls._named(name)} is {value!r}{problem}")
            else:
                given[name] = _converted(value, hint)
        if problems:
            return None, problems
        try:
            return cls(**given), []
        except T2WError as error:
            return None, [str(error)]

    def _problem(self, name: str) -> str | None:
        value = getattr(self, name)
        problem = _wrong(value, _hints(type(self))[name])
        return f"{self._named(name)} is {value!r}{problem}" if problem else None

    @classmethod
    def _named(cls, name: str) -> str:
        return f"{cls.section}.{name}" if cls.section else name


def refusal(problems: Sequence[str]) -> T2WError:
    """One error of several problems."""
    if len(problems) == 1:
        return T2WError(problems[0])
    return T2WError(f"{len(problems)} problems in the configuration:\n  - " + "\n  - ".join(problems))


def _read_hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in fields(kind)}


_hints: Callable[[Any], dict[str, Any]] = cache(_read_hints)


def _marks(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _options(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a union; the hint itself where it is none."""
    bare = _bare(hint)
    return get_args(bare) if get_origin(bare) in (Union, UnionType) else (hint,)


def _sections(hint: Any) -> list[type[Settings]]:
    kinds = map(_bare, _options(hint))
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Settings)]


def _wrong(value: Any, hint: Any) -> str | None:
    """ "; expected ..." where a value is none of what a hint allows; None where it is right."""
    options = _options(hint)
    found = [_wrong_alone(value, option) for option in options if option is not NoneType]
    if None in found or (value is None and NoneType in options):
        return None
    return f"{found[0]}{', or null' if NoneType in options else ''}"


def _wrong_alone(value: Any, hint: Any) -> str | None:
    bare, origin = _bare(hint), get_origin(_bare(hint))
    if origin is Literal:
        known = get_args(bare)
        return None if value in known else f"{nearest(str(value), map(str, known))}; expected one of {', '.join(known)}"
    if origin is tuple:
        inner = get_args(bare)[0]
        if not isinstance(value, tuple | list):
            return "; expected a list"
        return next((f": {each!r}{wrong}" for each in value if (wrong := _wrong(each, inner))), None)
    ranges = [mark for mark in _marks(hint) if isinstance(mark, Range)]
    if bare is int:
        right, rule = isinstance(value, int) and not isinstance(value, bool), "a whole number"
        rule += "".join(f", {one}" for one in ranges)
    elif bare is float:
        right = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        rule = str(ranges[0]) if ranges else "a number"
    else:
        right, rule = isinstance(value, bare), {bool: "true or false", str: "text"}.get(bare, f"of type {bare}")
    return None if right and all(value in one for one in ranges) else f"; expected {rule}"


def _converted(value: Any, hint: Any) -> Any:
    """As the hint has it: whole numbers as floats where floats are meant, lists as tuples."""
    bare = next((_bare(option) for option in _options(hint) if option is not NoneType), None)
    if get_origin(bare) is tuple:
        return tuple(_converted(each, get_args(bare)[0]) for each in value)
    return float(value) if bare is float and isinstance(value, int) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
