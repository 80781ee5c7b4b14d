"""Every configuration key, its type and its range. The yaml files in `t2w/configs` give the values.

Config objects stay at the door: stages hand plain arguments to the rooms.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = [
    "AdaptersConfig",
    "Config",
    "DatasetConfig",
    "DiffusionConfig",
    "EncoderConfig",
    "EvalConfig",
    "GeneratorSection",
    "LauncherConfig",
    "RecipeConfig",
    "TasksConfig",
    "TrainConfig",
]

Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, lt=10, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """Unknown keys are refused, numbers are not guessed from text such as "3x", and nothing changes after the check."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetConfig(Section):
    name: Literal["digits", "features", "cifar100", "caltech256", "tiny_imagenet", "imagenet", "folder"]
    path: str | None = None  # features: the FeatureSet file; images: their official archive or folder
    split_seed: Whole = 0  # of the split into training and test images, where the dataset has none of its own
    download: bool = False  # fetch the archive where its licence allows it and it is not there yet

    @model_validator(mode="after")
    def _features_need_a_path(self) -> DatasetConfig:
        if self.name == "features" and not self.path:
            raise ValueError("dataset.path is missing: name the features file, dataset.path=FILE.safetensors")
        return self


class EncoderConfig(Section):
    name: str  # of the text encoder: minilm, clip-b32, or a model on the hub
    path: str | None = None  # a local folder with the text encoder; None: the offline package, then the hub
    text_mode: Literal["template", "description", "ensemble"] = "template"  # what is encoded of a class
    template: Annotated[str, Field(pattern=r"\{\}")]  # "{}" is replaced by the class name
    # of the images: efficientnet-lite0, a preset (resnet18), a model on the hub, a folder; None: what suits the dataset
    vision: str | None = None
    revision: str | None = None  # of the vision encoder on the hub; None: the newest
    # what the image encoder knows by name (its own last layer) as evidence for every class; wants an image classifier
    concepts: bool = False
    cache: str | None = "~/.cache/t2w/features"  # where features are kept for other runs; None: nowhere


class TasksConfig(Section):
    min_classes: Annotated[int, Field(ge=2)]
    max_classes: Annotated[int, Field(ge=2)]
    n_train: Annotated[int, Field(ge=2)]
    n_validation: Count
    n_unseen_combination: Count
    n_unseen_class: Whole
    unseen_classes: Whole  # how many classes are held out altogether
    split_seed: Whole  # chooses the held-out classes and the tasks
    begin: Whole = 0  # `t2w adapters` makes tasks begin..end-1 only: the range of this process
    end: Count | None = None  # None: to the last

    @model_validator(mode="after")
    def _consistent(self) -> TasksConfig:
        if self.max_classes < self.min_classes:
            raise ValueError(f"tasks.max_classes is {self.max_classes}, below tasks.min_classes = {self.min_classes}")
        if self.n_unseen_class and self.unseen_classes < self.min_classes:
            raise ValueError(
                f"tasks.unseen_classes is {self.unseen_classes}, too few for tasks of {self.min_classes} classes; "
                "hold out more classes or set tasks.n_unseen_class=0"
            )
        if self.end is not None and self.end <= self.begin:
            raise ValueError(f"tasks.end is {self.end}, not after tasks.begin = {self.begin}")
        return self


class RecipeConfig(Section):
    name: str
    steps: Count | None = None
    epochs: Count | None = None  # passes over a task's images, in place of steps
    batch_size: Count
    learning_rate: Rate
    schedule: Literal["constant", "cosine"]
    validation_fraction: Share  # training images of every class held out of all training, to choose things on
    patience: Count | None = None  # evaluations without gain before a task stops; None: no early stopping
    evaluate_every: Count = 50  # steps between those evaluations

    @model_validator(mode="after")
    def _one_length(self) -> RecipeConfig:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(
                f"recipe.steps is {self.steps} and recipe.epochs is {self.epochs}; give one, set the other to null"
            )
        if self.patience is not None and self.validation_fraction == 0:
            raise ValueError("recipe.patience needs held-out images; set recipe.validation_fraction, e.g. to 0.1")
        return self


class BaseConfig(Section):
    steps: Count
    batch_size: Count
    learning_rate: Rate


