"""Encoders: frozen models that turn texts into unit vectors and images into features."""

from t2w.encoders.pixels import PixelEncoder
from t2w.encoders.protocols import TextEncoder, VisionEncoder
from t2w.encoders.sentence import SentenceEncoder, minilm
from t2w.encoders.texts import encode_classes

__all__ = ["PixelEncoder", "SentenceEncoder", "TextEncoder", "VisionEncoder", "encode_classes", "minilm"]
