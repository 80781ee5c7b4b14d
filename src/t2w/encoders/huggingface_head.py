"""The last layer of a Hugging Face image classifier, with the names that its config.json gives the rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from t2w.encoders.head import ClassifierHead
from t2w.encoders.weights import weight_files
from t2w.errors import T2WError
from t2w.files import read_json

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["read_head"]

# A linear layer, alone or after a flattening: ViT and ConvNeXt have the first, ResNet has the second.
_LAYER = re.compile(r"classifier(\.\d+)?\.(weight|bias)")


def read_head(folder: Path, dim: int) -> ClassifierHead:
    """One row for each class of the model.

    Args:
        folder: config.json and safetensors.
        dim: number of features the encoder gives, which the layer must take.

    Raises:
        T2WError: no such layer, one of other features, or names that do not fit the rows.
    """
    layer = _layer(folder)
    if layer.keys() != {"weight", "bias"} or layer["weight"].ndim != 2:
        raise T2WError(
            f"the model in {folder} has no last layer that names classes",
            expected="an image classifier, such as microsoft/resnet-18",
            fix="give one, or set encoder.concepts=false",
        )
    if layer["weight"].shape[1] != dim:
        raise T2WError(
            f"the last layer in {folder} takes {layer['weight'].shape[1]} numbers, and the features are {dim}",
            expected="a classifier on the pooled features themselves",
            fix="give another model, or set encoder.concepts=false",
        )
    return ClassifierHead(layer["weight"].float(), layer["bias"].float(), _labels(folder, len(layer["weight"])))


def _layer(folder: Path) -> dict[str, Tensor]:
    """The layer's weight and bias, as far as the files hold them."""
    from safetensors import SafetensorError, safe_open

    found = {}
    for file in weight_files(folder):
        try:
            with safe_open(str(file), framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118  a safetensors file is no dictionary
                    if match := _LAYER.fullmatch(name):
                        found[match[2]] = tensors.get_tensor(name)
        except (OSError, SafetensorError) as error:
            raise T2WError(f"{file} cannot be read ({error})", fix="copy the model's folder again") from error
    return found


def _labels(folder: Path, rows: int) -> tuple[str, ...]:
    """As config.json has them; generic ones where it has none, as transformers writes none that are generic."""
    names = read_json(folder / "config.json", what="the description of an image model").get("id2label")
    names = {str(i): f"LABEL_{i}" for i in range(rows)} if names is None else names
    return tuple(str(names[key]) for key in sorted(names, key=int))
