"""Which positions make one shard."""

from __future__ import annotations

from dataclasses import dataclass

from t2w.errors import T2WError

__all__ = ["Part", "check_range", "cut"]


@dataclass(frozen=True)
class Part:
    """Positions [begin, end) of a job, and the whole shard [first, last) they belong to.

    The whole shard is trained together, whatever part of it was asked for: the last bits of a matrix product depend on
    the size of the batch it is done in, and so an adapter's would on the ranges. A range that begins and ends at
    multiples of the shard size wastes nothing.
    """

    begin: int
    end: int
    first: int
    last: int

    def __len__(self) -> int:
        return self.end - self.begin

    def sub(self, begin: int, end: int) -> Part:
        """A smaller part of the same shard."""
        return Part(begin, end, self.first, self.last)


def check_range(begin: int, end: int | None, total: int) -> tuple[int, int]:
    """The range [begin, end) of a job of `total` tasks; `end` None: to the last.

    Raises:
        T2WError: outside 0..total, or empty.
    """
    last = total if end is None else end
    if not 0 <= begin < last <= total:
        raise T2WError(
            f"tasks.begin is {begin} and tasks.end is {end}",
            expected=f"0 <= begin < end <= {total} (the job's tasks)",
        )
    return begin, last


def cut(begin: int, end: int, *, total: int, shard_size: int) -> list[Part]:
    """Cut [begin, end) of a job of `total` tasks at the multiples of `shard_size`.

    Raises:
        T2WError: `shard_size` is below 1.
    """
    if shard_size < 1:
        raise T2WError(f"shard_size is {shard_size}", expected="1 or more")
    parts = []
    for first in range(begin // shard_size * shard_size, end, shard_size):
        last = min(first + shard_size, total)
        parts.append(Part(max(begin, first), min(end, last), first, last))
    return parts
