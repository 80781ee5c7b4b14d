"""A classifier's last layer: one row of weights for every class that an image model was trained to name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from t2w.encoders.loading import weight_files
from t2w.errors import T2WError
from t2w.files import read_json

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ClassifierHead", "read_head"]

_NO_NAME = re.compile(r"|(label|class)?[ _]?\d+", re.IGNORECASE)  # what stands there where nobody named the classes
# A linear layer, alone or after a flattening: ViT and ConvNeXt have the first, ResNet has the second.
_LAYER = re.compile(r"classifier(\.\d+)?\.(weight|bias)")


@dataclass(frozen=True, eq=False)
class ClassifierHead:
    """Scores x @ weight.T + bias of features x (B, d).

    Attributes:
        weight: (N, d) float32.
        bias: (N,) float32.
        labels: (N) what each row is for: a WordNet id ("n02123045"), or names with commas ("tabby, tabby cat").
        mean: (d,) the mean feature of the images the model was trained on, where its weights tell; None where not.

    Raises:
        T2WError: rows, biases and labels that do not fit, or numbers that are not finite.
    """

    weight: Tensor
    bias: Tensor
    labels: tuple[str, ...]
    mean: Tensor | None = None

    def __post_init__(self) -> None:
        n = len(self.labels)
        if self.weight.ndim != 2 or len(self.weight) != n or tuple(self.bias.shape) != (n,):
            raise T2WError(
                f"a last layer of shape {tuple(self.weight.shape)} with {len(self.bias)} biases for {n} class names",
                expected="one row and one bias per name",
                fix="copy the model's folder whole: its config.json belongs to other weights",
            )
        if not (self.weight.isfinite().all() and self.bias.isfinite().all()):
            raise T2WError("the model's last layer holds NaN or infinity", fix="get the model again")

    def named(self) -> ClassifierHead:
        """The rows whose labels are words: one such as LABEL_0 is no name. Raises T2WError where none of them are."""
        kept = [i for i, label in enumerate(self.labels) if not _NO_NAME.fullmatch(label.strip())]
        if not kept:
            raise T2WError(
                f"the model's class names are such as {self.labels[0]!r}" if self.labels else "a model without classes",
                expected="words: they are what it is known by",
                fix="put the names into id2label of its config.json, or set encoder.concepts=false",
            )
        return ClassifierHead(self.weight[kept], self.bias[kept], tuple(self.labels[i] for i in kept), self.mean)


def read_head(folder: Path, dim: int) -> ClassifierHead:
    """The last layer of a Hugging Face image classifier, with the names that its config.json gives the rows.

    Raises T2WError where there is no such layer, one of other than `dim` features, or names that do not fit the rows.
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
    names = read_json(folder / "config.json", what="the description of an image model").get("id2label")
    if names is None:  # transformers writes none that are generic
        names = {str(i): f"LABEL_{i}" for i in range(len(layer["weight"]))}
    labels = tuple(str(names[key]) for key in sorted(names, key=int))
    return ClassifierHead(layer["weight"].float(), layer["bias"].float(), labels)


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
