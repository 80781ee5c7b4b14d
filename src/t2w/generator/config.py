"""What a generator's network is: a few numbers, stored with its weights, enough to build it again.

Each kind comes in two classes: settings, which a user chooses, and the config, which adds what follows from the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from t2w.adapters import AdapterSpec, unit_spec
from t2w.settings import Count, NonNegative, Positive, Range, Settings, Share

__all__ = [
    "Conditioning",
    "GeneratorConfig",
    "ReferenceConfig",
    "ReferenceSettings",
    "SplitPolicy",
    "TransformerSettings",
    "UnitConfig",
    "UnitSettings",
]

Conditioning = Literal["classes", "pooled", "both"]
SplitPolicy = Literal["chunk_within_layer", "chunk", "layer_by_layer", "chunk_within_input"]
Residual = Annotated[float, Range(0, 1, above=True)]

C = TypeVar("C", bound="_Config")


@dataclass(frozen=True, kw_only=True)
class _Sizes(Settings):
    section: ClassVar[str] = "generator"

    n_embd: Count = 256  # width of a token. Cost of a step grows with its square
    n_layer: Count = 6  # transformer blocks
    n_head: Count = 4  # attention heads; divides n_embd

    def rules(self) -> Iterator[str]:
        if self.n_embd % self.n_head:
            yield (
                f"generator.n_embd is {self.n_embd}; expected a multiple of generator.n_head = {self.n_head}, "
                "which is the one of the configuration the network was trained with"
            )


@dataclass(frozen=True, kw_only=True)
class TransformerSettings(_Sizes):
    """Our transformer, for adapters of a fixed number of hidden units."""

    # One token per hidden unit (incoming row, bias, outgoing column; one more for the output bias), or per piece of at
    # most `chunk_size` numbers within each layer, as the reference has them.
    tokenizer: Literal["unit", "chunk"] = "unit"
    chunk_size: Count = 576
    conditioning: Conditioning = "classes"  # one token per class text, one of the paper's prior attention, or both
    # Every weight token has a place, and projections, of its own. False: tokens of one kind share them, and with "unit"
    # tokens the network is equivariant: renumber the hidden units of x_t, and x_0 follows.
    position: bool = True
    shared: bool = False  # tokens of one kind share projections even with places: a third of the parameters
    dropout: Share = 0.0  # of every block's outputs in training. Larger: learns more slowly, overfits later
    # Standard deviation, in normalised space, of what the text leaves open in x_0: how far x_t is believed (see
    # `network.py`). Larger: samples differ more; smaller: nearer to their mean.
    residual: Residual = 0.2


@dataclass(frozen=True, kw_only=True)
class UnitSettings(_Sizes):
    """The network of adapters with one hidden unit per class."""

    n_layer: Count = 3
    n_head: Count = 8
    rank: Count = 64  # of the linear map from evidence rows to weights, which works on every class alike
    # Power of (1 - variance) that what the transformer adds to a unit is multiplied by. Larger: less is added where the
    # evidence is unsure, and overfitting to the classes trained on does less harm.
    caution: NonNegative = 4.0
    mute: Share = 0.5  # of the training tasks: their texts are hidden from the transformer
    residual: Residual = 0.2  # see `TransformerSettings`


@dataclass(frozen=True, kw_only=True)
class ReferenceSettings(_Sizes):
    """The network of the reference implementation; by default of its training configurations' size."""

    n_embd: Count = 1024
    n_head: Count = 8  # the one size that the weights alone do not tell
    chunk_size: Count = 576  # most numbers per token, for the policies that cut into chunks
    # What is cut into chunks: each parameter ("chunk_within_layer"), the whole input with timestep and text ("chunk"),
    # each layer's weight and bias together ("chunk_within_input"), or nothing, one token per parameter.
    split_policy: SplitPolicy = "chunk_within_layer"
    encoder_depth: Count = 1  # linear layers from a chunk to its token
    decoder_depth: Count = 1  # linear layers from a token to its chunk
    num_frequencies: Count = 128  # of the timestep embedding, which has 2 num_frequencies + 1 numbers
    max_freq_log2: Annotated[float, Range(0, 64, above=True)] = 14  # from 1 to 2 to this, evenly in their logarithm
    dropout: Share = 0.0  # of activations in training


@dataclass(frozen=True)
class _Config(Settings):
    """What every network's config holds besides its settings."""

    kind: ClassVar[str]

    spec: AdapterSpec  # of the adapters it writes
    text_dim: Count  # numbers per text embedding
    timesteps: Count = 1000  # T of the linear noise schedule it is trained with

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `config_from_dict` is the inverse."""
        return {"kind": self.kind, **super().to_dict()}

    @classmethod
    def from_dict(cls: type[C], values: Mapping[str, Any]) -> C:
        """Raises T2WError where a field is missing, unknown or out of range."""
        given = {key: value for key, value in values.items() if key != "kind"}
        if "spec" in given:
            given["spec"] = AdapterSpec.from_dict(given["spec"])
        return cls.read(given)

    def spec_for(self, classes: int) -> AdapterSpec:
        """The sizes of the adapters of tasks of so many classes, padding included."""
        return self.spec


@dataclass(frozen=True)
class GeneratorConfig(TransformerSettings, _Config):
    """Our transformer for these adapters."""

    kind: ClassVar[str] = "t2w"


@dataclass(frozen=True)
class ReferenceConfig(ReferenceSettings, _Config):
    """The reference's network for these adapters; its text is one pooled embedding per task."""

    kind: ClassVar[str] = "reference"
    conditioning: ClassVar[Conditioning] = "pooled"


@dataclass(frozen=True)
class UnitConfig(UnitSettings, _Config):
    """The network of one hidden unit per class; `spec.hidden` is the most classes of a training task.

    A task of n classes gets an adapter of n hidden units. `spec.out_features` is `text_dim`.
    """

    kind: ClassVar[str] = "units"
    conditioning: ClassVar[Conditioning] = "classes"

    gain: Positive = 0.3  # of evidence rows to start from; it sets where on GELU's bend units work

    def rules(self) -> Iterator[str]:
        yield from super().rules()
        if self.text_dim != self.spec.out_features:
            yield f"generator.text_dim is {self.text_dim}; expected {self.spec.out_features}, the adapters' output"

    def spec_for(self, classes: int) -> AdapterSpec:
        return unit_spec(self.spec, classes)
