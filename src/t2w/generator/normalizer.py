"""Weights as the diffusion sees them: differences from base, or from each task's own start, of spread 1."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.adapters import AdapterSpec
from t2w.adapters.store import Moments, Vectors, blocks
from t2w.adapters.units import Units, start, to_units, to_vector, unit_spec
from t2w.errors import T2WError
from t2w.generator.condition import Condition

__all__ = ["Normalizer", "UnitNormalizer"]

# Of the spread of a typical coordinate. A coordinate that hardly moves (a unit that is never active) must not be
# blown up to unit variance, where it would only be noise to fit.
_FLOOR = 0.05


class Normalizer(nn.Module):
    """normalize(w) = (w - base - mean) / std.

    Args:
        base: (P,) the adapter that all others started from.
        mean: (P,) of the training adapters' differences from base.
        std: (P,) their spread, positive.
    """

    base: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, base: Tensor, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        for name, value in (("base", base), ("mean", mean), ("std", std)):
            self.register_buffer(name, value.detach().clone().float())

    @classmethod
    def fit(cls, base: Tensor, vectors: Vectors) -> Normalizer:
        """From the base (P,) and two or more training adapters (T, P), a tensor or memory-mapped."""
        if len(vectors.shape) != 2 or vectors.shape[1:] != base.shape or len(vectors) < 2:
            raise T2WError(
                f"training adapters of shape {tuple(vectors.shape)}",
                expected=f"(2 or more, {base.numel()}) as the base",
            )
        differences = Moments(block - base for _, block in blocks(vectors))
        std = differences.std(correction=1)
        typical = std.square().mean().sqrt()
        return cls(base, differences.mean, std.clamp(min=max(_FLOOR * float(typical), 1e-12)))

    @staticmethod
    def coefficient_for(vectors: Vectors) -> float:
        """The factor that brings weights (T, P) to a spread of 0.538, the rule of G.pt (Peebles et al. 2022)."""
        weights = Moments(block.reshape(-1, 1) for _, block in blocks(vectors))
        return 0.538 / float(weights.std(correction=1))

    @classmethod
    def scaled(cls, size: int, coefficient: float) -> Normalizer:
        """The reference's: weights times one number, base and mean left in. `coefficient` 1 leaves them as they are."""
        return cls(torch.zeros(size), torch.zeros(size), torch.full((size,), 1.0 / coefficient))

    def normalize(self, weights: Tensor, condition: Condition | None = None) -> Tensor:
        """(..., P) adapter weights to (..., P) normalised; the same for every condition."""
        return (weights - self.base - self.mean) / self.std

    def denormalize(self, x: Tensor, condition: Condition | None = None) -> Tensor:
        """The inverse of `normalize`."""
        return x * self.std + self.mean + self.base


class UnitNormalizer(nn.Module):
    """normalize(w) = (w - start) / std, for each hidden unit alike. At 0 stands the start itself.

    Args:
        spec: of the adapters; its hidden units are the most that a vector has.
        gain: of the start.
        unit_std: (d + 1 + t,) spread of a unit's coordinates around its start, positive.
        bias_std: (t,) of the output bias.
        centres: (m, d) orthonormal directions that incoming rows are kept perpendicular to.
    """

    unit_std: Tensor
    bias_std: Tensor
    centres: Tensor

    def __init__(self, spec: AdapterSpec, gain: float, unit_std: Tensor, bias_std: Tensor, centres: Tensor) -> None:
        super().__init__()
        self.spec, self.gain = spec, gain
        for name, value in (("unit_std", unit_std), ("bias_std", bias_std), ("centres", centres)):
            self.register_buffer(name, value.detach().clone().float())

    @classmethod
    def fit(
        cls, spec: AdapterSpec, gain: float, centres: Tensor, vectors: Vectors, condition: Condition
    ) -> UnitNormalizer:
        """From two or more training adapters (T, P), a tensor or memory-mapped, and their conditions."""
        if len(vectors) < 2:
            raise T2WError(f"{len(vectors)} training adapters", expected="2 or more")
        unit, bias = torch.ones(spec.in_features + 1 + spec.out_features), torch.ones(spec.out_features)
        plain = cls(spec, gain, unit, bias, centres)
        units, biases = torch.zeros_like(unit).double(), torch.zeros_like(bias).double()  # sums of squares
        classes = 0
        for rows, block in blocks(vectors):
            part = condition.rows(rows)
            differences = plain.differences(block, part)
            inside = differences.units[part.mask]  # (classes of these tasks, d + 1 + t)
            units += inside.double().square().sum(0)
            biases += differences.bias.double().square().sum(0)
            classes += len(inside)
        return cls(spec, gain, _spread(units / classes), _spread(biases / len(vectors)), centres)

    def start(self, condition: Condition) -> Units:
        """Where the adapters of some tasks start."""
        assert condition.evidence is not None  # conditions of this kind of generator have evidence
        return start(condition.evidence, condition.tokens, condition.mask, gain=self.gain)

    def differences(self, weights: Tensor, condition: Condition) -> Units:
        """Adapters (N, P) less their starts; rows less what they have along the centres."""
        first = self.start(condition)
        units = to_units(unit_spec(self.spec, condition.mask.shape[1]), weights)
        return Units(self._centred((units.units - first.units) * condition.mask[..., None]), units.bias - first.bias)

    def normalize(self, weights: Tensor, condition: Condition | None = None) -> Tensor:
        """(N, P) adapter weights to (N, P) normalised."""
        assert condition is not None  # every task has a start of its own
        found = self.differences(weights, condition)
        unit, bias = self._stds(found, fill=1.0)
        return to_vector(Units(found.units / unit, found.bias / bias))

    def denormalize(self, x: Tensor, condition: Condition | None = None) -> Tensor:
        """The inverse of `normalize`."""
        assert condition is not None  # every task has a start of its own
        first = self.start(condition)
        given = to_units(unit_spec(self.spec, condition.mask.shape[1]), x)
        unit, bias = self._stds(given, fill=0.0)
        moved = self._centred(given.units * unit * condition.mask[..., None])
        return to_vector(Units(first.units + moved, first.bias + given.bias * bias))

    def _centred(self, units: Tensor) -> Tensor:
        rows, rest = units.split([self.spec.in_features, units.shape[-1] - self.spec.in_features], dim=-1)
        return torch.cat([rows - (rows @ self.centres.T) @ self.centres, rest], dim=-1)

    def _stds(self, values: Units, *, fill: float) -> tuple[Tensor, Tensor]:
        """Both spreads, as long as `values` are where their class codes are longer than the texts."""
        missing = values.bias.shape[-1] - len(self.bias_std)
        return F.pad(self.unit_std, (0, missing), value=fill), F.pad(self.bias_std, (0, missing), value=fill)


def _spread(squares: Tensor) -> Tensor:
    """Standard deviations from the mean squares of differences, none of them close to 0."""
    std = squares.sqrt()
    return std.clamp(min=max(_FLOOR * float(std.square().mean().sqrt()), 1e-6))
