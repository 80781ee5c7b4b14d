"""The generator: from class texts to adapter weights."""

from t2w.generator.condition import Condition, condition_of, prior_attention
from t2w.generator.config import PRESETS, Conditioning, GeneratorConfig, Tokenizer, preset, small, tiny
from t2w.generator.generator import Generator
from t2w.generator.network import WeightTransformer, build_network
from t2w.generator.normalizer import Normalizer
from t2w.generator.tokens import WeightTokens, chunk_tables, token_tables, unit_tables

__all__ = [
    "PRESETS",
    "Condition",
    "Conditioning",
    "Generator",
    "GeneratorConfig",
    "Normalizer",
    "Tokenizer",
    "WeightTokens",
    "WeightTransformer",
    "build_network",
    "chunk_tables",
    "condition_of",
    "preset",
    "prior_attention",
    "small",
    "tiny",
    "token_tables",
    "unit_tables",
]
