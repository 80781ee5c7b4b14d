"""Concepts: what an encoder knows by name, and what that says of any other class."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
