"""Features: what a frozen vision encoder makes of a dataset, extracted once."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