class AdaptersConfig(Section):
    # shared: `hidden` units, all tasks start at one base; units: a unit per class, each task starts at its evidence
    kind: Literal["shared", "units"] = "shared"
    hidden: Count  # of shared adapters, and of the base that units are compared with
    gain: Annotated[float, Field(gt=0)] = 0.3  # units: what evidence rows are multiplied by, over the features' spread
    logit_scale: Annotated[float, Field(gt=0)]
    dtype: Literal["auto", "float32", "bfloat16"]  # auto: the faster one on this machine, by measurement
    shard_size: Count | None = None  # adapters per file; None: what suits the device
    group_size: Count | None = None  # tasks trained together; None: what suits the device
    base: BaseConfig


class LauncherConfig(Section):
    name: Literal["local", "ray"]
    address: str | None = None  # ray: the cluster's address, or auto; None: a local cluster


class GeneratorSection(Section):
    # units: one hidden unit per class; t2w: a fixed number of them; reference: the network of the paper's code
    kind: Literal["t2w", "units", "reference"] = "t2w"
    n_embd: Count
    n_layer: Count
    n_head: Count
    dropout: Share = 0.0
    chunk_size: Count = 576
    normalizer: Literal["standard", "coefficient", "none"] = "standard"  # each coordinate its own, one factor, as is
    coefficient: Annotated[float, Field(gt=0)] | None = None  # of "coefficient"; None: 0.538 / spread of the weights
    # kind t2w
    tokenizer: Literal["unit", "chunk"] = "unit"
    conditioning: Literal["classes", "pooled", "both"] = "classes"
    position: bool = True  # false: tokens of a kind share projections; unit tokens are then equivariant
    shared: bool = False  # weight tokens share projections: a third of the parameters
    residual: Annotated[float, Field(gt=0, le=1)] = 0.2  # what the text leaves open, in units of the adapters' spread
    # kind units
    rank: Count = 64  # of the linear map from evidence to weights that works on every class alike
    caution: Annotated[float, Field(ge=0)] = 4.0  # larger: less is added to a class whose evidence is unsure
    mute: Share = 0.5  # of the training tasks whose texts the network does not see
    # kind reference
    split_policy: Literal["chunk_within_layer", "chunk", "layer_by_layer", "chunk_within_input"] = "chunk_within_layer"
    encoder_depth: Count = 1
    decoder_depth: Count = 1
    num_frequencies: Count = 128
    max_freq_log2: Annotated[float, Field(gt=0)] = 14

    @model_validator(mode="after")
    def _heads_divide(self) -> GeneratorSection:
        if self.n_embd % self.n_head:
            raise ValueError(
                f"generator.n_embd is {self.n_embd}, expected a multiple of generator.n_head = {self.n_head}"
            )
        return self


class DiffusionConfig(Section):
    timesteps: Annotated[int, Field(ge=2)]
    sampler: Literal["ddim", "dpm++", "ancestral"]
    steps: Count  # sampling steps
    # "10,15,20" (or a list), "100" or "ddim50": visit these timesteps in place of `steps` evenly spaced ones
    guidance: float = 1.0  # of the text; other than 1 wants train.condition_dropout
    # mean cosine distance of a task's class texts to the nearest trained with from which on base is the answer; up to
    # there, a falling share of the way from base to the generated weights; null: all of it, however new the texts
    reach: Annotated[float, Field(gt=0)] | None = None
    respacing: Annotated[str, Field(pattern=r"^(ddim\d+|\d+(,\d+)*)$")] | None = None

    @field_validator("respacing", mode="before")
    @classmethod
    def _sections_as_text(cls, value: object) -> object:
        # The command line turns 100 into a number and cannot write 10,15,20 without quotes.
        sections = value if isinstance(value, list) else [value]
        return ",".join(map(str, sections)) if sections and all(type(part) is int for part in sections) else value


