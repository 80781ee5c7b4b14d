"""The sections of the configuration that are a run's own: its data, encoders, tasks and adapters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from t2w.settings import Count, Operational, Positive, Range, Rate, Settings, Whole

__all__ = ["AdaptersConfig", "DatasetConfig", "EncoderConfig", "LauncherConfig", "Several", "TasksConfig"]

Several = Annotated[int, Range(2)]


@dataclass(frozen=True, kw_only=True)
class DatasetConfig(Settings):
    """Images and their classes, or their features."""

    section: ClassVar[str] = "dataset"

    name: Literal["digits", "features", "cifar100", "caltech256", "tiny_imagenet", "imagenet", "folder"]
    path: str | None = None  # features: the FeatureSet file; images: their official archive or folder
    split_seed: Whole = 0  # of the split into training and test images, where the dataset has none of its own
    download: Operational[bool] = False  # fetch the archive where its licence allows it and it is not there yet

    def rules(self) -> Iterator[str]:
        if self.name == "features" and not self.path:
            yield "dataset.path is missing: name the features file, dataset.path=FILE.safetensors"


@dataclass(frozen=True, kw_only=True)
class EncoderConfig(Settings):
    """The frozen encoders of texts and images."""

    section: ClassVar[str] = "encoder"

    name: str  # of the text encoder: minilm, clip-b32, or a model on the hub
    path: str | None = None  # a local folder with the text encoder; None: the offline package, then the hub
    text_mode: Literal["template", "description", "ensemble"] = "template"  # what is encoded of a class
    template: str  # "{}" is replaced by the class name
    # of the images: efficientnet-lite0, a preset (resnet18), a model on the hub, a folder; None: what suits the dataset
    vision: str | None = None
    revision: str | None = None  # of the vision encoder on the hub; None: the newest
    # what the image encoder knows by name (its own last layer) as evidence for every class; wants an image classifier
    concepts: bool = False
    cache: Operational[str | None] = "~/.cache/t2w/features"  # features kept for other runs; None: nowhere

    def rules(self) -> Iterator[str]:
        if "{}" not in self.template:
            yield f"encoder.template is {self.template!r}; expected a text with {{}} for the class name"


@dataclass(frozen=True, kw_only=True)
class TasksConfig(Settings):
    """How many tasks of how many classes there are."""

    section: ClassVar[str] = "tasks"

    min_classes: Several
    max_classes: Several
    n_train: Several
    n_validation: Count
    n_unseen_combination: Count
    n_unseen_class: Whole
    unseen_classes: Whole  # how many classes are held out altogether
    split_seed: Whole  # chooses the held-out classes and the tasks
    begin: Operational[Whole] = 0  # `t2w adapters` makes tasks begin..end-1 only: the range of this process
    end: Operational[Count | None] = None  # None: to the last

    def rules(self) -> Iterator[str]:
        if self.max_classes < self.min_classes:
            yield f"tasks.max_classes is {self.max_classes}, below tasks.min_classes = {self.min_classes}"
        if self.n_unseen_class and self.unseen_classes < self.min_classes:
            yield (
                f"tasks.unseen_classes is {self.unseen_classes}, too few for tasks of {self.min_classes} classes; "
                "hold out more classes or set tasks.n_unseen_class=0"
            )
        if self.end is not None and self.end <= self.begin:
            yield f"tasks.end is {self.end}, not after tasks.begin = {self.begin}"


@dataclass(frozen=True, kw_only=True)
class BaseConfig(Settings):
    """Training of the base adapter."""

    section: ClassVar[str] = "adapters.base"

    steps: Count
    batch_size: Count
    learning_rate: Rate


@dataclass(frozen=True, kw_only=True)
class AdaptersConfig(Settings):
    """The adapters that are trained on images; the section `recipe` has the training itself."""

    section: ClassVar[str] = "adapters"

    # shared: `hidden` units, all tasks start at one base; units: a unit per class, each task starts at its evidence
    kind: Literal["shared", "units"] = "shared"
    hidden: Count  # of shared adapters, and of the base that units are compared with
    gain: Positive = 0.3  # units: what evidence rows are multiplied by, over the features' spread
    logit_scale: Positive
    dtype: Literal["auto", "float32", "bfloat16"]  # auto: the faster one on this machine, by measurement
    shard_size: Operational[Count | None] = None  # adapters per file; None: what suits the device
    group_size: Operational[Count | None] = None  # tasks trained together; None: what suits the device
    base: BaseConfig


@dataclass(frozen=True, kw_only=True)
class LauncherConfig(Settings):
    """Who extracts features and trains adapters."""

    section: ClassVar[str] = "launcher"

    name: Literal["local", "ray"] = "local"
    address: str | None = None  # ray: the cluster's address, or auto; None: a local cluster
