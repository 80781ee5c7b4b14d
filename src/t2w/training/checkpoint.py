"""Checkpoints: each a folder that is complete or absent; an index says which is the last and which the best.

step-000500/network.safetensors    weights
            ema.safetensors        averaged weights, as they are sampled with
            training.safetensors   optimiser and everything else that is a tensor
            state.json             the rest, and the run it belongs to
index.json                         {"last": "step-000500", "best": "step-000400", "value": 0.71}
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2w.errors import T2WError
from t2w.files import atomic_folder, load_tensors, read_json, save_tensors, write_json

__all__ = ["Checkpoints"]

FORMAT, VERSION = "t2w-training", 2
_TENSOR = "tensor:"  # stands in JSON where a tensor was


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: where they are; made when the first is written.
        keep: how many are kept beside the last and the best.
    """

    def __init__(self, folder: str | Path, *, keep: int = 0) -> None:
        self.folder, self.keep = Path(folder), keep

    def save(self, step: int, state: Mapping[str, Any], *, run: Mapping[str, Any], best: float | None = None) -> None:
        """Write the state after `step` steps and let it be the last.

        Args:
            state: "network" and "ema" (name -> tensor), and anything else of tensors, numbers, texts, lists and dicts.
            run: what makes it this run and no other, as plain values.
            best: what it was chosen by, where it is the best so far; None where it is not.
        """
        tensors: dict[str, Tensor] = {}
        rest = _split({k: v for k, v in state.items() if k not in ("network", "ema")}, "", tensors)
        path = self.folder / f"step-{step:06d}"
        with atomic_folder(path) as temporary:
            save_tensors(temporary / "network.safetensors", state["network"])
            save_tensors(temporary / "ema.safetensors", state["ema"])
            save_tensors(temporary / "training.safetensors", tensors)
            write_json(
                temporary / "state.json",
                {"format": FORMAT, "version": VERSION, "step": step, "run": run, "state": rest},
            )
        index = self.index() | {"last": path.name}
        if best is not None:
            index |= {"best": path.name, "value": best}
        write_json(self.folder / "index.json", index)
        self._prune(index)

    def index(self) -> dict[str, Any]:
        """{"last", "best", "value"}, empty before the first checkpoint."""
        path = self.folder / "index.json"
        if not path.exists():
            return {}
        found = read_json(path, what="an index of checkpoints", fix=self._fix)
        if not isinstance(found, dict) or "last" not in found:
            raise T2WError(f"{path} is not an index of checkpoints", fix=self._fix)
        return found

    def load(self, *, device: torch.device | str = "cpu") -> tuple[dict[str, Any], dict[str, Any]] | None:
        """(state, run) of the last checkpoint, or None where there is none.

        Raises:
            T2WError: a file is missing, damaged, or of another format.
        """
        last = self.index().get("last")
        if last is None:
            return None
        path = self.folder / str(last)
        try:
            stored = read_json(path / "state.json", what="a training checkpoint")
            parts = [self._tensors(path, name, device) for name in ("network", "ema", "training")]
        except T2WError as error:
            raise T2WError(str(error), fix=self._fix) from error
        if not isinstance(stored, dict) or (stored.get("format"), stored.get("version")) != (FORMAT, VERSION):
            raise T2WError(f"{path} is not a training checkpoint", expected=f"{FORMAT} {VERSION}", fix=self._fix)
        return {**_joined(stored["state"], parts[2]), "network": parts[0], "ema": parts[1]}, stored["run"]

    def best(self) -> dict[str, Tensor] | None:
        """The averaged weights of the best checkpoint; None where none was chosen."""
        best = self.index().get("best")
        return None if best is None else self._tensors(self.folder / str(best), "ema", "cpu")

    @property
    def last_path(self) -> Path | None:
        """Where the last checkpoint is; None before the first."""
        last = self.index().get("last")
        return None if last is None else self.folder / str(last)

    @staticmethod
    def _tensors(path: Path, name: str, device: torch.device | str) -> dict[str, Tensor]:
        tensors, _ = load_tensors(path / f"{name}.safetensors", what="a training checkpoint")
        return {key: value.to(device) for key, value in tensors.items()}

    @property
    def _fix(self) -> str:
        return f"delete {self.folder} to start again, or train into another folder"

    def _prune(self, index: Mapping[str, Any]) -> None:
        steps = sorted(self.folder.glob("step-*"), reverse=True)
        spare = [path for path in steps if path.name not in (index.get("last"), index.get("best"))]
        half_written = self.folder.glob(".step-*.tmp")  # by a run that was killed
        for path in [*spare[self.keep :], *half_written]:
            shutil.rmtree(path)


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
    if isinstance(value, list):
        return [_joined(item, tensors) for item in value]
    return value
