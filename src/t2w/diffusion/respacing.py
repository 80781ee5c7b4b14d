"""Which timesteps a sampler visits, and the noise schedule as it is when only those exist."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise, repeat

import torch

from t2w.diffusion.schedule import NoiseSchedule
from t2w.errors import T2WError

__all__ = ["respace", "respaced", "trailing_timesteps"]


def trailing_timesteps(steps: int, timesteps: int = 1000) -> tuple[int, ...]:
    """`steps` timesteps evenly spaced and falling from T-1, where x_T really is noise (Lin et al. 2024, table 2)."""
    if not 1 <= steps <= timesteps:
        raise T2WError(
            f"{steps} sampling steps", expected=f"1 to {timesteps}, the diffusion timesteps", fix="10 is a good number"
        )
    return tuple(round(timesteps - i * timesteps / steps) - 1 for i in range(steps))


def respace(spec: str, timesteps: int = 1000) -> tuple[int, ...]:
    """The falling timesteps a respacing string stands for (Nichol and Dhariwal 2021).

    Args:
        spec: "10,15,20" divides 0 .. T-1 into three equal sections and takes 10, 15 and 20 timesteps of them, evenly
            spaced with both ends included; "100" is one section. "ddim50" takes 50 timesteps at the smallest
            whole-number stride that gives as many, from 0 (so that it may never visit T-1).
        timesteps: T.

    Raises:
        T2WError: not such a string, a section with fewer timesteps than asked of it, or a count no stride gives.
    """
    name, ddim = spec.strip(), spec.strip().startswith("ddim")
    try:
        counts = [int(part) for part in name.removeprefix("ddim").split(",")]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1 or (ddim and len(counts) > 1):
        raise T2WError(f"respacing {spec!r}", expected='counts such as "100" or "10,15,20", or "ddim50"')
    if ddim:
        (count,) = counts
        strides = (range(0, timesteps, stride) for stride in range(1, timesteps))
        if (kept := next((taken for taken in strides if len(taken) == count), None)) is None:
            raise T2WError(
                f"respacing 'ddim{count}': no whole-number stride takes {count} of {timesteps} timesteps",
                expected="a count that a stride gives, such as a divisor of the timesteps",
                fix=f"'{count}' without 'ddim' spaces evenly" if count <= timesteps else None,
            )
        return tuple(kept[::-1])
    return tuple(sorted(_sections(counts, timesteps), reverse=True))


def _sections(counts: Sequence[int], timesteps: int) -> set[int]:
    """Evenly spaced timesteps of equal sections, `counts` of each."""
    size, longer = divmod(timesteps, len(counts))
    kept, start = set[int](), 0
    for i, count in enumerate(counts):
        length = size + (i < longer)
        if count > length:
            raise T2WError(
                f"respacing asks for {count} timesteps of section {i + 1}, which has {length}",
                expected=f"at most {length} of each of {len(counts)} sections of {timesteps} timesteps",
            )
        # Sums of the stride rather than its multiples: the two may round a half differently, and this is what the
        # respacing strings of published runs mean.
        stride = (length - 1) / (count - 1) if count > 1 else 1.0
        kept.update(start + round(offset) for offset in accumulate(repeat(stride, count - 1), initial=0.0))
        start += length
    return kept


def respaced(schedule: NoiseSchedule, visited: Sequence[int]) -> NoiseSchedule:
    """The schedule whose S timesteps are the visited ones, falling: their alpha_bar kept, betas computed from it."""
    falling = all(later < earlier for earlier, later in pairwise(visited))
    if not visited or not falling or visited[-1] < 0 or visited[0] >= schedule.timesteps:
        raise T2WError(
            f"timesteps {list(visited)[:8]}{' ...' if len(visited) > 8 else ''}",
            expected=f"falling timesteps between {schedule.timesteps - 1} and 0",
        )
    alpha_bar = schedule.alpha_bar[torch.tensor(visited[::-1])]
    return NoiseSchedule(1.0 - alpha_bar / torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]]))
