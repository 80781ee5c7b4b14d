"""An adapter job: everything that determines thousands of adapters, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from t2w.adapters.holdout import check_classes, check_sizes, class_rows
from t2w.adapters.recipes import Recipe
from t2w.adapters.spec import AdapterSpec
from t2w.adapters.units import UnitStarts
from t2w.errors import T2WError, nearest
from t2w.features import FeatureSet
from t2w.files import fingerprint
from t2w.tasks import Task

__all__ = ["AdapterJob", "tensor_hash"]


@dataclass(frozen=True, eq=False)
class AdapterJob:
    """A pure function's arguments: with a range of positions in `tasks`, they determine that range's adapters.

    Attributes:
        base: (P,), the adapter every task starts from; zeros where `starts` gives each its own.
        train: training features; classes are positions in its `class_names`.
        test: test features of the same classes, for the record's test accuracy; None: not measured.
        text: (C, out_features), one embedding per class name.
        tasks: for each task the numbers of its classes.
        task_ids: the task's id, which its random draws depend on; all different.
        dtype: what features are kept in while training, torch.float32 or torch.bfloat16.
        texts: the text of each class name (C of them), for the record; None: not recorded.
        splits: the split of each task, for the record; None: not recorded.
        starts: where each task starts; None: at `base`.

    Raises:
        T2WError: sizes that do not fit, a class or an id that cannot be, a base that is not finite.
    """

    spec: AdapterSpec
    base: torch.Tensor
    train: FeatureSet
    test: FeatureSet | None
    text: torch.Tensor
    tasks: tuple[tuple[int, ...], ...]
    task_ids: tuple[int, ...]
    recipe: Recipe
    seed: int = 0
    dtype: torch.dtype = torch.float32
    texts: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None
    starts: UnitStarts | None = None

    def __post_init__(self) -> None:
        check_sizes(self.spec, self.train, self.text)
        if self.base.shape != (self.spec.size,):
            raise T2WError(f"a base adapter of shape {tuple(self.base.shape)}", expected=f"({self.spec.size},)")
        if not bool(torch.isfinite(self.base).all()):
            raise T2WError("the base adapter holds NaN or infinity", fix="train it again with a lower learning rate")
        if self.dtype not in (torch.float32, torch.bfloat16):
            raise T2WError(f"dtype is {self.dtype}", expected="torch.float32 or torch.bfloat16")
        if not self.tasks:
            raise T2WError("a job without tasks", expected="at least one")
        names = self.train.class_names
        for what, values, count in (
            ("task ids", self.task_ids, len(self.tasks)),
            ("splits", self.splits, len(self.tasks)),
            ("texts", self.texts, len(names)),
        ):
            if values is not None and len(values) != count:
                raise T2WError(f"{len(values)} {what}", expected=str(count))
        if len(set(self.task_ids)) < len(self.task_ids):
            raise T2WError("two tasks have the same id", expected="each id once")
        for features in (self.train, *([] if self.test is None else [self.test])):
            if features.class_names != names:
                raise T2WError("the test features are of other classes than the training features", expected="the same")
            counts = class_rows(features).counts
            for task_id, classes in zip(self.task_ids, self.tasks, strict=True):
                check_classes(classes, counts, names, what=f"task {task_id}")

    @classmethod
    def from_tasks(cls, tasks: Sequence[Task], *, train: FeatureSet, **others: Any) -> AdapterJob:
        """The job of some tasks, whose class names are looked up among those of `train`.

        Args:
            others: the attributes that tasks do not give.

        Raises:
            T2WError: a task names a class without features, and as the class itself.
        """
        number = {name: i for i, name in enumerate(train.class_names)}
        texts: dict[str, str] = {}
        for task in tasks:
            texts.update(zip(task.classes, task.texts, strict=True))
            for name in task.classes:
                if name not in number:
                    raise T2WError(
                        f"task {task.id} has class {name!r}, of which there are no features{nearest(name, number)}"
                    )
        return cls(
            train=train,
            tasks=tuple(tuple(number[name] for name in task.classes) for task in tasks),
            task_ids=tuple(task.id for task in tasks),
            texts=tuple(texts.get(name, "") for name in train.class_names),
            splits=tuple(task.split for task in tasks),
            **others,
        )

    def __len__(self) -> int:
        return len(self.tasks)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What determines the contents, JSON-like: two jobs with equal identities make equal adapters."""
        recipe = {key: value for key, value in self.recipe.to_dict().items() if key != "name"}
        return {
            "seed": self.seed,
            "recipe": recipe,
            "spec": self.spec.to_dict(),
            "dtype": str(self.dtype).removeprefix("torch."),
            "base": tensor_hash(self.base),
            "train_features": _features_identity(self.train),
            "test_features": None if self.test is None else _features_identity(self.test),
            "text": tensor_hash(self.text),
            "tasks": fingerprint([self.tasks, self.task_ids]),
            "total": len(self.tasks),
            **({} if self.starts is None else {"starts": [tensor_hash(self.starts.rows), self.starts.gain]}),
        }

    @cached_property
    def fingerprint(self) -> str:
        """Hash of `identity` (16 hex digits)."""
        return fingerprint(self.identity)


def tensor_hash(*tensors: torch.Tensor | None) -> str:
    """SHA-256 (16 hex digits) of types, shapes and bytes; None counts as something of its own."""
    digest = hashlib.sha256()
    for tensor in tensors:
        if tensor is None:
            digest.update(b"none")
            continue
        tensor = tensor.detach().cpu().contiguous()
        digest.update(f"{tensor.dtype}/{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def _features_identity(features: FeatureSet) -> dict[str, str]:
    """Whose features they are (encoder, preprocessing, split) and a hash of their numbers, labels and class names."""
    return {
        "encoder": features.encoder,
        "preprocessing": features.preprocessing,
        "split": features.split,
        "hash": tensor_hash(features.features, features.scale, features.labels),
        "class_names": hashlib.sha256("\0".join(features.class_names).encode()).hexdigest()[:16],
    }
