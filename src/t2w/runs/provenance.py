"""Where a result came from: versions, data, weights, seeds, and how long each stage took."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from t2w.files import sha256_of
from t2w.runs.engine import STAGES, stage_fingerprint, stage_record
from t2w.runs.run import Run

__all__ = ["provenance"]

_PACKAGES = ("t2w", "torch", "numpy", "scikit-learn", "sentence-transformers")


def provenance(run: Run) -> dict[str, Any]:
    """What it takes to tell whether two results should be equal, and to make this one again."""
    task_set, (train, test) = run.task_set, run.features
    return {
        "run": run.config.name,
        "fingerprint": stage_fingerprint(run.config, "eval"),
        "seed": run.config.seed,
        "split_seed": run.config.tasks.split_seed,
        "tasks": {
            split: len(task_set.of(split)) for split in ("train", "validation", "unseen_combination", "unseen_class")
        },
        "classes": {"seen": len(task_set.seen_classes), "unseen": len(task_set.unseen_classes)},
        "images": {"train": len(train), "test": len(test)},
        "vision_encoder": train.encoder,
        "text_encoder": run.texts[1],
        "text": dict(task_set.text_mode),
        "recipe": run.config.recipe.to_dict(),
        "generator_sha256": sha256_of(run.path("train", "generator.safetensors")),
        "versions": {"python": platform.python_version()} | {name: v for name in _PACKAGES if (v := _version(name))},
        "seconds": {name: s for name in STAGES if (s := stage_record(run.folder, name).get("seconds")) is not None},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
