"""One logger: plain sentences on the terminal, the same with times in the run folder's log.txt."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from tqdm import tqdm

__all__ = ["log_to_file", "log_to_terminal"]

log = logging.getLogger("t2w")


class _BarSafe(logging.Handler):
    """Writes through tqdm, so that a line does not cut a progress bar in two."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


def log_to_terminal() -> None:
    if not any(isinstance(handler, _BarSafe) for handler in log.handlers):
        log.addHandler(_BarSafe())
    log.setLevel(logging.INFO)
    log.propagate = False


def log_to_file(folder: Path) -> None:
    """Also write to `folder/log.txt`, appending; the folder must exist."""
    path = (folder / "log.txt").resolve()
    for handler in [h for h in log.handlers if isinstance(h, logging.FileHandler)]:
        if handler.baseFilename == str(path):
            return
        log.removeHandler(handler)
        handler.close()
    file = logging.FileHandler(path, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(file)
