"""Adapters: sizes and layout, the module, recipes, and their training, one or thousands at a time."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
