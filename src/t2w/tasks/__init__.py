"""Tasks: sets of classes with texts, drawn reproducibly, in splits that keep the unseen unseen."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
