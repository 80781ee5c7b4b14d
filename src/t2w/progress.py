"""Progress with rate and time left: a bar on a terminal, plain lines elsewhere, nothing for what is over at once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

from tqdm import tqdm

__all__ = ["Progress", "log_to_terminal", "progress", "track"]

T = TypeVar("T")
log = logging.getLogger("t2w")

_QUIET_SECONDS = 2.0  # shorter work needs no progress
_LINE_SECONDS = 10.0  # between plain lines, where there is no terminal


class Progress:
    """Counts work done; made by `progress`."""

    def __init__(self, description: str, total: int, unit: str, initial: int) -> None:
        self.description = description
        self._terminal = sys.stderr.isatty()
        self._next_line = monotonic() + _QUIET_SECONDS
        self._bar = tqdm(
            desc=description,
            total=total,
            unit=unit,
            initial=initial,
            delay=_QUIET_SECONDS,
            leave=False,
            dynamic_ncols=True,
            smoothing=0.05,
            file=sys.stderr,
            disable=not self._terminal,
        )
        # A disabled tqdm counts nothing, so the plain lines keep their own count.
        self._start, self._initial, self._count, self._total, self._unit = monotonic(), initial, initial, total, unit
        self._note = ""

    def update(self, n: int = 1, **figures: float | str) -> None:
        """Count `n` more; `figures` (a loss, an accuracy) stand beside the count."""
        self._count += n
        if figures:
            self._note = ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in figures.items())
            self._bar.set_postfix_str(self._note, refresh=False)
        self._bar.update(n)
        if not self._terminal and monotonic() >= self._next_line:
            self._next_line = monotonic() + _LINE_SECONDS
            log.info(self._line())

    def _line(self) -> str:
        seconds = monotonic() - self._start
        rate = (self._count - self._initial) / seconds if seconds > 0 else 0.0
        left = tqdm.format_interval((self._total - self._count) / rate) if rate > 0 else "?"
        note = f", {self._note}" if self._note else ""
        pace = f"{rate:.1f} {self._unit}/s" if rate >= 0.1 or rate == 0 else f"{1 / rate:.0f} s/{self._unit}"
        return f"{self.description}: {self._count}/{self._total}, {pace}, {left} left{note}"

    def close(self) -> None:
        self._bar.close()


@contextmanager
def progress(description: str, *, total: int, unit: str = "it", initial: int = 0) -> Iterator[Progress]:
    """Progress over `total` units of work, `initial` of which were done before (a resumed run)."""
    bar = Progress(description, total, unit, initial)
    try:
        yield bar
    finally:
        bar.close()


def track(items: Iterable[T], description: str, *, total: int, unit: str = "it") -> Iterator[T]:
    """Iterate over `items` under a progress bar."""
    with progress(description, total=total, unit=unit) as bar:
        for item in items:
            yield item
            bar.update()


class _BarSafe(logging.Handler):
    """Writes through tqdm, so that a line does not cut a progress bar in two."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


def log_to_terminal() -> None:
    """Write what is logged as plain sentences on standard error."""
    if not any(isinstance(handler, _BarSafe) for handler in log.handlers):
        log.addHandler(_BarSafe())
    log.setLevel(logging.INFO)
    log.propagate = False
