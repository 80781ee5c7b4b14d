"""Encoders by name: presets, models on the hub, folders, and descriptions stored beside features and adapters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.encoders.hub import ModelFolder, find_model
from t2w.errors import T2WError, nearest
from t2w.files import read_json

if TYPE_CHECKING:
    import torch

    from t2w.encoders.protocols import TextEncoder, VisionEncoder

__all__ = ["PACKAGED", "check_not_retired", "load_text_encoder", "load_vision_encoder", "vision_encoder_from_dict"]

PACKAGED = {"efficientnet-lite0": "t2w.encoders.efficientnet:EfficientNetEncoder"}
"""Vision encoders whose weights come in a package, by kind: module and class, a `PackagedEncoder`."""

_VISION_PRESETS = {
    "resnet18": "microsoft/resnet-18",
    "clip-b32": "openai/clip-vit-base-patch32",
    "dinov2-small": "facebook/dinov2-small",
    "convnext-tiny": "facebook/convnext-tiny-224",
}
_TEXT_PRESETS = {"clip-b32": "openai/clip-vit-base-patch32"}
_MINILM = "minilm"
_RETIRED = "embedded"  # the network for 64x64 images of versions before EfficientNet-Lite0


def load_vision_encoder(
    name_or_path: str | Path, *, revision: str | None = None, device: torch.device | str = "cpu"
) -> VisionEncoder:
    """A frozen vision encoder.

    Args:
        name_or_path: one of `PACKAGED`, a preset ("resnet18"), "organisation/model" on the Hugging Face hub, or a
            folder with such a model.
        revision: commit, branch or tag on the hub; None for the main branch.
        device: where it runs; features come back on the CPU.

    Raises:
        T2WError: an unknown name, an incomplete folder, weights other than safetensors, preprocessing that is not
            known, or a hub that does not answer.
    """
    check_not_retired({"kind": name_or_path, "identity": name_or_path})
    if name_or_path in PACKAGED:
        module, _, kind = PACKAGED[str(name_or_path)].partition(":")
        packaged: VisionEncoder = getattr(import_module(module), kind)(device=device)
        return packaged
    from t2w.encoders.huggingface import HuggingFaceVisionEncoder

    found = _find(name_or_path, "vision encoder", _VISION_PRESETS, PACKAGED, revision)
    return HuggingFaceVisionEncoder(found.path, name=found.name, revision=found.revision, device=device)


def load_text_encoder(name_or_path: str | Path | None = None, *, device: torch.device | str = "cpu") -> TextEncoder:
    """A frozen text encoder.

    Args:
        name_or_path: None or "minilm" (all-MiniLM-L6-v2), "clip-b32" (CLIP's text tower), "organisation/model" on the
            hub, or a folder: a sentence-transformers model or a CLIP model.
        device: where it runs; embeddings come back on the CPU.

    Raises:
        T2WError: as `load_vision_encoder`, or a model of another kind.
    """
    from t2w.encoders.sentence import SentenceEncoder, minilm

    if name_or_path is None or name_or_path == _MINILM:
        return minilm(device=str(device))
    found = _find(name_or_path, "text encoder", _TEXT_PRESETS, (_MINILM,), None)
    if (found.path / "modules.json").is_file():
        return SentenceEncoder(found.path, name=Path(found.name).name, device=str(device))
    model_type = read_json(found.path / "config.json").get("model_type")
    if model_type != "clip":
        raise T2WError(
            f"{found.name} is a {model_type} without modules.json",
            expected="a sentence-transformers model or a CLIP model with both towers",
        )
    from t2w.encoders.clip_text import CLIPTextEncoder

    return CLIPTextEncoder(found.path, device=device)


def check_not_retired(values: Mapping[str, Any]) -> None:
    """Raise T2WError where a description is of an encoder that t2w once had."""
    if values.get("kind") == _RETIRED:
        raise T2WError(
            f"the vision encoder is {values.get('identity')}, which t2w no longer has",
            expected=" or ".join(PACKAGED),
            fix="generate the classifier again, or make the run again in a new folder",
        )


def vision_encoder_from_dict(
    values: Mapping[str, Any], *, source: str | Path | None = None, device: torch.device | str = "cpu"
) -> VisionEncoder:
    """The encoder that `to_dict` described, checked to be the same.

    Args:
        values: of `VisionEncoder.to_dict`, also after JSON.
        source: where the encoder is to be found here, a name or a folder; None for where it was.
        device: where it runs.

    Raises:
        T2WError: the encoder is not here and cannot be fetched, or what is found has other weights or preprocessing.
    """
    check_not_retired(values)
    kind, identity = values.get("kind"), values.get("identity")
    if kind == "pixels":
        from t2w.encoders.pixels import PixelEncoder

        return PixelEncoder.from_dict(values)
    if kind not in (*PACKAGED, "huggingface"):
        raise T2WError(
            f"the vision encoder is {identity}, of the kind {kind!r}, unknown here",
            expected=f"pixels, huggingface, {' or '.join(PACKAGED)}",
            fix="extract features with that encoder and call classify_features, or install a newer t2w",
        )
    stored, revision = values.get("name", kind), values.get("revision")
    try:
        found = load_vision_encoder(source or stored, revision=None if source else revision, device=device)
    except T2WError as error:
        raise T2WError(f"the vision encoder {stored} ({identity}) is missing: {error}") from error
    get = f"get {stored}{f' at revision {revision}' if revision else ''}"
    for what, now, then in (
        ("is", found.identity, identity),
        ("prepares images by", found.preprocessing, values.get("preprocessing")),
    ):
        if now != then:
            raise T2WError(
                f"the vision encoder {source or stored} {what} {now}",
                expected=f"{then}, as the features were made with",
                fix=f"{'install the t2w that made the file' if kind in PACKAGED else get}, or make the file again",
            )
    return found


def _find(
    name: str | Path, what: str, presets: Mapping[str, str], built_in: Iterable[str], revision: str | None
) -> ModelFolder:
    if isinstance(name, str) and name not in presets and "/" not in name and not Path(name).expanduser().is_dir():
        known = [*built_in, *presets]
        raise T2WError(
            f"there is no {what} {name!r}{nearest(name, known)}",
            expected=f"{', '.join(known)}, organisation/model on the Hugging Face hub, or a folder",
        )
    return find_model(presets.get(str(name), name), revision=revision, what=what)
