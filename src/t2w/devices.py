"""One place that knows which devices there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from t2w.errors import T2WError

if TYPE_CHECKING:
    import torch

__all__ = ["resolve_device"]


def resolve_device(name: str = "auto") -> torch.device:
    """The torch device called `name` ("auto", "cpu", "cuda", "cuda:1", "mps"); "auto" takes the best there is.

    Raises:
        T2WError: not a device, or not on this machine.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    known = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }
    if device.type not in known:
        raise T2WError(f"device is {name!r}", expected="auto, cpu, cuda, cuda:N or mps")
    if (device.index or 0) >= known[device.type]:
        raise T2WError(
            f"device is {name!r}, but this machine has {known[device.type]} {device.type} device(s)",
            fix="use device=cpu or device=auto",
        )
    return device
