"""The run folder: where each stage keeps its files, and the one configuration they belong to."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2w.config import Config
from t2w.differences import described
from t2w.errors import T2WError
from t2w.files import read_json, write_json

__all__ = ["Run", "identity", "open_run", "record_run", "stored_run"]

log = logging.getLogger("t2w")

_FORMAT = 1
# Keys that say where and how work is done, not what comes out: two runs that differ only in these are the same run.
_OPERATIONAL = {
    ("out",),
    ("device",),
    ("launcher",),
    ("dataset", "download"),
    ("encoder", "cache"),
    ("tasks", "begin"),
    ("tasks", "end"),
    ("adapters", "group_size"),
}


@dataclass(frozen=True)
class Run:
    """A run folder and its configuration."""

    folder: Path
    config: Config

    def path(self, *parts: str) -> Path:
        return self.folder.joinpath(*parts)


def open_run(config: Config, *, update: bool = False) -> Run:
    """Open the run folder `config.out`; nothing is written yet.

    Args:
        update: let the folder take the new configuration; only the stages that it changes are done again.

    Raises:
        T2WError: the folder holds a run of another configuration (and not `update`), or something else altogether.
    """
    folder = Path(config.out)
    record = folder / "run.json"
    asked = identity(config)
    if record.exists():
        stored = read_json(record, what="the record of a run", fix="remove the folder or choose another with out=DIR")
        if not isinstance(stored, dict) or stored.get("format") != _FORMAT:
            raise T2WError(
                f"{record} is of another format", expected=f"format {_FORMAT}", fix="choose another folder with out=DIR"
            )
        changes = described(_of_any_shard_size(stored["config"]), asked)
        if changes and not update:
            shown = ", ".join(changes[:4]) + (f" and {len(changes) - 4} more" if len(changes) > 4 else "")
            raise T2WError(
                f"the run folder {folder} holds a run of another configuration: {shown}",
                fix="choose another folder with out=DIR, or add --update to redo in it what changes",
            )
        for difference in changes:
            log.info("changed: %s", difference)
    elif folder.is_dir() and any(path for path in folder.iterdir() if path.name != "log.txt"):
        raise T2WError(
            f"{folder} is not empty and not a run folder", fix="choose an empty or a new folder with out=DIR"
        )
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
    values = read_json(folder / "run.json", what="the record of a run")["config"]
    here = {"out": str(folder), "device": device, "launcher": {"name": "local"}}
    try:
        return Run(folder, Config.model_validate(values | here))
    except ValueError as error:  # pydantic's
        first = str(error).splitlines()[0]
        raise T2WError(
            f"{folder} is a run of another version ({first})", fix="make it again in a new folder"
        ) from error


def record_run(run: Run) -> None:
    """Write the configuration into the run folder, which from then on is this run's."""
    write_json(run.path("run.json"), {"format": _FORMAT, "config": identity(run.config)})


def identity(config: Config) -> dict[str, Any]:
    """The part of a configuration that determines the results."""
    values = config.model_dump()
    for *parents, key in _OPERATIONAL:
        section = values
        for parent in parents:
            section = section[parent]
        del section[key]
    return _of_any_shard_size(values)


def _of_any_shard_size(values: dict[str, Any]) -> dict[str, Any]:
    """Shards of any size are read as they are. Null and not left out: so the records of all runs have it."""
    return {**values, "adapters": {**values.get("adapters", {}), "shard_size": None}}
