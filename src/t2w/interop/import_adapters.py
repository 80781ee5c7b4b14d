"""The adapters of one dataset of the reference as a weight dataset, and its tasks and conditions beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec, recipe
from t2w.adapters.factory import tensor_hash
from t2w.adapters.store import AdapterRecord, Shard, write_shard
from t2w.errors import T2WError
from t2w.files import fingerprint
from t2w.interop.reference_adapters import ReferenceAdapter, load_adapter
from t2w.interop.reference_tree import TreeFiles
from t2w.progress import progress
from t2w.tasks import TextMode

__all__ = ["TEXT_MODE", "import_adapters"]

_SHARD = 512  # adapters per file: 35 MB at the reference's size
_IMAGES = 500  # training images per class of CIFAR-100 and Tiny-ImageNet
TEXT_MODE = TextMode(separators="")  # class names verbatim, underscores kept, as the reference has them


def import_adapters(
    files: TreeFiles,
    out: Path,
    *,
    classes: Mapping[int, tuple[str, ...]],
    splits: Mapping[int, str],
    skip_damaged: bool = False,
) -> list[str]:
    """Write the adapters into the folder `out`; memory stays flat.

    Args:
        classes: task index -> its class names; adapters of other tasks are left out, and named.
        splits: task index -> the split it is in, for those in one.
        skip_damaged: leave out files that cannot be read, and name them; False: refuse.

    Returns:
        What was done and what was left out, one sentence each.

    Raises:
        T2WError: a file is damaged or foreign (and not `skip_damaged`), or adapters are of several sizes.
    """
    said = [f"{path}: not of the reference, its folder is no task's number" for path in files.strange]
    known = [index for index in files.adapters if index in classes]
    said += [f"{files.adapters[i]}: no task {i} in {files.folder}" for i in files.adapters if i not in classes]
    base = None if files.base is None else load_adapter(files.base)
    read, damaged = _survey(files, known)
    if damaged and not skip_damaged:
        listed = "; ".join(damaged[:3]) + (f"; and {len(damaged) - 3} more" if len(damaged) > 3 else "")
        raise T2WError(
            f"{len(damaged)} of {len(known)} adapters cannot be read: {listed}",
            fix="copy or train these again, or leave them out with --skip-damaged",
        )
    said += [f"left out: {problem}" for problem in damaged]
    if not read:
        return [*said, f"{files.folder}: no adapters"]
    _check_one_size(files, read, base)
    _write(out, files, list(read), base, classes, splits)
    if base is None:
        said.append(f"{files.folder}: no checkpoints/base.pt; zeros stand in its place as the base adapter")
    return [f"{out}: {len(read)} adapters of {next(iter(read.values())).size} weights", *said]


def _survey(files: TreeFiles, known: Sequence[int]) -> tuple[dict[int, AdapterSpec], list[str]]:
    """The sizes of the adapters that can be read, and what is wrong with the others."""
    read, damaged = {}, []
    with progress("check", total=len(known), unit="adapter") as bar:
        for index in known:
            try:
                read[index] = load_adapter(files.adapters[index]).spec
            except T2WError as error:
                damaged.append(error.found)
            bar.update()
    return read, damaged


def _check_one_size(files: TreeFiles, read: Mapping[int, AdapterSpec], base: ReferenceAdapter | None) -> None:
    first, spec = next(iter(read.items()))
    others = {files.adapters[index]: found for index, found in read.items() if found != spec}
    if base is not None and base.spec != spec and files.base is not None:
        others[files.base] = base.spec
    for path, found in others.items():
        raise T2WError(
            f"{path} is an adapter {found.in_features}-{found.hidden}-{found.out_features}",
            expected=f"{spec.in_features}-{spec.hidden}-{spec.out_features}, as {files.adapters[first]}",
            fix="keep adapters of one size in a tree",
        )


def _write(
    out: Path,
    files: TreeFiles,
    indices: Sequence[int],
    base: ReferenceAdapter | None,
    classes: Mapping[int, tuple[str, ...]],
    splits: Mapping[int, str],
) -> None:
    spec = load_adapter(files.adapters[indices[0]]).spec
    vector = torch.zeros(spec.size) if base is None else base.vector
    identity = _identity(files.folder.name, spec, vector, {i: classes[i] for i in indices})
    with progress("import", total=len(indices), unit="adapter") as bar:
        for begin in range(0, len(indices), _SHARD):
            part = indices[begin : begin + _SHARD]
            adapters = [load_adapter(files.adapters[index]) for index in part]
            names = sorted({name for index in part for name in classes[index]})
            shard = Shard(
                begin=begin,
                end=begin + len(part),
                total=len(indices),
                fingerprint=fingerprint(identity),
                identity=identity,
                spec=spec,
                vectors=torch.stack([adapter.vector for adapter in adapters]),
                base=vector,
                records=tuple(
                    _record(begin + i, index, adapter, classes[index], splits.get(index))
                    for i, (index, adapter) in enumerate(zip(part, adapters, strict=True))
                ),
                texts=dict(zip(names, TEXT_MODE.texts(names), strict=True)),
                provenance={"imported": str(files.folder), "recipe": "paper"},
            )
            write_shard(out, shard)
            bar.update(len(part))


def _record(
    position: int, index: int, adapter: ReferenceAdapter, names: tuple[str, ...], split: str | None
) -> AdapterRecord:
    return AdapterRecord(
        position=position,
        task_id=index,
        class_names=names,
        seed=0,
        steps=recipe("paper").steps_for(_IMAGES * len(names)),
        loss=float("nan"),  # the reference keeps none
        test_accuracy=adapter.accuracy,
        split=split,
    )


def _identity(dataset: str, spec: AdapterSpec, base: Tensor, classes: Mapping[int, tuple[str, ...]]) -> dict[str, Any]:
    """As an adapter job has it. The reference seeds nothing, so the seed means nothing."""
    features = {"encoder": "torchvision resnet18 (ImageNet)", "preprocessing": f"the reference's for {dataset}"}
    return {
        "seed": 0,
        "recipe": {key: value for key, value in recipe("paper").to_dict().items() if key != "name"},
        "spec": spec.to_dict(),
        "dtype": "float32",
        "base": tensor_hash(base),
        "train_features": {**features, "split": "train", "hash": "unknown"},
        "test_features": {**features, "split": "test", "hash": "unknown"},
        "text": "OpenAI CLIP ViT-B/32, a photo of a {}",
        "tasks": fingerprint([[index, list(names)] for index, names in classes.items()]),
        "total": len(classes),
    }
