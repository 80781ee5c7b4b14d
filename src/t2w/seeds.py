"""Seeds by purpose: every random draw has a name, so that nothing depends on what was drawn before it."""

from __future__ import annotations

import hashlib

__all__ = ["derive_seed"]


def derive_seed(*parts: int | str) -> int:
    """A seed in [0, 2**63) that depends on all parts, e.g. `derive_seed(seed, "adapter", task_index)`."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
