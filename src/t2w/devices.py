"""One place that knows which devices there are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING

from t2w.errors import T2WError

if TYPE_CHECKING:
    import torch

__all__ = ["FEW", "enough_memory", "is_main_process", "one_thread", "process_count", "resolve_device", "resolve_dtype"]

FEW = 64
"""Classes, in all samples: for so few a second thread saves nothing, and on a busy machine it is waited for."""

_WORTH = 1.5
"""How many times as fast bfloat16 products must be: conversions take their part, and rounding is not free either."""


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


def resolve_dtype(name: str, device: torch.device) -> torch.dtype:
    """The torch dtype called `name` ("float32", "bfloat16", "auto"); "auto" takes the faster one on `device`.

    Which one that is differs by a factor of a hundred between processors. It is measured, once per process, with
    products as the adapter trainer has them: some milliseconds.

    Raises:
        T2WError: another name.
    """
    import torch

    if name == "auto":
        return _faster(device)
    if name not in ("float32", "bfloat16"):
        raise T2WError(f"dtype is {name!r}", expected="auto, float32 or bfloat16")
    found: torch.dtype = getattr(torch, name)
    return found


@cache
def _faster(device: torch.device) -> torch.dtype:
    import torch

    try:
        narrow = _product_seconds(torch.bfloat16, device)
    except RuntimeError:  # an accelerator without the type
        return torch.float32
    return torch.bfloat16 if _WORTH * narrow < _product_seconds(torch.float32, device) else torch.float32


def _product_seconds(dtype: torch.dtype, device: torch.device) -> float:
    """The best of a few batched products, the first of which is not counted."""
    import torch

    tasks = 4 if device.type == "cpu" else 1024
    a = torch.ones(tasks, 64, 512, device=device, dtype=dtype)
    b = torch.ones(tasks, 512, 16, device=device, dtype=dtype)
    seconds = []
    for _ in range(5):
        start = perf_counter()
        torch.bmm(a, b)[0, 0, 0].item()  # reading a number waits for the device
        seconds.append(perf_counter() - start)
    return min(seconds[1:])


@contextmanager
def enough_memory(what: str, device: torch.device, *, needed: int = 0, fix: str) -> Iterator[None]:
    """Work whose memory may be more than there is: one sentence where it is.

    Args:
        what: needs the memory, for the sentence.
        device: where it is needed.
        needed: bytes that are needed at least; on a CPU, more than the machine has are refused before the work begins,
            for the system may promise them and then end the process.
        fix: what to do about it.

    Raises:
        T2WError: too little memory.
    """
    import torch

    if device.type == "cpu" and needed > (there := _machine_memory()):
        raise T2WError(
            f"{what} needs {needed / 2**30:,.0f} GiB of memory",
            expected=f"at most {there / 2**30:,.0f} GiB, all that this machine has",
            fix=fix,
        )
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error):
            raise T2WError(f"{what} needs more memory than there is on {device}", fix=fix) from error
        raise


def _machine_memory() -> float:
    """Bytes; infinity where the system does not tell."""
    names = ("SC_PHYS_PAGES", "SC_PAGE_SIZE")
    if not hasattr(os, "sysconf") or any(name not in os.sysconf_names for name in names):
        return float("inf")
    pages, size = (os.sysconf(name) for name in names)
    return float(pages * size)


def process_count() -> int:
    """How many processes `accelerate launch` or `torchrun` started this one among; 1 without them."""
    return int(os.environ.get("WORLD_SIZE", 1))


def is_main_process() -> bool:
    """Whether this is the process that writes files."""
    return int(os.environ.get("RANK", 0)) == 0


@contextmanager
def one_thread(wanted: bool) -> Iterator[None]:
    """Let torch use one thread of the CPU where `wanted`; afterwards as many as before."""
    import torch

    before = torch.get_num_threads()
    if not wanted or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
