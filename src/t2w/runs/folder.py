"""The run folder: the one configuration it belongs to, and who works in it."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from t2w.config import Config
from t2w.devices import is_main_process
from t2w.differences import described
from t2w.errors import T2WError
from t2w.files import read_json, write_json
from t2w.runs.run import Run

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

__all__ = ["claimed", "open_run", "record_run", "stored_run"]

log = logging.getLogger("t2w")

_FORMAT = 2
_OURS = {"log.txt", "lock"}  # files that do not make a folder one of something else
_CHOOSE = "choose another folder with out=DIR"


def open_run(config: Config, *, update: bool = False) -> Run:
    """Open the run folder `config.out`; nothing is written yet.

    Args:
        update: let the folder take the new configuration; only the stages that it changes are done again.

    Raises:
        T2WError: the folder holds a run of another configuration (and not `update`), or something else altogether.
    """
    folder = Path(config.out)
    if (folder / "run.json").exists():
        changes = described(_record(folder), config.results())
        if changes and not update:
            shown = ", ".join(changes[:4]) + (f" and {len(changes) - 4} more" if len(changes) > 4 else "")
            raise T2WError(
                f"the run folder {folder} holds a run of another configuration: {shown}",
                fix=f"{_CHOOSE}, or add --update to redo in it what changes",
            )
        for difference in changes:
            log.info("changed: %s", difference)
    elif folder.is_dir() and any(path.name not in _OURS for path in folder.iterdir()):
        fix = "choose an empty or a new folder with out=DIR"
        raise T2WError(f"{folder} is not empty and not a run folder", fix=fix)
    elif folder.exists() and not folder.is_dir():
        raise T2WError(f"{folder} is a file", expected="a folder", fix="choose another with out=DIR")
    return Run(folder, config)


def stored_run(folder: Path, *, device: str = "cpu") -> Run:
    """The run in a folder, with its own configuration.

    Raises:
        T2WError: no run there, or one that this version does not read.
    """
    if not (folder / "run.json").exists():
        raise T2WError(f"{folder} is not a run folder", expected="the folder of a run of t2w")
    return Run(folder, Config.read({**_record(folder), "out": str(folder), "device": device}))


def record_run(run: Run) -> None:
    """Write the configuration into the run folder, which from then on is this run's."""
    path, config = run.path("run.json"), run.config.results()
    if not path.exists() or _record(run.folder) != config:
        with claimed(run):
            write_json(path, {"format": _FORMAT, "config": config})


def _record(folder: Path) -> dict[str, Any]:
    """The configuration a folder holds a run of."""
    record = read_json(folder / "run.json", what="the record of a run", fix=f"remove the folder or {_CHOOSE}")
    found = record.get("format") if isinstance(record, dict) else None
    if found != _FORMAT:
        raise T2WError(
            f"{folder} is a run of another version of t2w (format {found})",
            expected=f"format {_FORMAT}",
            fix=f"finish it with the version that began it, or {_CHOOSE}",
        )
    config: dict[str, Any] = record["config"]
    return config


@contextmanager
def claimed(run: Run, *, shared: bool = False, wait: bool = False) -> Iterator[None]:
    """Let no other process work in the run folder meanwhile; the operating system ends a claim with its process.

    Args:
        shared: others may claim it in this way, too: the adapter factory's processes share their work.
        wait: wait for another process instead of refusing.

    Raises:
        T2WError: another process has claimed it; says which.
    """
    if fcntl is None or not is_main_process():
        yield
        return
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        lock = run.path("lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise T2WError(f"cannot write to {run.folder}: {error.strerror}", fix=_CHOOSE) from error
    with lock as file:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            other = file.read() or "another process"
            if not wait:
                fix = f"wait until it is done, or {_CHOOSE}"
                raise T2WError(f"{other} is at work in {run.folder}", fix=fix) from error
            log.info("waiting for %s, which is at work in %s", other, run.folder)
            fcntl.flock(file, kind)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield
