"""Several classifiers made into one that decides between the classes of all of them."""

from t2w.fusion.fuse import fuse

__all__ = ["fuse"]
