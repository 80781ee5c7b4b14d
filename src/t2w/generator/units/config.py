"""What a generator of one hidden unit per class is: a few numbers, stored with its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from t2w.adapters import AdapterSpec
from t2w.errors import T2WError
from t2w.generator.config import Conditioning, check_counts, read_fields

__all__ = ["UnitConfig"]


@dataclass(frozen=True)
class UnitConfig:
    """Sizes of a generator whose adapters have as many hidden units as the task has classes.

    Attributes:
        spec: the adapters it is trained on; `spec.hidden` is the most classes of a training task. A task of n classes
            gets an adapter of n hidden units.
        text_dim: numbers per class text; `spec.out_features` is the same.
        n_embd: width of a token. Cost of a step grows with its square.
        n_layer: transformer blocks.
        n_head: attention heads; divides n_embd.
        rank: of the linear map from evidence rows to weights, which works on every class alike.
        caution: power of (1 - variance) that what the transformer adds to a unit is multiplied by. Larger: less is
            added where the evidence is unsure, and the classes trained on are learnt by heart to less harm.
        gain: what evidence rows are multiplied by to start from; it sets where on GELU's bend units work.
        mute: share of the training tasks whose texts are hidden from the transformer, in [0, 1).
        timesteps: T of the linear noise schedule it is trained with.
        residual: see `GeneratorConfig.residual`.

    Raises:
        T2WError: a value outside its range, the message naming it.
    """

    kind: ClassVar[str] = "units"
    conditioning: ClassVar[Conditioning] = "classes"

    spec: AdapterSpec
    text_dim: int
    n_embd: int = 256
    n_layer: int = 3
    n_head: int = 8
    rank: int = 64
    caution: float = 4.0
    gain: float = 0.3
    mute: float = 0.5
    timesteps: int = 1000
    residual: float = 0.2

    def __post_init__(self) -> None:
        check_counts(self, "text_dim", "n_embd", "n_layer", "n_head", "rank", "timesteps")
        if self.n_embd % self.n_head:
            raise T2WError(f"generator n_embd is {self.n_embd}", expected=f"a multiple of n_head = {self.n_head}")
        rules = {
            "caution": (self.caution >= 0, "0 or more"),
            "gain": (self.gain > 0, "above 0"),
            "mute": (0 <= self.mute < 1, "a number in [0, 1)"),
            "residual": (0 < self.residual <= 1, "a number in (0, 1]"),
            "text_dim": (self.text_dim == self.spec.out_features, f"{self.spec.out_features}, the adapters' output"),
        }
        for name, (fine, rule) in rules.items():
            if not fine:
                raise T2WError(f"generator {name} is {getattr(self, name)!r}", expected=rule)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` is the inverse."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> UnitConfig:
        """Raises T2WError where a field is missing, unknown or out of range."""
        return read_fields(cls, {name: value for name, value in values.items() if name != "kind"})
