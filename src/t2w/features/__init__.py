"""Features: what a frozen vision encoder makes of a dataset, extracted once."""

from t2w.features.extract import extract
from t2w.features.feature_set import FeatureSet
from t2w.features.files import load_features, save_features

__all__ = ["FeatureSet", "extract", "load_features", "save_features"]
