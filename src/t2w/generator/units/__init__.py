"""Generators of adapters with one hidden unit per class, which start from evidence of each class."""

from t2w.generator.units.network import UnitTransformer
from t2w.generator.units.normalizer import UnitNormalizer

__all__ = ["UnitNormalizer", "UnitTransformer"]
