"""Checkpoints: each one file that is whole or absent; an index says which is the last and which the best.

step-000500.safetensors   network, its average ("ema"), the optimiser and all else, and the run it belongs to
index.json                {"last": "step-000500.safetensors", "best": "step-000400.safetensors", "value": 0.71}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2w.errors import T2WError
from t2w.files import load_tensors, read_json, save_tensors, write_json

__all__ = ["Checkpoints"]

FORMAT, VERSION = "t2w-training", 3
_TENSOR = "tensor:"  # stands in JSON where a tensor was


class Checkpoints:
    """The checkpoints of one run in a folder, which the first makes; `keep` stay beside the last and the best."""

    def __init__(self, folder: str | Path, *, keep: int = 0) -> None:
        self.folder, self.keep = Path(folder), keep

    def save(self, step: int, state: Mapping[str, Any], *, run: Mapping[str, Any], best: float | None = None) -> None:
        """Write the state after `step` steps as the last, and as the best so far where `best` says by which value.

        `state`: tensors and plain values, "ema" the averaged weights. `run`: what makes it this run and no other.
        """
        tensors: dict[str, Tensor] = {}
        head = {"format": FORMAT, "version": VERSION, "run": run, "state": _split(state, "", tensors)}
        name = f"step-{step:06d}.safetensors"
        save_tensors(self.folder / name, tensors, head)
        index = self.index() | {"last": name} | ({} if best is None else {"best": name, "value": best})
        write_json(self.folder / "index.json", index)
        others = [path for path in self.folder.glob("step-*") if path.name not in (index["last"], index.get("best"))]
        half_written = self.folder.glob(".step-*.tmp")  # by a run that was killed
        for path in [*sorted(others, reverse=True)[self.keep :], *half_written]:
            path.unlink()

    def index(self) -> dict[str, Any]:
        """{"last", "best", "value"}, empty before the first checkpoint."""
        path = self.folder / "index.json"
        if not path.exists():
            return {}
        found = read_json(path, what="an index of checkpoints", fix=self._fix)
        if not isinstance(found, dict) or "last" not in found:
            raise T2WError(f"{path} is not an index of checkpoints", fix=self._fix)
        return found

    def load(
        self, which: str = "last", *, device: torch.device | str = "cpu"
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """(state, run) of the "last" or "best" checkpoint; None where there is none.

        Raises:
            T2WError: a file is missing, damaged or of another format.
        """
        if (path := self.path(which)) is None:
            return None
        try:
            tensors, head = load_tensors(path, what="a training checkpoint")
        except T2WError as error:
            raise T2WError(str(error), fix=self._fix) from error
        if (head.get("format"), head.get("version")) != (FORMAT, VERSION):
            raise T2WError(f"{path} is not a training checkpoint", expected=f"{FORMAT} {VERSION}", fix=self._fix)
        return _joined(head["state"], {name: value.to(device) for name, value in tensors.items()}), head["run"]

    def path(self, which: str = "last") -> Path | None:
        """Where the "last" or "best" checkpoint is; None where there is none."""
        name = self.index().get(which)
        return None if name is None else self.folder / str(name)

    @property
    def _fix(self) -> str:
        return f"delete {self.folder} to start again, or train into another folder"


def _split(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """`value` as JSON, its tensors moved into `tensors` under the names that stand in their place."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return _TENSOR + name
    if isinstance(value, Mapping):
        # Optimisers number their states: JSON knows texts alone as keys, so pairs keep what a key was.
        return {"pairs": [[key, _split(item, f"{name}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_split(item, f"{name}/{i}", tensors) for i, item in enumerate(value)]
    return value


def _joined(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, str) and value.startswith(_TENSOR):
        return tensors[value.removeprefix(_TENSOR)]
    if isinstance(value, dict):
        return {key: _joined(item, tensors) for key, item in value["pairs"]}
    return [_joined(item, tensors) for item in value] if isinstance(value, list) else value
