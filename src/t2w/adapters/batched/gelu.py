"""GELU (Hendrycks and Gimpel, 2016) and its derivative in memory that is used again.

With the normal distribution's Phi and density phi, gelu(z) = z Phi(z) and gelu'(z) = Phi(z) + z phi(z).
"""

from __future__ import annotations

from math import pi, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.batched.memory import Memory

__all__ = ["Gelu"]


class Gelu:
    """Forward, then backward, on z of one shape.

    On a CPU Phi, the costly part, is computed once for both. An accelerator is faster with torch's two fused kernels.
    """

    def __init__(self, z: Tensor, memory: Memory) -> None:
        self._fused = z.device.type != "cpu"
        self._phi, self._density = (memory.empty(*z.shape, dtype=z.dtype) for _ in range(2))

    def forward(self, z: Tensor, out: Tensor) -> None:
        """out = gelu(z)."""
        if self._fused:
            out.copy_(F.gelu(z))
            return
        torch.mul(z, sqrt(0.5), out=self._phi).erf_().add_(1.0).mul_(0.5)
        torch.mul(z, self._phi, out=out)

    def backward(self, gradient: Tensor, z: Tensor) -> Tensor:
        """gradient * gelu'(z), valid until the next call; z is that of the last `forward`."""
        if self._fused:
            result: Tensor = torch.ops.aten.gelu_backward(gradient, z)
            return result
        torch.mul(z, z, out=self._density).mul_(-0.5).exp_().mul_(z)
        return self._phi.add_(self._density, alpha=1 / sqrt(2 * pi)).mul_(gradient)
