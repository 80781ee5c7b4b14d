"""The training adapters as the loop reads them: where they lie, batch by batch, normalised on the way."""

from __future__ import annotations

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec
from t2w.adapters.store import Vectors, blocks
from t2w.errors import T2WError
from t2w.generator import Condition, Normalizer, UnitNormalizer, unit_tables

__all__ = ["WeightRows"]

_SHARE = 0.5  # of an accelerator's free memory that the data may take


class WeightRows:
    """T training adapters, which stay where they are, memory-mapped or not, unless an accelerator has room for them.

    Args:
        vectors: (T, P) float32 as trained.
        normalizer: what to put them through, on the device.
        device: where batches are wanted.

    Raises:
        T2WError: not (T, P), or numbers that are not finite, naming the first adapter.
    """

    def __init__(
        self, spec: AdapterSpec, vectors: Vectors, normalizer: Normalizer | UnitNormalizer, device: torch.device
    ) -> None:
        if len(vectors.shape) != 2 or vectors.shape[1] != spec.size:
            raise T2WError(
                f"training vectors of shape {tuple(vectors.shape)}",
                expected=f"(tasks, {spec.size}), the generator's adapter size",
                fix="build the generator with the spec of these adapters",
            )
        for rows, block in blocks(vectors):
            bad = (~torch.isfinite(block).all(dim=1)).nonzero().flatten().tolist()
            if bad:
                raise T2WError(
                    f"numbers that are not finite in training vector {rows.start + bad[0]}",
                    expected="finite weights",
                    fix="train the adapters again, at a lower learning rate",
                )
        self.hidden, self.device, self.normalizer = spec.hidden, device, normalizer
        room = device.type != "cpu"
        if device.type == "cuda":
            room = 4 * vectors.shape[0] * vectors.shape[1] < _SHARE * torch.cuda.mem_get_info(device)[0]
        self._vectors: Vectors = vectors[:].to(device) if room else vectors
        self._units, self._rest = unit_tables(spec)  # positions of each unit's numbers, and of the others
        self._back = torch.cat([self._units.flatten(), self._rest.flatten()]).argsort()

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def size(self) -> int:
        """P."""
        return self._vectors.shape[1]

    def read(self, tasks: Tensor, order: Tensor | None = None, condition: Condition | None = None) -> Tensor:
        """x_0 (B, P) of the tasks at these positions (B,), on the device.

        `order` (B, hidden) is what their hidden units are put in; `condition` is for normalisers that look at it.
        """
        held = self._vectors
        vectors = held[tasks.to(held.device) if isinstance(held, Tensor) else tasks.cpu()].to(self.device)
        if order is not None:
            positions = torch.cat([self._units[order].flatten(1), self._rest.expand(len(order), -1)], dim=1)
            vectors = vectors.gather(1, positions[:, self._back].to(self.device))
        return self.normalizer.normalize(vectors, condition)
