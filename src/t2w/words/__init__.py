"""Words: what a class name means. Senses of 40,000 nouns, and which of them is meant."""

from t2w.words.choice import Choice, Known, choose_senses
from t2w.words.dictionary import Dictionary, Sense, load_dictionary
from t2w.words.forms import folded

__all__ = ["Choice", "Dictionary", "Known", "Sense", "choose_senses", "folded", "load_dictionary"]
