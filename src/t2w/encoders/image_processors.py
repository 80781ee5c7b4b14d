"""Preprocessing as Hugging Face models describe it: preprocessor_config.json, of every age of that file.

Source: the documented defaults of the image processors of transformers, by type.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from t2w.encoders.preprocessing import Preprocessing, Resample
from t2w.errors import T2WError, nearest
from t2w.files import read_json

__all__ = ["read_preprocessing"]

_HALF: dict[str, Any] = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
_IMAGENET: dict[str, Any] = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
_CLIP: dict[str, Any] = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "size": {"shortest_edge": 224},
    "default_to_square": False,
    "do_center_crop": True,
}
_TYPES: dict[str, dict[str, Any]] = {
    "Bit": _CLIP,
    "Blip": {**_CLIP, "size": 384, "default_to_square": True, "do_center_crop": False},
    "CLIP": _CLIP,
    "ChineseCLIP": _CLIP,
    "ConvNext": {**_HALF, "size": {"shortest_edge": 384}, "default_to_square": False, "crop_pct": 224 / 256},
    "DeiT": {**_HALF, "size": 256, "do_center_crop": True},
    "MobileNetV1": {**_CLIP, **_HALF, "size": {"shortest_edge": 256}, "resample": 2},
    "Pvt": {**_IMAGENET, "size": 224},
    "Siglip": {**_HALF, "size": 224, "default_to_square": False},
    "ViT": {**_HALF, "size": 224, "resample": 2},
}
"""What each type of processor takes where its file says nothing."""

_COMMON: dict[str, Any] = {
    "do_resize": True,
    "do_center_crop": False,
    "do_rescale": True,
    "do_normalize": True,
    "default_to_square": True,
    "resample": 3,
    "rescale_factor": 1 / 255,
    "crop_size": 224,
}
_OF_MODELS = {"clip": "CLIP", "convnext": "ConvNext", "convnextv2": "ConvNext", "deit": "DeiT", "dinov2": "Bit"}
_OF_MODELS |= {"resnet": "ConvNext", "siglip": "Siglip", "vit": "ViT"}  # for files that do not say their type
_WITHOUT_EFFECT = {  # images come as RGB
    "_processor_class", "_valid_processor_keys", "auto_map", "backend", "data_format", "device", "disable_grouping",
    "do_convert_rgb", "feature_extractor_type", "image_processor_type", "image_seq_length", "input_data_format",
    "processor_class", "return_tensors",
}  # fmt: skip


def read_preprocessing(folder: Path) -> Preprocessing:
    """The preprocessing of the model in `folder`. Raises T2WError where its files say nothing, or something unknown."""
    path = folder / "preprocessor_config.json"
    together = folder / "processor_config.json"  # newer files of models with a text side hold all processors
    values: Any
    if together.is_file() and isinstance(whole := read_json(together), dict) and "image_processor" in whole:
        path, values = together, whole["image_processor"]
    else:
        values = read_json(path, what="the preprocessing of an image model", fix="copy the model's folder whole")
    if not isinstance(values, dict):
        raise T2WError(f"{path} holds no image processor", expected="its values by name")
    kind = values.get("image_processor_type") or values.get("feature_extractor_type")
    if kind is None:
        model = read_json(folder / "config.json", what="the description of an image model").get("model_type")
        kind = f"{_OF_MODELS.get(model, '')}ImageProcessor"
        if model not in _OF_MODELS:
            raise T2WError(
                f"{path} does not say its image_processor_type, and the model is a {model}",
                fix=f"add it to the file; known are {', '.join(f'{name}ImageProcessor' for name in _TYPES)}",
            )
    name = kind.removesuffix("Pil").removesuffix("Fast").removesuffix("ImageProcessor").removesuffix("FeatureExtractor")
    if name not in _TYPES:
        raise T2WError(
            f"{path} asks for the preprocessing {kind}{nearest(name, _TYPES)}",
            expected=", ".join(f"{known}ImageProcessor" for known in _TYPES),
            fix="use another model: features of images prepared otherwise would be wrong without a sign",
        )
    given = {key: value for key, value in values.items() if value is not None and key not in _WITHOUT_EFFECT}
    known = {**_COMMON, **_TYPES[name]}
    if strange := sorted(key for key, value in given.items() if key not in known and value is not False):
        raise T2WError(
            f"{path} asks for {strange[0]}={given[strange[0]]!r}, which {kind} does not have",
            expected=", ".join(sorted(known)),
            fix="use another model: leaving it out would give wrong features",
        )
    return _built({**known, **given}, path, crop_pct_rule="crop_pct" in known)


def _built(v: Mapping[str, Any], where: Path, *, crop_pct_rule: bool) -> Preprocessing:
    try:
        resize = _size(v["size"], square=v["default_to_square"]) if v["do_resize"] else None
        crop = _size(v["crop_size"], square=True) if v["do_center_crop"] else None
        if crop_pct_rule and isinstance(resize, int):
            if crop is not None:
                raise ValueError("a second cut after crop_pct")
            # Below 384 a little more than the image is kept and its middle cut out; from 384 on it is squeezed whole.
            side = resize
            resize, crop = (int(side / v["crop_pct"]), (side, side)) if side < 384 else ((side, side), None)
        standardised = v["do_normalize"]
        result = Preprocessing(
            resize=resize,
            crop=crop if isinstance(crop, tuple) else None,
            resample=get_args(Resample)[v["resample"]],
            rescale=float(v["rescale_factor"]) if v["do_rescale"] else 1.0,
            mean=_three(v["image_mean"]) if standardised else (0.0, 0.0, 0.0),
            std=_three(v["image_std"]) if standardised else (1.0, 1.0, 1.0),
        )
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise T2WError(
            f"{where} cannot be read as preprocessing ({error!r})", fix="copy the model's files again"
        ) from error
    if result.size is None:
        raise T2WError(f"{where} gives images of different sizes", expected="height and width, or a centre crop")
    return result


def _size(value: Any, *, square: bool) -> int | tuple[int, int]:
    """224, [224, 224], {"shortest_edge": 224} or {"height": 224, "width": 224}."""
    if isinstance(value, int):
        return (value, value) if square else value
    if isinstance(value, dict):
        value = {key: side for key, side in value.items() if side is not None}
        if set(value) == {"shortest_edge"}:
            return int(value["shortest_edge"])
        if set(value) != {"height", "width"}:
            raise ValueError(f"size {value}")
        value = value["height"], value["width"]
    height, width = value
    return int(height), int(width)


def _three(value: Any) -> tuple[float, float, float]:
    red, green, blue = (value,) * 3 if isinstance(value, (int, float)) else value
    return float(red), float(green), float(blue)
