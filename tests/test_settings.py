"""Settings: one declaration for Python and for configurations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import pytest

from t2w.errors import T2WError
from t2w.settings import Count, Operational, Rate, Settings, Share


@dataclass(frozen=True, kw_only=True)
class Inner(Settings):
    section: ClassVar[str] = "train.inner"

    share: Share = 0.5


@dataclass(frozen=True, kw_only=True)
class Wide(Settings):
    section: ClassVar[str] = "train.net"

    width: Count
    kind: Literal["wide"] = "wide"


@dataclass(frozen=True, kw_only=True)
class Deep(Settings):
    section: ClassVar[str] = "train.net"

    depth: Count = 1
    kind: Literal["deep"] = "deep"


@dataclass(frozen=True, kw_only=True)
class Outer(Settings):
    section: ClassVar[str] = "train"

    steps: Count | None = None
    rate: Rate = 0.1
    names: tuple[Literal["a", "b"], ...] = ()
    log_every: Operational[Count] = 10
    inner: Inner = field(default_factory=Inner)
    net: Deep | Wide = field(default_factory=Deep)


def test_what_is_read_is_what_is_made() -> None:
    values = {"steps": 3, "rate": 1, "names": ["a"], "inner": {"share": 0}, "net": {"kind": "wide", "width": 4}}
    found = Outer.read(values)
    assert found == Outer(steps=3, rate=1.0, names=("a",), inner=Inner(share=0.0), net=Wide(width=4))
    assert isinstance(found.rate, float)
    assert Outer.read(found.to_dict()) == found
    assert found.to_dict()["names"] == ["a"]


def test_operational_settings_are_no_part_of_the_results() -> None:
    assert Outer(log_every=3).results() == Outer().results()
    assert Outer(rate=0.2).results() != Outer().results()
    assert Outer(inner=Inner(share=0.1)).results() != Outer().results()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"steps": 1.5}, "train.steps is 1.5; expected a whole number, 1 or more, or null"),
        ({"steps": True}, "train.steps is True; expected a whole number"),
        ({"rate": "fast"}, r"train.rate is 'fast'; expected a number in \(0, 10\)"),
        ({"rate": float("nan")}, "train.rate is nan"),
        ({"names": ["c"]}, r"train.names is \['c'\]: 'c'; expected one of a, b"),
        ({"inner": {"share": 1}}, r"train.inner.share is 1; expected a number in \[0, 1\)"),
        ({"inner": {"shere": 0}}, r"no key 'train.inner.shere' \(did you mean 'train.inner.share'\?\)"),
        ({"net": {"kind": "wide"}}, "train.net.width is missing"),
        ({"net": {"kind": "wider"}}, "train.net.kind is 'wider'; expected one of deep, wide"),
        ({"net": {"width": 3}}, "no key 'train.net.width'"),
        ({"net": 3}, "train.net is 3; expected"),
    ],
)
def test_wrong_values_are_named_with_what_is_right(values: dict[str, object], said: str) -> None:
    with pytest.raises(T2WError, match=said):
        Outer.read(values)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(T2WError, match="3 problems") as error:
        Outer.read({"steps": 0, "inner": {"share": 2}, "x": 1})
    assert all(part in str(error.value) for part in ("train.steps is 0", "train.inner.share is 2", "'train.x'"))
    with pytest.raises(T2WError, match=r"train.steps is 0.*train.rate is 10"):
        Outer(steps=0, rate=10.0)
