from __future__ import annotations

import time

import pytest

from t2w.errors import T2WError
from t2w.tasks import parse_classes

KNOWN = ("three", "five", "eight", "pine_tree")


def test_parse_classes() -> None:
    assert parse_classes("three, five,eight ") == ("three", "five", "eight")
    assert parse_classes(["a red, round fruit", "a dog"]) == ("a red, round fruit", "a dog")
    assert parse_classes("Three, pine tree", known=KNOWN) == ("three", "pine_tree")


@pytest.mark.parametrize(
    "given",
    ['cat, "school bus, yellow", pizza', 'cat,"school bus, yellow" , pizza', '  cat,\n "school bus, yellow",pizza '],
)
def test_commas_in_quotes(given: str) -> None:
    assert parse_classes(given) == ("cat", "school bus, yellow", "pizza")


def test_quotes_inside_a_name_are_left_alone() -> None:
    assert parse_classes('a 12" record, a cd') == ('a 12" record', "a cd")
    assert parse_classes('"a ""big"" dog", cat') == ('a "big" dog', "cat")


@pytest.mark.parametrize("given", ['cat, "school bus, pizza', 'cat, "school" bus, pizza'])
def test_quotes_that_do_not_close(given: str) -> None:
    with pytest.raises(T2WError, match=r'cannot be read .*expected names like cat, "school bus'):
        parse_classes(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "0 class.* at least 2"),
        ("three", "1 class.* 'three'; expected at least 2"),
        ("three,,five", "class 2 of 3 is empty"),
        ("three, five, three", "'three' is given more than once"),
        ("three, five, Three", "'Three' is given more than once .as 'three'"),
        (["three", 5], "class 2 of 2 is 5; expected text"),
        (["three", "\u200b"], "class 2 of 2 .* nothing shows"),
        (["three", "fi\nve"], r"class 2 of 2 holds the control character '\\n'"),
        (["three", "\x1b[31mfive"], r"control character '\\x1b'"),
        (["three", "caf\udce9"], r"control character '\\udce9'"),
        (["three", "x" * 501], "class 2 of 2 has 501 characters: 'x.*; expected at most 500"),
        (["three", "x" * 10_000], "has 10,000 characters"),
        ([str(i) for i in range(1001)], "1,001 classes given; expected at most 1,000"),
    ],
)
def test_refused(given: str | list[str], message: str) -> None:
    with pytest.raises(T2WError, match=message) as error:
        parse_classes(given)
    assert len(str(error.value)) < 250  # one sentence, whatever was given


def test_unknown_name() -> None:
    assert parse_classes("three, fiv") == ("three", "fiv")
    with pytest.raises(T2WError, match=r"'fiv' is not known \(did you mean 'five'\?\); expected one of three, five"):
        parse_classes("three, fiv", known=KNOWN)


def test_any_language_in_one_form() -> None:
    assert parse_classes("Käse, 猫, Гусь, بطة, 🦆") == ("Käse", "猫", "Гусь", "بطة", "🦆")
    assert parse_classes("Ka\u0308se, x") == ("Käse", "x")
    with pytest.raises(T2WError, match="more than once"):
        parse_classes("Ka\u0308se, Käse")
    assert parse_classes("KÄSE, x", known=["Ka\u0308se", "x"]) == ("Ka\u0308se", "x")  # as the folder is spelt


def test_a_thousand_classes_are_read_at_once() -> None:
    known = [f"class_{i}" for i in range(1000)]
    start = time.perf_counter()
    assert parse_classes([name.replace("_", " ") for name in known], known=known) == tuple(known)
    assert time.perf_counter() - start < 2
