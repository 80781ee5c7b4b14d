"""The generator: from class texts to adapter weights."""

from t2w.generator.build import CONFIGS, Network, NetworkConfig, build_network, config_from_dict
from t2w.generator.condition import (
    Condition,
    condition_of,
    condition_of_evidence,
    prior_attention,
    with_noise,
    without_text,
)
from t2w.generator.config import Conditioning, GeneratorConfig, ReferenceConfig, UnitConfig
from t2w.generator.generator import Generator
from t2w.generator.network import WeightTransformer
from t2w.generator.normalizer import Normalizer
from t2w.generator.reference import ReferenceTransformer
from t2w.generator.sampling import Sampling, distance_to_known, share_kept
from t2w.generator.tokens import WeightTokens, chunk_tables, token_tables, unit_tables
from t2w.generator.units import UnitNormalizer, UnitTransformer

__all__ = [
    "CONFIGS",
    "Condition",
    "Conditioning",
    "Generator",
    "GeneratorConfig",
    "Network",
    "NetworkConfig",
    "Normalizer",
    "ReferenceConfig",
    "ReferenceTransformer",
    "Sampling",
    "UnitConfig",
    "UnitNormalizer",
    "UnitTransformer",
    "WeightTokens",
    "WeightTransformer",
    "build_network",
    "chunk_tables",
    "condition_of",
    "condition_of_evidence",
    "config_from_dict",
    "distance_to_known",
    "prior_attention",
    "share_kept",
    "token_tables",
    "unit_tables",
    "with_noise",
    "without_text",
]
