from .extract import extract as extract
from .feature_set import FeatureSet as FeatureSet
from .files import load_features as load_features
from .files import save_features as save_features
