"""One logger: plain sentences on the terminal, the same with times in the run folder's log.txt."""

from __future__ import annotations

import logging
from pathlib import Path

from t2w.progress import log_to_terminal

__all__ = ["log_to_file", "log_to_terminal"]

log = logging.getLogger("t2w")


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
