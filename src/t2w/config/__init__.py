"""Configuration: Hydra composes it, and all of it is checked before any work starts."""

from t2w.config.compose import compose, options
from t2w.config.schema import Config

__all__ = ["Config", "compose", "options"]
