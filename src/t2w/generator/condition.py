"""What the generator is told: text tokens and which of them are real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.errors import T2WError
from t2w.generator.config import Conditioning

__all__ = ["Condition", "condition_of", "prior_attention"]


@dataclass(frozen=True, eq=False)
class Condition:
    """Conditions of N tasks.

    Attributes:
        tokens: (N, n_max, text_dim) float32; padding is zero.
        mask: (N, n_max) bool, True where the token is real. Every row has at least one.
    """

    tokens: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return len(self.tokens)

    def rows(self, index: Tensor | Sequence[int] | slice) -> Condition:
        """These tasks alone, with no more padding than they need."""
        index = index if isinstance(index, slice) else torch.as_tensor(index, device=self.mask.device)
        mask = self.mask[index]
        longest = int(mask.sum(dim=1).max()) if len(mask) else 0
        return Condition(self.tokens[index][:, :longest], mask[:, :longest])

    def to(self, device: torch.device | str) -> Condition:
        return Condition(self.tokens.to(device), self.mask.to(device))


def prior_attention(embeddings: Tensor) -> Tensor:
    """The paper's pooling of n class embeddings (n, d) to one (d,): softmax over cosines with their mean."""
    similarity = F.cosine_similarity(embeddings, embeddings.mean(dim=0, keepdim=True), dim=-1)
    return similarity.softmax(dim=0) @ embeddings


def condition_of(
    text: Tensor, tasks: Sequence[Sequence[int]] | None = None, *, conditioning: Conditioning = "classes"
) -> Condition:
    """The condition of some tasks.

    Args:
        text: (C, text_dim) one embedding per class.
        tasks: positions in `text` per task; None for one task of all C classes.
        conditioning: "classes" (one token per class, padded) or "pooled" (one token per task).

    Raises:
        T2WError: no task, a task without classes, or a class that `text` does not have.
    """
    tasks = [range(len(text))] if tasks is None else tasks
    if not len(tasks) or not all(len(task) for task in tasks):
        raise T2WError("a task without classes" if len(tasks) else "no tasks", expected="at least one class per task")
    highest, lowest = max(max(task) for task in tasks), min(min(task) for task in tasks)
    if highest >= len(text) or lowest < 0:
        raise T2WError(
            f"a class at position {highest if highest >= len(text) else lowest}",
            expected=f"0 to {len(text) - 1}, as there are {len(text)} class texts",
        )
    groups = [text[torch.as_tensor(list(task))].float() for task in tasks]
    if conditioning == "pooled":
        groups = [prior_attention(group)[None] for group in groups]
    lengths = torch.tensor([len(group) for group in groups])
    tokens = torch.nn.utils.rnn.pad_sequence(groups, batch_first=True)
    return Condition(tokens, torch.arange(tokens.shape[1]) < lengths[:, None])
