"""The configuration: the rooms' settings, nested, and what a run adds. `t2w/configs` gives the values.

A section that a room declares itself (`t2w.settings`) is used as it is, or extended by what a run works out before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from math import ceil
from typing import Annotated, Any, ClassVar, Literal

from t2w.adapters import Recipe
from t2w.config.sections import AdaptersConfig, DatasetConfig, EncoderConfig, LauncherConfig, Several, TasksConfig
from t2w.generator.config import ReferenceSettings, TransformerSettings, UnitSettings
from t2w.generator.sampling import Sampling
from t2w.settings import Count, Fraction, NonNegative, Operational, Positive, Range, Rate, Settings, Whole
from t2w.training.settings import FunctionalSettings, TrainSettings

__all__ = ["Config"]


@dataclass(frozen=True, kw_only=True)
class _Normalized(Settings):
    """How adapters are brought to the network's scale."""

    normalizer: Literal["standard", "coefficient", "none"] = "standard"  # each coordinate its own, one factor, as is
    coefficient: Positive | None = None  # of "coefficient"; None: 0.538 / spread of the weights


@dataclass(frozen=True, kw_only=True)
class TransformerSection(TransformerSettings, _Normalized):
    """Our network, of adapters with a fixed number of hidden units."""

    kind: Literal["t2w"] = "t2w"


@dataclass(frozen=True, kw_only=True)
class UnitSection(UnitSettings):
    """Our network of adapters with one hidden unit per class."""

    kind: Literal["units"] = "units"


@dataclass(frozen=True, kw_only=True)
class ReferenceSection(ReferenceSettings, _Normalized):
    """The network of the paper's code."""

    kind: Literal["reference"] = "reference"


@dataclass(frozen=True, kw_only=True)
class DiffusionConfig(Sampling):
    """The noise schedule, and how a trained generator is sampled."""

    timesteps: Several

    @classmethod
    def _read(cls, values: Mapping[str, Any], known: Any) -> Any:
        # The command line turns respacing=100 into a number and cannot write 10,15,20 without quotes.
        sections = values.get("respacing")
        sections = sections if isinstance(sections, list) else [sections]
        if sections and all(type(part) is int for part in sections):
            values = {**values, "respacing": ",".join(map(str, sections))}
        return super()._read(values, known)

    @property
    def sampling(self) -> Sampling:
        return Sampling(**{one.name: getattr(self, one.name) for one in fields(Sampling)})


@dataclass(frozen=True, kw_only=True)
class FunctionalSection(FunctionalSettings):
    """As the room's, and the tasks of made-up features where generator.kind is units (`t2w.training.concept_tasks`)."""

    made_up: Fraction = 0.5  # share of the steps on concepts with made-up features
    made_up_classes: Several = 64  # most classes of their tasks
    maps: Count = 16  # text-to-weights maps of some of the concepts, whose predictions are the evidence there
    predicted: bool = True  # some classes there by what a map predicts without them; false: all by their own rows


@dataclass(frozen=True, kw_only=True)
class TrainSection(TrainSettings):
    """As the room's, with lengths in passes over the training tasks in place of steps."""

    steps: Whole | None = None  # type: ignore[assignment]
    epochs: Count | None = None
    warmup: Whole = 0
    warmup_epochs: NonNegative | None = None
    checkpoint_every_epochs: Operational[Count | None] = None
    functional: FunctionalSection = field(default_factory=FunctionalSection)
    seed: Whole | None = None  # type: ignore[assignment]  # None: the run's
    resume_from: str | None = None  # weights to start from: a generator's file, ours or the reference's

    def rules(self) -> Iterator[str]:
        if (self.steps is None) == (self.epochs is None):
            yield f"train.steps is {self.steps} and train.epochs is {self.epochs}; give one, set the other to null"
        else:
            yield from super().rules()

    @property
    def total_steps(self) -> int:
        return (self.steps or self.epochs or 0) + self.functional.steps

    def in_steps(self, tasks: int, *, seed: int) -> TrainSettings:
        """The room's settings, for this many training tasks and the run's seed."""
        per_epoch = max(tasks // self.batch_size, 1)  # as the reference counts: an incomplete batch is left out
        values = {one.name: getattr(self, one.name) for one in fields(TrainSettings)}
        values["seed"] = seed if self.seed is None else self.seed
        for name, epochs in (
            ("steps", self.epochs), ("warmup", self.warmup_epochs), ("checkpoint_every", self.checkpoint_every_epochs)
        ):  # fmt: skip
            if epochs is not None:
                values[name] = ceil(epochs * per_epoch)
        second = {one.name: getattr(self.functional, one.name) for one in fields(FunctionalSettings)}
        return TrainSettings(**values | {"functional": FunctionalSettings(**second)})


@dataclass(frozen=True, kw_only=True)
class JointConfig(Settings):
    """The baseline of one wide adapter for all seen classes."""

    section: ClassVar[str] = "eval.joint"

    hidden: Count
    steps: Count
    batch_size: Count
    learning_rates: tuple[Rate, ...]  # the best on validation tasks is taken

    def rules(self) -> Iterator[str]:
        if not self.learning_rates:
            yield "eval.joint.learning_rates is empty; expected one or more"


@dataclass(frozen=True, kw_only=True)
class EvalConfig(Settings):
    """The scoreboard."""

    section: ClassVar[str] = "eval"

    seeds: tuple[Whole, ...]  # noise seeds of the generated adapters
    ensemble: Count  # samples whose predictions are averaged
    ridge_alphas: tuple[Positive, ...]
    bootstrap: Annotated[int, Range(100)]  # resamples
    # folders or archives of class folders that the generator is tried on by their class names alone
    unseen_datasets: tuple[str, ...] = ()
    joint: JointConfig

    def rules(self) -> Iterator[str]:
        for name in ("seeds", "ridge_alphas"):
            if not getattr(self, name):
                yield f"eval.{name} is empty; expected one or more"


@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """All of it."""

    name: str
    out: Operational[str]  # the run folder
    seed: Whole
    device: Operational[str] = "auto"
    dataset: DatasetConfig
    encoder: EncoderConfig
    tasks: TasksConfig
    adapters: AdaptersConfig
    recipe: Recipe
    launcher: Operational[LauncherConfig] = field(default_factory=LauncherConfig)
    generator: TransformerSection | UnitSection | ReferenceSection
    diffusion: DiffusionConfig
    train: TrainSection
    eval: EvalConfig

    def rules(self) -> Iterator[str]:
        units = self.adapters.kind == "units", self.generator.kind == "units"
        if units[0] != units[1]:
            yield (
                f"adapters.kind is {self.adapters.kind!r} and generator.kind is {self.generator.kind!r}; "
                "units belong together: set adapters=units generator=units"
            )
        elif units[0] and not self.encoder.concepts:
            yield "adapters.kind is 'units' and encoder.concepts is false; set encoder=efficientnet"
