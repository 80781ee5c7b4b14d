"""An answer within seconds, or an error: nothing waits for a network that is not there."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

__all__ = ["ANSWER_SECONDS", "within"]

T = TypeVar("T")

ANSWER_SECONDS = 6.0  # for a server's first answer, name resolution included


def within(seconds: float, ask: Callable[[], T]) -> T:
    """What `ask` returns. Sockets have time limits of their own, name resolution has none: hence the thread.

    Raises:
        TimeoutError: no answer in time; what `ask` does is left to itself.
        Exception: what `ask` raised.
    """
    answer: list[Any] = []

    def run() -> None:
        try:
            answer.append((ask(), None))
        except Exception as error:
            answer.append((None, error))

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answer:
        raise TimeoutError(f"no answer within {seconds:g} seconds")
    value, error = answer[0]
    if error is not None:
        raise error
    result: T = value
    return result