class FunctionalConfig(Section):
    steps: Whole = 0  # of the second phase, on the task loss; 0: none
    batch_size: Count = 32  # fresh tasks per step
    images: Count = 128  # training images per task and step
    learning_rate: Rate = 3e-4
    warmup: Whole = 50
    noisy_share: Annotated[float, Field(ge=0, le=1)] = 0.5  # of the tasks at pure noise
    feature_noise: Annotated[float, Field(ge=0)] = 0.0  # added to image features, in units of their spread
    # share of the target that is the probabilities of a linear classifier of all seen classes
    teacher: Annotated[float, Field(ge=0, le=1)] = 0.0
    label_smoothing: Share = 0.0
    # generator.kind=units
    made_up: Annotated[float, Field(ge=0, le=1)] = 0.5  # share of the steps on concepts with made-up features
    made_up_classes: Annotated[int, Field(ge=2)] = 64  # most classes of their tasks
    maps: Count = 16  # text-to-weights maps of some of the concepts, whose predictions are the evidence there
    predicted: bool = True  # know some classes there by what a map says without them; false: all by their own rows


class TrainConfig(Section):
    steps: Whole | None = None  # of the first phase, on weights
    epochs: Count | None = None  # passes over the training tasks, in place of steps
    batch_size: Count
    learning_rate: Rate
    weight_decay: Annotated[float, Field(ge=0)]
    beta2: Annotated[float, Field(gt=0, lt=1)] = 0.99
    warmup: Whole = 0  # steps
    warmup_epochs: Annotated[float, Field(ge=0)] | None = None  # in place of warmup
    clip: Annotated[float, Field(gt=0)]
    accumulate: Count = 1  # parts a batch is worked through in: less memory, the same result
    ema_decay: Share
    ema_warmup: bool = True
    weighting: Literal["uniform", "min_snr"] = "uniform"  # of the loss over timesteps
    timestep_sampler: Literal["uniform", "loss-second-moment"] = "uniform"
    condition_dropout: Share = 0.0  # of the tasks trained without text; guidance needs some, e.g. 0.1
    text_noise: Annotated[float, Field(ge=0)] = 0.0  # blur of class texts, up to this many times their length
    permutation: bool = False  # hidden units of training adapters in random order, anew at every step
    adversarial: Annotated[float, Field(ge=0)] = 0.0  # weight of the discriminator; 0: none
    functional: FunctionalConfig = FunctionalConfig()
    select: Literal["validation_loss", "validation_accuracy", "last"] = "last"  # which weights are kept
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    compile: bool = False
    resume_from: str | None = None  # weights to start from: a generator's file, ours or the reference's
    log_every: Count = 10
    checkpoint_every: Count = 250
    checkpoint_every_epochs: Count | None = None  # in place of checkpoint_every
    validate_every: Count = 100
    keep: Whole = 1  # periodic checkpoints kept beside the last and the best
    trackers: list[Literal["tensorboard", "wandb"]] = []

    @model_validator(mode="after")
    def _one_length(self) -> TrainConfig:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(
                f"train.steps is {self.steps} and train.epochs is {self.epochs}; give one, set the other to null"
            )
        return self


class JointConfig(Section):
    hidden: Count
    steps: Count
    batch_size: Count
    learning_rates: Annotated[list[Rate], Field(min_length=1)]  # the best on validation tasks is taken


class EvalConfig(Section):
    seeds: Annotated[list[Whole], Field(min_length=1)]  # noise seeds of the generated adapters
    ensemble: Count  # samples whose predictions are averaged
    ridge_alphas: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)]
    bootstrap: Annotated[int, Field(ge=100)]  # resamples
    # folders or archives of class folders that the generator is tried on by their class names alone
    unseen_datasets: list[str] = []
    joint: JointConfig


class Config(Section):
    name: str
    out: str  # the run folder
    seed: Whole
    device: str
    dataset: DatasetConfig
    encoder: EncoderConfig
    tasks: TasksConfig
    adapters: AdaptersConfig
    recipe: RecipeConfig
    launcher: LauncherConfig
    generator: GeneratorSection
    diffusion: DiffusionConfig
    train: TrainConfig
    eval: EvalConfig

    @model_validator(mode="after")
    def _units_have_evidence(self) -> Config:
        units = self.adapters.kind == "units", self.generator.kind == "units"
        if units[0] != units[1]:
            raise ValueError(
                f"adapters.kind is {self.adapters.kind!r} and generator.kind is {self.generator.kind!r}; "
                "units belong together: set adapters=units generator=units"
            )
        if units[0] and not self.encoder.concepts:
            raise ValueError("adapters.kind is 'units' and encoder.concepts is false; set encoder=efficientnet")
        return self
