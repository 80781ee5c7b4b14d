from .network import UnitTransformer as UnitTransformer
from .normalizer import UnitNormalizer as UnitNormalizer
