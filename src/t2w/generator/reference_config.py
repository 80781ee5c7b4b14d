"""A network of the reference implementation: its sizes, stored with the weights, and the two published ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal, get_args

from t2w.adapters import AdapterSpec
from t2w.errors import T2WError, nearest
from t2w.generator.config import check_counts, read_fields

__all__ = ["ReferenceConfig", "SplitPolicy", "reference_large", "reference_small"]

SplitPolicy = Literal["chunk_within_layer", "chunk", "layer_by_layer", "chunk_within_input"]


@dataclass(frozen=True)
class ReferenceConfig:
    """Sizes of a reference network.

    Attributes:
        spec: the adapters it writes.
        text_dim: numbers of the one text embedding per task.
        n_embd: width of a token. Cost of a step grows with its square.
        n_layer: transformer blocks.
        n_head: attention heads; divides n_embd. The one size that the weights alone do not tell.
        chunk_size: most numbers per token, for the policies that cut into chunks.
        split_policy: what is cut into chunks: each parameter ("chunk_within_layer"), the whole input with timestep and
            text ("chunk"), each layer's weight and bias together ("chunk_within_input"), or nothing, one token per
            parameter ("layer_by_layer").
        encoder_depth: linear layers from a chunk to its token.
        decoder_depth: linear layers from a token to its chunk.
        num_frequencies: of the timestep embedding, which has 2 num_frequencies + 1 numbers.
        max_freq_log2: the frequencies run from 1 to 2^max_freq_log2, evenly in their logarithm.
        dropout: share of activations dropped in training, in [0, 1).
        timesteps: T of the noise schedule it is trained with.

    Raises:
        T2WError: a value outside its range, the message naming it.
    """

    kind: ClassVar[str] = "reference"
    conditioning: ClassVar[Literal["pooled"]] = "pooled"

    spec: AdapterSpec
    text_dim: int
    n_embd: int = 1024
    n_layer: int = 6
    n_head: int = 8
    chunk_size: int = 576
    split_policy: SplitPolicy = "chunk_within_layer"
    encoder_depth: int = 1
    decoder_depth: int = 1
    num_frequencies: int = 128
    max_freq_log2: float = 14
    dropout: float = 0.0
    timesteps: int = 1000

    def __post_init__(self) -> None:
        check_counts(
            self, "text_dim", "n_embd", "n_layer", "n_head", "chunk_size", "encoder_depth", "decoder_depth",
            "num_frequencies", "timesteps",
        )  # fmt: skip
        if self.n_embd % self.n_head:
            raise T2WError(
                f"generator n_head is {self.n_head}",
                expected=f"a number that divides n_embd = {self.n_embd}",
                fix="take n_head from the configuration the network was trained with",
            )
        if self.split_policy not in (known := get_args(SplitPolicy)):
            raise T2WError(
                f"generator split_policy is {self.split_policy!r}{nearest(str(self.split_policy), known)}",
                expected=f"one of {', '.join(known)}",
            )
        if not 0 < self.max_freq_log2 <= 64:
            raise T2WError(f"generator max_freq_log2 is {self.max_freq_log2!r}", expected="a number in (0, 64]")
        if not 0 <= self.dropout < 1:
            raise T2WError(f"generator dropout is {self.dropout!r}", expected="a number in [0, 1)")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with "kind": "reference"; `from_dict` is the inverse."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ReferenceConfig:
        """Raises T2WError where a field is missing, unknown or out of range."""
        return read_fields(cls, {name: value for name, value in values.items() if name != "kind"})


def reference_small(spec: AdapterSpec, text_dim: int, **changes: Any) -> ReferenceConfig:
    """The size of the reference's training configurations: 111 million parameters for adapters 512-16-512."""
    return replace(ReferenceConfig(spec, text_dim), **changes)


def reference_large(spec: AdapterSpec, text_dim: int, **changes: Any) -> ReferenceConfig:
    """The size in the reference's README: 675 million parameters for adapters 512-16-512."""
    return replace(ReferenceConfig(spec, text_dim, n_embd=2048, n_layer=12, n_head=16), **changes)
