"""Going on with a run: is it the same one, and what to say where it is not, or where it went wrong."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from t2w.adapters.store import Vectors, blocks
from t2w.differences import differences
from t2w.errors import T2WError
from t2w.files import fingerprint
from t2w.generator import Condition
from t2w.training.checkpoint import Checkpoints
from t2w.training.objectives import WeightObjective
from t2w.training.sharding import placed, whole
from t2w.training.validation import ValidationPoint

__all__ = ["TrainingState", "check_run", "data_fingerprint", "diverged"]

log = logging.getLogger("t2w")

# A run may go on with these changed: what was learnt so far stays valid, and the data keep their order.
_MAY_CHANGE = frozenset(
    f"settings.{name}"
    for name in (
        "log_every", "validate_every", "checkpoint_every", "keep", "trackers", "compile", "clip", "learning_rate",
        "weight_decay", "accumulate", "functional.learning_rate", "functional.steps", "functional.warmup",
    )
)  # fmt: skip


@dataclass(eq=False)
class TrainingState:
    """All that a checkpoint holds: what is trained and trains, and what was seen on the way."""

    network: nn.Module
    ema: AveragedModel
    optimizer: Any
    objective: WeightObjective
    scaler: Any  # of fp16; None without
    done: int = 0  # steps
    train_losses: list[tuple[int, float]] = field(default_factory=list)  # (step, mean loss since the last entry)
    points: list[ValidationPoint] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)  # losses since the last entry
    seconds: float = 0.0  # over all resumptions

    def close_entry(self) -> float:
        """Put the mean loss since the last entry into the curve, and return it."""
        self.train_losses.append((self.done, sum(self.recent) / len(self.recent)))
        self.recent = []
        return self.train_losses[-1][1]

    def state_dict(self) -> dict[str, Any]:
        """The same however many processes there are, which call it together; see `whole`."""
        return {
            **{name: whole(part.state_dict()) for name, part in self._parts().items()},
            "n_averaged": self.ema.n_averaged,
            "step": self.done,
            "recent": self.recent,
            "train_losses": self.train_losses,
            "points": self.points,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(placed(state[name], part))
        self.ema.n_averaged.copy_(state["n_averaged"])
        self.done, self.seconds, self.recent = state["step"], state["seconds"], state["recent"]
        self.train_losses = [(int(step), loss) for step, loss in state["train_losses"]]
        self.points = [ValidationPoint(*point) for point in state["points"]]

    def _parts(self) -> dict[str, Any]:
        parts = {"network": self.network, "ema": self.ema.module, "optimizer": self.optimizer}
        parts |= {"objective": self.objective, "scaler": self.scaler}
        return {name: part for name, part in parts.items() if part is not None}


def check_run(stored: Mapping[str, Any], asked: Mapping[str, Any], folder: Path) -> None:
    """Announce, key by key, what differs from the run in `folder`. Raises T2WError where it cannot go on so."""
    changed = list(differences(stored, asked))
    breaking = [change for change in changed if change[0] not in _MAY_CHANGE]
    if breaking:
        found = ", ".join(f"{key} = {old}" for key, old, _ in breaking)
        raise T2WError(
            f"the checkpoints in {folder} are of another run, with {found}",
            expected=", ".join(f"{key} = {new}" for key, _, new in breaking),
            fix=f"delete {folder} to start again, or train into another folder",
        )
    for key, old, new in changed:
        log.warning("generator: goes on with %s = %s; it was %s", key.removeprefix("settings."), new, old)


def data_fingerprint(vectors: Vectors, condition: Condition) -> str:
    """Tells training sets apart, and orders of one set: sums of their bits, exact however many threads add them up."""

    def bits(values: Tensor) -> Tensor:
        return values.detach().cpu().float().contiguous().view(torch.int32).long()

    sums = [0, 0, int(bits(condition.tokens).sum()), int(condition.mask.sum())]
    for rows, block in blocks(vectors):
        each = bits(block).sum(dim=1)
        sums[0] += int(each.sum())
        sums[1] += int((each * torch.arange(rows.start + 1, rows.stop + 1)).sum())
    return fingerprint([list(vectors.shape), list(condition.tokens.shape), sums])


def diverged(step: int, store: Checkpoints | None) -> T2WError:
    """What to say when the loss of step `step` (from 0) is not finite."""
    last = None if store is None else store.path()
    kept = "there is no checkpoint yet" if last is None else f"the last good checkpoint is {last}"
    return T2WError(
        f"the loss or its gradient is not finite at step {step + 1} ({kept})",
        expected="a finite loss",
        fix="lower train.learning_rate, raise train.warmup, or use train.mixed_precision=no",
    )
