"""Concepts: what an encoder knows by name, and what that says of any other class."""

from t2w.concepts.appearance import Appearance
from t2w.concepts.concepts import Concepts, concepts_of, name_texts
from t2w.concepts.evidence import Evidence, Knowledge
from t2w.concepts.lexicon import Lexicon
from t2w.concepts.pictures import Pictured, with_pictures
from t2w.concepts.text_map import Predicted, TextMap

__all__ = [
    "Appearance", "Concepts", "Evidence", "Knowledge", "Lexicon", "Pictured", "Predicted", "TextMap", "concepts_of",
    "name_texts", "with_pictures",
]  # fmt: skip
