"""Encoders: frozen models that turn texts into unit vectors and images into features."""

from t2w.encoders.clip_text import CLIPTextEncoder
from t2w.encoders.huggingface import HuggingFaceVisionEncoder
from t2w.encoders.pixels import PixelEncoder
from t2w.encoders.preprocessing import Preprocessing
from t2w.encoders.protocols import TextEncoder, VisionEncoder
from t2w.encoders.registry import (
    check_not_retired,
    load_text_encoder,
    load_vision_encoder,
    vision_encoder_from_dict,
)
from t2w.encoders.sentence import SentenceEncoder, minilm
from t2w.encoders.texts import encode_classes

__all__ = [
    "CLIPTextEncoder",
    "HuggingFaceVisionEncoder",
    "PixelEncoder",
    "Preprocessing",
    "SentenceEncoder",
    "TextEncoder",
    "VisionEncoder",
    "check_not_retired",
    "encode_classes",
    "load_text_encoder",
    "load_vision_encoder",
    "minilm",
    "vision_encoder_from_dict",
]
