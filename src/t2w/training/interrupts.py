"""Ctrl-C during training: taken after the step in progress, so that what was learnt can be saved first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupt", "delayed_interrupt"]


class Interrupt:
    """Whether Ctrl-C was pressed."""

    pressed = False


@contextmanager
def delayed_interrupt() -> Iterator[Interrupt]:
    """Note the first Ctrl-C instead of raising, for work that looks at it now and then; the second raises at once."""
    found = Interrupt()
    before = signal.getsignal(signal.SIGINT)
    # Only the main thread may set handlers, and one that is no Python function belongs to someone else.
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield found
        return

    def note(number: int, frame: FrameType | None) -> None:
        if found.pressed:
            signal.signal(signal.SIGINT, before)
            raise KeyboardInterrupt
        found.pressed = True

    signal.signal(signal.SIGINT, note)
    try:
        yield found
    finally:
        signal.signal(signal.SIGINT, before)
