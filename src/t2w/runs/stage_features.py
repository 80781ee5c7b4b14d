"""Stage `features`: features/features.safetensors (images), features/texts.safetensors (class texts).

The run folder keeps its own copy, so a run stays what it was when the source moves or changes.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from t2w.cluster import Cluster
from t2w.config import Config
from t2w.devices import resolve_device
from t2w.features import FeatureSet, save_features
from t2w.files import save_tensors, write_json
from t2w.runs.run import Run
from t2w.tasks import TextMode

if TYPE_CHECKING:
    from t2w.encoders import VisionEncoder

__all__ = ["cache_folder", "check_vision_encoder", "run"]

log = logging.getLogger("t2w")


def run(run: Run) -> None:
    from t2w.encoders import encode_classes

    train, test, vision, wnids = _image_features(run)
    save_features(run.path("features", "features.safetensors"), train, test)
    write_json(run.path("features", "vision.json"), vision)
    write_json(run.path("features", "wnids.json"), wnids)
    names, mode = run.task_set.class_names, TextMode.from_dict(run.task_set.text_mode)
    save_tensors(
        run.path("features", "texts.safetensors"),
        {"text": encode_classes(run.text_encoder, mode.prompts(names))},
        {"class_names": list(names), "texts": list(mode.texts(names)), "encoder": run.text_encoder.identity},
    )
    log.info("features: %d training and %d test images, %d numbers each", len(train), len(test), train.dim)


def _image_features(run: Run) -> tuple[FeatureSet, FeatureSet, dict[str, object], list[str] | None]:
    """Training and test features, the vision encoder's description, and WordNet ids where the dataset has them."""
    if run.source is not None:
        train, test = run.source
        return train, test, {"identity": train.encoder, "preprocessing": train.preprocessing}, None
    from t2w.datasets import load_dataset
    from t2w.encoders import PixelEncoder
    from t2w.features import extract

    dataset, name = run.config.dataset, run.config.dataset.name
    parts = load_dataset(name, path=dataset.path, split_seed=dataset.split_seed, download=dataset.download)
    images = parts[0]
    about = {"name": images.name, "licence": images.licence, "source": images.source}
    write_json(run.path("features", "data.json"), about)  # for the card of what is made of them
    if _vision_name(run.config) == "pixels":
        seen = images.of_classes(run.task_set.seen_classes)  # unseen classes leave no trace in it
        encoder: VisionEncoder = PixelEncoder.fit(seen.images, white=images.max_value)
    else:
        encoder = _named_encoder(run)
    cache = cache_folder(run.config) if name != "digits" else None
    launcher = run.config.launcher
    cluster = Cluster(launcher.address, run.config.device) if launcher.name == "ray" else None
    load = None if isinstance(encoder, PixelEncoder) else partial(_load, run.config)
    train, test = (extract(encoder, part, cache=cache, cluster=cluster, load=load) for part in parts)
    return train, test, encoder.to_dict(), images.provenance.get("wnids")


def cache_folder(config: Config) -> Path | None:
    """Where features are kept for other runs; None: nowhere."""
    return Path(config.encoder.cache).expanduser() if config.encoder.cache else None


def check_vision_encoder(run: Run) -> None:
    """Find that the vision encoder is missing before anything is written. Raises T2WError."""
    if run.config.dataset.name != "features" and _vision_name(run.config) != "pixels":
        _named_encoder(run)


def _vision_name(config: Config) -> str:
    return config.encoder.vision or ("pixels" if config.dataset.name == "digits" else "efficientnet-lite0")


def _named_encoder(run: Run) -> VisionEncoder:
    return _load(run.config, device=str(run.device))


def _load(config: Config, *, device: str) -> VisionEncoder:
    """The encoder on this machine, or on a worker's."""
    from t2w.encoders import load_vision_encoder

    return load_vision_encoder(_vision_name(config), revision=config.encoder.revision, device=resolve_device(device))
