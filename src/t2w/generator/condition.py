"""What a generator is conditioned on: text tokens, which of them are real, and evidence for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters import AdapterSpec
from t2w.concepts import Evidence
from t2w.errors import T2WError
from t2w.generator.config import Conditioning

__all__ = [
    "Condition",
    "check_shapes",
    "condition_of",
    "condition_of_evidence",
    "prior_attention",
    "with_noise",
    "without_text",
]


@dataclass(frozen=True, eq=False)
class Condition:
    """Conditions of N tasks; evidence and variance are None where the generator works from texts alone."""

    tokens: Tensor  # (N, n_max, text_dim) float32; padding is zero
    mask: Tensor  # (N, n_max) bool, True where the token is real; every row has at least one
    evidence: Tensor | None = None  # (N, n_max, d) what each class is known by, rows of unit length, padding zero
    variance: Tensor | None = None  # (N, n_max) in 0..1, how unsure `evidence` is

    def __len__(self) -> int:
        return len(self.tokens)

    def rows(self, index: Tensor | Sequence[int] | slice) -> Condition:
        """These tasks alone, with no more padding than they need; with evidence the padding stays, as P follows it."""
        index = index if isinstance(index, slice) else torch.as_tensor(index, device=self.mask.device)
        mask = self.mask[index]
        if self.evidence is not None and self.variance is not None:
            return Condition(self.tokens[index], mask, self.evidence[index], self.variance[index])
        longest = int(mask.sum(dim=1).max()) if len(mask) else 0
        return Condition(self.tokens[index][:, :longest], mask[:, :longest])

    def to(self, device: torch.device | str) -> Condition:
        parts = (self.tokens, self.mask, self.evidence, self.variance)
        return Condition(*(part if part is None else part.to(device) for part in parts))  # type: ignore[arg-type]


def check_shapes(x_t: Tensor, t: Tensor, condition: Condition, spec: AdapterSpec, text_dim: int) -> None:
    """Raises T2WError where a network's inputs are not (N, P), (N,) and N conditions of its sizes."""
    found = [("noisy weights", x_t, spec.size), ("text embeddings", condition.tokens, text_dim)]
    if condition.evidence is not None:
        found.append(("evidence", condition.evidence, spec.in_features))
    for what, values, size in found:
        if values.shape[-1] != size:
            raise T2WError(
                f"{what} of {values.shape[-1]} numbers",
                expected=f"{size}, as the generator was trained with",
                fix="use the encoders the generator was trained with",
            )
    if not len(x_t) == len(t) == len(condition):
        raise T2WError(
            f"{len(condition)} conditions and {len(t)} timesteps for {len(x_t)} weight vectors",
            expected="one condition each",
        )


def condition_of_evidence(
    evidence: Evidence, tasks: Sequence[Sequence[int]] | None = None, *, width: int | None = None
) -> Condition:
    """The condition of tasks (positions in `evidence`; None: one task of all), padded to `width` or the largest."""
    tasks = [range(len(evidence))] if tasks is None else tasks
    padded = width or max(map(len, tasks))
    index = torch.zeros(len(tasks), padded, dtype=torch.int64)
    mask = torch.zeros(len(tasks), padded, dtype=torch.bool)
    for i, task in enumerate(tasks):
        index[i, : len(task)], mask[i, : len(task)] = torch.as_tensor(list(task)), True
    parts = (evidence.text, evidence.rows, evidence.variance)
    text, rows, variance = (part[index] * mask.view(*mask.shape, *[1] * (part.ndim - 1)) for part in parts)
    return Condition(text, mask, rows, variance)


def without_text(condition: Condition, dropped: Tensor) -> Condition:
    """The condition with the texts of the `dropped` (N,) tasks left out: one token of zeros each."""
    tokens = condition.tokens.masked_fill(dropped[:, None, None], 0.0)
    first = torch.arange(condition.mask.shape[1], device=condition.mask.device) == 0
    return Condition(tokens, torch.where(dropped[:, None], first, condition.mask))


def with_noise(condition: Condition, level: Tensor, noise: Tensor) -> Condition:
    """The condition with its texts blurred: each token moved in a random direction, its length kept.

    Args:
        level: (N,) length of the move, in lengths of the token: 0 leaves it, at 1 its cosine with the old one is 0.7.
        noise: (N, n, text_dim) standard normal.
    """
    tokens = condition.tokens
    length = tokens.norm(dim=-1, keepdim=True)
    moved = tokens + level[:, None, None] * length * noise / noise.shape[-1] ** 0.5
    return Condition(moved * (length / moved.norm(dim=-1, keepdim=True).clamp(min=1e-12)), condition.mask)


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
        conditioning: "classes" (one token per class, padded), "pooled" (one token per task) or "both" (the pooled one
            first).

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
    groups = [text[torch.as_tensor(list(task), device=text.device)].float() for task in tasks]
    if conditioning != "classes":
        pooled = [prior_attention(group)[None] for group in groups]
        groups = pooled if conditioning == "pooled" else [torch.cat(pair) for pair in zip(pooled, groups, strict=True)]
    lengths = torch.tensor([len(group) for group in groups])
    tokens = torch.nn.utils.rnn.pad_sequence(groups, batch_first=True)
    return Condition(tokens, (torch.arange(tokens.shape[1]) < lengths[:, None]).to(tokens.device))
