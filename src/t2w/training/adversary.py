"""The paper's discriminator: tells the generator's x_0 from real weights; the generator learns to fool it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

__all__ = ["Adversary", "discriminator"]

LEARNING_RATE, BETAS = 0.01, (0.5, 0.999)  # the paper's


def discriminator(size: int, *, seed: int = 0) -> nn.Sequential:
    """An MLP size-512-256-1 from a weight vector to the logit of its being real."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(size, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 1))


class Adversary:
    """A discriminator of weights (B, `size`) and its training; `average` is of a gradient over all processes."""

    def __init__(
        self, size: int, device: torch.device, *, seed: int = 0, average: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self.network = discriminator(size, seed=seed).to(device)
        self._average = average
        self._optimizer = torch.optim.Adam(
            self.network.parameters(), lr=LEARNING_RATE, betas=BETAS, fused=device.type in ("cpu", "cuda")
        )

    def verdict(self, x0_hat: Tensor) -> Tensor:
        """() the generator's loss: how far its predictions are from being taken for real."""
        # Copies, held still: the gradient goes to the generator alone, and is that of the weights that judged, though
        # `learn` changes them before the generator's loss is differentiated.
        still = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        logits = functional_call(self.network, still, (x0_hat,))
        return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))

    def learn(self, x_0: Tensor, x0_hat: Tensor) -> float:
        """One step of the discriminator on real and predicted weights (B, P); returns its loss before the step."""
        real, fake = self.network(torch.cat([x_0, x0_hat])).chunk(2)
        right = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
        loss = 0.5 * (right + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake)))
        self._optimizer.zero_grad()
        loss.backward()
        if self._average is not None:
            for parameter in self.network.parameters():
                assert parameter.grad is not None
                parameter.grad.copy_(self._average(parameter.grad))
        self._optimizer.step()
        return float(loss.detach())

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
