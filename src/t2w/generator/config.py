"""What the generator is: a few numbers, stored with its weights, enough to build it again. And the named sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, TypeVar, get_args

from t2w.adapters import AdapterSpec
from t2w.errors import T2WError, nearest

__all__ = ["Conditioning", "GeneratorConfig", "Tokenizer", "small", "tiny"]

Tokenizer = Literal["unit", "chunk"]
Conditioning = Literal["classes", "pooled", "both"]

C = TypeVar("C")
_LATER = {"shared": False}  # fields that files of before do not have, and what they meant then


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes of a generator.

    Attributes:
        spec: the adapters it writes.
        text_dim: numbers per text embedding.
        n_embd: width of a token. Cost of a step grows with its square.
        n_layer: transformer blocks.
        n_head: attention heads; divides n_embd.
        tokenizer: "unit" (one token per hidden unit: incoming row, bias, outgoing column; one for the output bias) or
            "chunk" (consecutive pieces of at most `chunk_size` numbers within each layer, as the reference has them).
        chunk_size: numbers per chunk; used by "chunk" alone.
        conditioning: "classes" (one token per class text), "pooled" (one token, the paper's prior attention) or "both".
        position: every weight token has a place, and projections, of its own. False: tokens of one kind share them, and
            with "unit" tokens the network is equivariant: renumber the hidden units of x_t, and x_0 follows.
        shared: weight tokens of one kind share their projections even where they have places: a third of the
            parameters, the file and the reading of it at every sampling step.
        timesteps: T of the linear noise schedule it is trained with.
        dropout: share of every block's outputs dropped in training, in [0, 1). Larger: learns more slowly, and learns
            the training adapters by heart later.
        residual: the standard deviation, in normalised space, of what the text leaves open in x_0; in (0, 1]. It sets
            how far x_t is believed (see `network.py`). Larger: samples differ more; smaller: nearer to their mean.

    Raises:
        T2WError: a value outside its range, the message naming it.
    """

    spec: AdapterSpec
    text_dim: int
    n_embd: int = 256
    n_layer: int = 6
    n_head: int = 4
    tokenizer: Tokenizer = "unit"
    chunk_size: int = 576
    conditioning: Conditioning = "classes"
    position: bool = True
    timesteps: int = 1000
    dropout: float = 0.0
    residual: float = 0.2
    shared: bool = False

    def __post_init__(self) -> None:
        check_counts(self, "text_dim", "n_embd", "n_layer", "n_head", "chunk_size", "timesteps")
        if self.n_embd % self.n_head:
            raise T2WError(f"generator n_embd is {self.n_embd}", expected=f"a multiple of n_head = {self.n_head}")
        for name, known in (("tokenizer", get_args(Tokenizer)), ("conditioning", get_args(Conditioning))):
            value = getattr(self, name)
            if value not in known:
                raise T2WError(
                    f"generator {name} is {value!r}{nearest(str(value), known)}", expected=f"one of {', '.join(known)}"
                )
        if not 0 <= self.dropout < 1:
            raise T2WError(f"generator dropout is {self.dropout!r}", expected="a number in [0, 1)")
        if not 0 < self.residual <= 1:
            raise T2WError(f"generator residual is {self.residual!r}", expected="a number in (0, 1]")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` is the inverse."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GeneratorConfig:
        """Raises T2WError where a field is missing, unknown or out of range."""
        return read_fields(cls, _LATER | dict(values))


def check_counts(config: Any, *names: str) -> None:
    """Raises T2WError where a field of that name is no whole number, 1 or more."""
    for name in names:
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise T2WError(f"generator {name} is {value!r}", expected="a whole number, 1 or more")


def read_fields(kind: type[C], values: Mapping[str, Any]) -> C:
    """A config of that kind from plain values. Raises T2WError where a field is missing or unknown."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if set(values) != known:
        missing, unknown = sorted(known - set(values)), sorted(set(values) - known)
        raise T2WError(
            f"a generator config with missing fields {missing} and unknown fields {unknown}",
            expected=f"exactly {sorted(known)}",
            fix="read it with the version of t2w that wrote it",
        )
    return kind(**{**values, "spec": AdapterSpec.from_dict(values["spec"])})


def tiny(spec: AdapterSpec, text_dim: int, **changes: Any) -> GeneratorConfig:
    """For adapters of a few thousand weights."""
    return replace(GeneratorConfig(spec, text_dim, n_embd=128, n_layer=4, n_head=4), **changes)


def small(spec: AdapterSpec, text_dim: int, **changes: Any) -> GeneratorConfig:
    """For adapters of about 15,000 weights."""
    return replace(GeneratorConfig(spec, text_dim, n_embd=256, n_layer=6, n_head=4), **changes)
