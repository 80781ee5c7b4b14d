"""The adapters of one dataset of the reference as a weight dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec, recipe
from t2w.adapters.factory import tensor_hash
from t2w.adapters.store import AdapterRecord, Shard, write_shard
from t2w.errors import T2WError
from t2w.files import fingerprint
from t2w.interop.reference_adapters import load_adapter
from t2w.progress import track
from t2w.tasks import TextMode

__all__ = ["TEXT_MODE", "import_adapters"]

_SHARD = 512  # adapters per file: 35 MB at the reference's size
_IMAGES = 500  # training images per class of CIFAR-100 and Tiny-ImageNet
TEXT_MODE = TextMode(separators="")  # class names verbatim, underscores kept, as the reference has them


def import_adapters(
    folder: Path,
    out: Path,
    *,
    classes: Mapping[int, tuple[str, ...]],
    splits: Mapping[int, str],
    skip_damaged: bool = False,
) -> list[str]:
    """Write the adapters of `folder`, a data_gen/<dataset>, into the folder `out`; memory stays flat.

    Args:
        classes: task index -> its class names; adapters of other tasks are left out, and named.
        splits: task index -> the split it is in, for those in one.
        skip_damaged: leave out files that cannot be read, and name them; False: refuse.
    """
    tasks = {str(index): index for index in classes}
    paths = {path: tasks.get(path.parent.name) for path in folder.glob("checkpoints/*/task.pt")}
    said = [f"{path}: left out: no file tells the classes of such a task" for path, i in paths.items() if i is None]
    known = {index: path for path, index in sorted(paths.items(), key=lambda item: item[1] or 0) if index is not None}
    specs, damaged = {}, []
    for index in track(known, "check", total=len(known), unit="adapter"):
        try:
            specs[index] = load_adapter(known[index]).spec
        except T2WError as error:
            damaged.append(error.found)
    if damaged and not skip_damaged:
        listed = "; ".join(damaged[:3]) + (f"; and {len(damaged) - 3} more" if len(damaged) > 3 else "")
        raise T2WError(
            f"{len(damaged)} of {len(known)} adapters cannot be read: {listed}",
            fix="copy or train these again, or leave them out with --skip-damaged",
        )
    said += [f"left out: {problem}" for problem in damaged]
    if not specs:
        return [*said, f"{folder}: no adapters"]
    path, spec = folder / "checkpoints" / "base.pt", next(iter(specs.values()))
    sizes = {known[index]: found for index, found in specs.items()}
    base = torch.zeros(spec.size)
    if path.is_file():
        sizes[path], base, _ = load_adapter(path)
    else:
        said.append(f"{folder}: no checkpoints/base.pt; zeros stand in its place as the base adapter")
    for place, found in sizes.items():
        if found != spec:
            raise T2WError(
                f"{place} is an adapter {found.in_features}-{found.hidden}-{found.out_features}",
                expected=f"{spec.in_features}-{spec.hidden}-{spec.out_features}, as {next(iter(sizes))}",
                fix="keep adapters of one size in a tree",
            )
    identity = _identity(folder.name, spec, base, {index: classes[index] for index in specs})
    indices = list(specs)
    for begin in track(range(0, len(indices), _SHARD), "import", total=-(-len(indices) // _SHARD), unit="shard"):
        part = indices[begin : begin + _SHARD]
        adapters = [load_adapter(known[index]) for index in part]
        records = tuple(
            AdapterRecord(
                position=begin + i,
                task_id=index,
                class_names=classes[index],
                seed=0,
                steps=recipe("paper").steps_for(_IMAGES * len(classes[index])),
                loss=float("nan"),  # the reference keeps none
                test_accuracy=adapters[i].accuracy,
                split=splits.get(index),
            )
            for i, index in enumerate(part)
        )
        names = sorted({name for index in part for name in classes[index]})
        texts = dict(zip(names, TEXT_MODE.texts(names), strict=True))
        vectors = torch.stack([adapter.vector for adapter in adapters])
        shard = Shard(
            begin=begin, end=begin + len(part), total=len(indices), fingerprint=fingerprint(identity),
            identity=identity, spec=spec, vectors=vectors, base=base, records=records, texts=texts,
            provenance={"imported": str(folder), "recipe": "paper"},
        )  # fmt: skip
        write_shard(out, shard)
    return [f"{out}: {len(indices)} adapters of {spec.size} weights", *said]


def _identity(dataset: str, spec: AdapterSpec, base: Tensor, classes: Mapping[int, tuple[str, ...]]) -> dict[str, Any]:
    """As an adapter job has it. The reference seeds nothing, so the seed means nothing."""
    features = {"encoder": "torchvision resnet18 (ImageNet)", "preprocessing": f"the reference's for {dataset}"}
    features["hash"] = "unknown"
    return {
        "seed": 0,
        "recipe": {key: value for key, value in recipe("paper").to_dict().items() if key != "name"},
        "spec": spec.to_dict(),
        "dtype": "float32",
        "base": tensor_hash(base),
        "train_features": {**features, "split": "train"},
        "test_features": {**features, "split": "test"},
        "text": "OpenAI CLIP ViT-B/32, a photo of a {}",
        "tasks": fingerprint([[index, list(names)] for index, names in classes.items()]),
        "total": len(classes),
    }
