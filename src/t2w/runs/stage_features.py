"""Stage `features`: features/features.safetensors (images), features/texts.safetensors (class texts).

The run folder keeps its own copy, so a run stays what it was when the source moves or changes.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from t2w.config import Config
from t2w.devices import resolve_device
from t2w.errors import T2WError
from t2w.features import FeatureSet, load_features, save_features
from t2w.files import load_tensors, read_json, save_tensors, write_json
from t2w.runs.folder import Run
from t2w.runs.stage_tasks import read_task_set
from t2w.tasks import TextMode

if TYPE_CHECKING:
    from t2w.datasets import ImageSet
    from t2w.encoders import VisionEncoder

__all__ = ["check_vision_encoder", "read_features", "read_texts", "read_vision", "read_wnids", "run"]

log = logging.getLogger("t2w")

_PIXELS, _PHOTOGRAPHS = "pixels", "efficientnet-lite0"


def run(run: Run) -> None:
    train, test, vision, wnids = _image_features(run.config, read_task_set(run).seen_classes)
    save_features(run.path("features", "features.safetensors"), train, test)
    write_json(run.path("features", "vision.json"), vision)
    write_json(run.path("features", "wnids.json"), wnids)
    _encode_texts(run)
    log.info("features: %d training and %d test images, %d numbers each", len(train), len(test), train.dim)


def _image_features(
    config: Config, seen_classes: tuple[str, ...]
) -> tuple[FeatureSet, FeatureSet, dict[str, object], list[str] | None]:
    """Training and test features, the vision encoder's description, and WordNet ids where the dataset has them."""
    if config.dataset.name == "features":
        assert config.dataset.path is not None  # the schema saw to it
        train, test = load_features(config.dataset.path)
        return train, test, {"identity": train.encoder, "preprocessing": train.preprocessing}, None
    from t2w.datasets import load_dataset
    from t2w.features import extract

    dataset = config.dataset
    images, test_images = load_dataset(
        dataset.name, path=dataset.path, split_seed=dataset.split_seed, download=dataset.download
    )
    encoder = _vision_encoder(config, images, seen_classes)
    cache = Path(config.encoder.cache).expanduser() if config.encoder.cache and dataset.name != "digits" else None
    train, test = (extract(encoder, part, cache=cache) for part in (images, test_images))
    return train, test, encoder.to_dict(), images.provenance.get("wnids")


def check_vision_encoder(config: Config) -> None:
    """Find that the vision encoder is missing before anything is written. Raises T2WError."""
    if config.dataset.name != "features" and _vision_name(config) != _PIXELS:
        _named_encoder(config)


def _vision_encoder(config: Config, images: ImageSet, seen_classes: tuple[str, ...]) -> VisionEncoder:
    from t2w.encoders import PixelEncoder

    if _vision_name(config) == _PIXELS:
        return PixelEncoder.fit(
            images.of_classes(seen_classes).images, white=images.max_value
        )  # unseen classes leave no trace in it
    return _named_encoder(config)


def _vision_name(config: Config) -> str:
    return config.encoder.vision or (_PIXELS if config.dataset.name == "digits" else _PHOTOGRAPHS)


def _named_encoder(config: Config) -> VisionEncoder:
    from t2w.encoders import load_vision_encoder

    device = resolve_device(config.device)
    return load_vision_encoder(_vision_name(config), revision=config.encoder.revision, device=device)


def _encode_texts(run: Run) -> None:
    from t2w.encoders import encode_classes, load_text_encoder

    task_set = read_task_set(run)
    names, mode = task_set.class_names, TextMode.from_dict(task_set.text_mode)
    encoder = load_text_encoder(run.config.encoder.path or run.config.encoder.name)
    embeddings = encode_classes(encoder, mode.prompts(names))
    save_tensors(
        run.path("features", "texts.safetensors"),
        {"text": embeddings},
        {"class_names": list(names), "texts": list(mode.texts(names)), "encoder": encoder.identity},
    )


def read_features(run: Run) -> tuple[FeatureSet, FeatureSet]:
    """(train, test) features of the run."""
    return load_features(run.path("features", "features.safetensors"))


def read_vision(run: Run) -> dict[str, object]:
    """The vision encoder's description."""
    vision: dict[str, object] = read_json(run.path("features", "vision.json"), what="a vision encoder's description")
    return vision


def read_wnids(run: Run) -> list[str] | None:
    """The WordNet id of each class; None where the dataset does not have them."""
    ids: list[str] | None = read_json(run.path("features", "wnids.json"), what="the ids of a dataset's classes")
    return ids


def read_texts(run: Run) -> tuple[torch.Tensor, str]:
    """(C, d) class texts in the order of the classes, L2-normalised, and the identity of their encoder."""
    path = run.path("features", "texts.safetensors")
    tensors, metadata = load_tensors(path, what="class texts")
    names = read_task_set(run).class_names
    if "text" not in tensors or len(tensors["text"]) != len(names):
        raise T2WError(f"{path} does not hold one text for each of {len(names)} classes", fix="remove it and run again")
    return tensors["text"], str(metadata["encoder"])
