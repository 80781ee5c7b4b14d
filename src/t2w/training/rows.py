"""The training adapters as the loop reads them: where they lie, batch by batch, normalised on the way."""

from __future__ import annotations

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec, unflatten
from t2w.adapters.store import Vectors, blocks
from t2w.errors import T2WError
from t2w.generator import Condition, Normalizer, UnitNormalizer

__all__ = ["Vectors", "WeightRows"]

_SHARE = 0.5  # of an accelerator's free memory that the data may take


class WeightRows:
    """T training adapters.

    They stay where they are, memory-mapped files included, unless an accelerator has room for them.

    Args:
        vectors: (T, P) float32, a tensor or memory-mapped; normalised where `normalizer` is None, else as trained.
        normalizer: what to put them through; None for nothing.
        device: where batches are wanted.

    Raises:
        T2WError: not (T, P), or numbers that are not finite, naming the first adapter.
    """

    def __init__(
        self, spec: AdapterSpec, vectors: Vectors, normalizer: Normalizer | UnitNormalizer | None, device: torch.device
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
        self.hidden, self.device, self._normalizer = spec.hidden, device, normalizer
        self._vectors: Vectors = vectors[:].to(device) if _fits(vectors, device) else vectors
        at = unflatten(spec, torch.arange(spec.size))
        units = torch.cat([at["linear1.weight"], at["linear1.bias"][:, None], at["linear2.weight"].T], dim=1)
        self._units, self._output_bias = units, at["linear2.bias"]  # positions of each unit's numbers, and of the rest
        self._back = torch.cat([units.flatten(), self._output_bias]).argsort()

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def size(self) -> int:
        """P."""
        return self._vectors.shape[1]

    def read(self, tasks: Tensor, order: Tensor | None = None, condition: Condition | None = None) -> Tensor:
        """x_0 (B, P) of some tasks, on the device.

        Args:
            tasks: (B,) positions.
            order: (B, hidden) the order their hidden units are put in; None leaves them.
            condition: of these tasks, for normalisers that look at it.
        """
        held = self._vectors
        vectors = held[tasks.to(held.device) if isinstance(held, Tensor) else tasks.cpu()].to(self.device)
        if order is not None:
            positions = torch.cat([self._units[order].flatten(1), self._output_bias.expand(len(order), -1)], dim=1)[
                :, self._back
            ]
            vectors = vectors.gather(1, positions.to(self.device))
        return vectors if self._normalizer is None else self._normalizer.normalize(vectors, condition)


def _fits(vectors: Vectors, device: torch.device) -> bool:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return 4 * vectors.shape[0] * vectors.shape[1] < _SHARE * free
    return device.type != "cpu"
