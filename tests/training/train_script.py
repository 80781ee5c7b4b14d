"""Trains a tiny network as a script: as one of several processes, or to be killed.

    python train_script.py OUT [key=value ...]   (values in JSON)

Keys are fields of TrainSettings, `kill=N` (end as `kill -9` does, before step N) and `twice=true` (train two networks,
one after the other). OUT gets the chosen weights.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from training_world import SETTINGS, make_world

from t2w.errors import T2WError
from t2w.files import save_tensors
from t2w.training import loop


def main(out: Path, arguments: list[str]) -> None:
    torch.set_num_threads(1)
    changes = {key: json.loads(value) for key, value in (a.split("=", 1) for a in arguments)}
    kill, twice = changes.pop("kill", None), changes.pop("twice", False)
    second = replace(SETTINGS.functional, **changes.pop("functional", {}))
    if kill is not None:
        real = loop.seeded

        def seeded(device: torch.device, seed: int, at: int) -> object:
            if at == kill:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(device, seed, at)

        loop.seeded = seeded  # type: ignore[assignment]
    world = make_world()
    for run in ("first", "second") if twice else ("first",):
        _, result = world.train(out / run, functional=second, **changes)
        if int(os.environ.get("RANK", 0)) == 0:
            save_tensors(
                out / f"{run}.safetensors",
                result.weights,
                {"losses": result.train_losses, "processes": int(os.environ.get("WORLD_SIZE", 1))},
            )


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2:])
    except T2WError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
