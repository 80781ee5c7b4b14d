"""A run: its folder, its configuration, and what its finished stages left there, each file read and checked once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec, UnitStarts
from t2w.adapters.holdout import held_out
from t2w.adapters.store import WeightDataset
from t2w.config import Config
from t2w.devices import resolve_device
from t2w.errors import T2WError
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.generated import Sampled
from t2w.features import FeatureSet, load_features
from t2w.files import load_tensors, read_json
from t2w.generator import Generator
from t2w.runs.known import KnownClasses, load_concepts, load_known
from t2w.runs.stage_tasks import plan
from t2w.tasks import Split, Task, TaskSet, load_tasks

if TYPE_CHECKING:
    from t2w.concepts import Concepts
    from t2w.encoders import TextEncoder, VisionEncoder
    from t2w.encoders.head import ClassifierHead

__all__ = ["Base", "Run", "TestSplit"]

_TEST_SPLITS: tuple[Split, ...] = ("unseen_combination", "unseen_class")


@dataclass(frozen=True, eq=False)
class Base:
    """The base adapter: its sizes, weights (P,) and training losses (steps,), and the type adapters are trained in."""

    spec: AdapterSpec
    vector: Tensor
    losses: Tensor
    dtype: str


@dataclass(frozen=True, eq=False)
class TestSplit:
    """A test split: its tasks as class positions, their ids, and (T, P) the adapters trained on their own images."""

    name: str
    tasks: Tasks
    ids: tuple[int, ...]
    oracles: Tensor


@dataclass(frozen=True)
class Run:
    """A run folder and its configuration; properties raise T2WError where their stage is not done."""

    folder: Path
    config: Config

    def path(self, *parts: str) -> Path:
        return self.folder.joinpath(*parts)

    def forget(self) -> None:
        """Drop what was read: a stage is about to be done again."""
        for name in [name for name in vars(self) if name not in self.__dataclass_fields__]:
            del vars(self)[name]

    @cached_property
    def device(self) -> torch.device:
        return resolve_device(self.config.device)

    @cached_property
    def source(self) -> tuple[FeatureSet, FeatureSet] | None:
        """(training, test) features of the file that dataset=features names; None for images."""
        dataset = self.config.dataset
        return load_features(dataset.path) if dataset.name == "features" and dataset.path else None

    @cached_property
    def planned(self) -> TaskSet:
        """The tasks as the configuration has them, written or not."""
        return plan(self.config, self.source[0].class_names if self.source else None)

    @cached_property
    def task_set(self) -> TaskSet:
        return load_tasks(self.path("tasks", "tasks.json"))

    @property
    def test_tasks(self) -> tuple[Task, ...]:
        return tuple(task for split in _TEST_SPLITS for task in self.task_set.of(split))

    def positions(self, tasks: Iterable[Sequence[str]]) -> list[list[int]]:
        """The class names of some tasks as positions among the dataset's classes."""
        return [[self._position[name] for name in names] for names in tasks]

    @cached_property
    def seen(self) -> list[int]:
        """Positions of the seen classes."""
        return [self._position[name] for name in self.task_set.seen_classes]

    @cached_property
    def _position(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.task_set.class_names)}

    @cached_property
    def features(self) -> tuple[FeatureSet, FeatureSet]:
        """(training, test) images."""
        return load_features(self.path("features", "features.safetensors"))

    @cached_property
    def held_out(self) -> FeatureSet | None:
        """The training images that nothing is trained on; None where a class has none."""
        return held_out(self.features[0], self.config.recipe.validation_fraction)

    @cached_property
    def vision(self) -> dict[str, Any]:
        """The image encoder's description."""
        return dict(read_json(self.path("features", "vision.json"), what="a vision encoder's description"))

    @cached_property
    def vision_encoder(self) -> VisionEncoder:
        from t2w.encoders import vision_encoder_from_dict

        return vision_encoder_from_dict(self.vision, device=self.device)

    @cached_property
    def head(self) -> ClassifierHead:
        """The last layer of the image encoder. Raises T2WError where it has none."""
        head = getattr(self.vision_encoder, "head", None)
        if head is None:
            raise T2WError(
                f"{self.vision_encoder.identity} knows no classes by name, and encoder.concepts is true",
                expected="an image classifier, such as efficientnet-lite0 or resnet18",
                fix="set encoder.vision to one, or encoder.concepts=false",
            )
        found: ClassifierHead = head()
        return found

    @cached_property
    def wnids(self) -> list[str] | None:
        """The WordNet id of each class; None where the dataset does not have them."""
        ids: list[str] | None = read_json(self.path("features", "wnids.json"), what="the ids of a dataset's classes")
        return ids

    @cached_property
    def text_encoder(self) -> TextEncoder:
        from t2w.encoders import load_text_encoder

        return load_text_encoder(self.config.encoder.path or self.config.encoder.name)

    @cached_property
    def texts(self) -> tuple[Tensor, str]:
        """(C, d) class texts in the order of the classes, L2-normalised, and the identity of their encoder."""
        path, count = self.path("features", "texts.safetensors"), len(self.task_set.class_names)
        tensors, metadata = load_tensors(path, what="class texts")
        if "text" not in tensors or len(tensors["text"]) != count:
            raise T2WError(f"{path} does not hold one text for each of {count} classes", fix="remove it and run again")
        return tensors["text"], str(metadata["encoder"])

    @cached_property
    def known(self) -> KnownClasses:
        """What the image encoder and the seen classes' photographs know by name."""
        return load_known(self.path("concepts"))

    @cached_property
    def encoder_concepts(self) -> Concepts:
        """The encoder's own concepts, without what photographs add."""
        return load_concepts(self.path("concepts"), "encoder")

    @property
    def class_text(self) -> Tensor:
        """(C, out) the class texts that adapters are compared with: of their meaning, where that was looked up."""
        return self.known.evidence.text if self.config.encoder.concepts else self.texts[0]

    @cached_property
    def base(self) -> Base:
        tensors, metadata = load_tensors(self.path("adapters", "base.safetensors"), what="a base adapter")
        spec = AdapterSpec.from_dict(metadata["spec"])
        return Base(spec, tensors["vector"], tensors["losses"], metadata["dtype"])

    @cached_property
    def task_adapters(self) -> tuple[AdapterSpec, UnitStarts | None]:
        """The sizes of single tasks' adapters, and where each starts; None: at the base, whose sizes they have."""
        if self.config.adapters.kind == "shared":
            return self.base.spec, None
        evidence, gain = self.known.evidence, self.config.adapters.gain / self.known.spread
        spec = replace(self.base.spec, hidden=self.config.tasks.max_classes)
        return spec, UnitStarts(evidence.rows, evidence.text, gain)

    @cached_property
    def weights(self) -> WeightDataset:
        """The adapters of training and validation tasks, all of them."""
        return WeightDataset.open(self.path("adapters", "weights"))

    @property
    def oracles(self) -> Path:
        """The folder of the test tasks' own adapters."""
        return self.path("eval", "oracles")

    @cached_property
    def test_splits(self) -> list[TestSplit]:
        """The test splits that have tasks."""
        weights, tasks, splits = WeightDataset.open(self.oracles), self.test_tasks, []
        classes = self.positions(task.classes for task in tasks)
        for name in _TEST_SPLITS:
            if index := [i for i, task in enumerate(tasks) if task.split == name]:
                ids = tuple(tasks[i].id for i in index)
                splits.append(TestSplit(name, [classes[i] for i in index], ids, weights.rows(index)))
        return splits

    @property
    def generator_file(self) -> Path:
        return self.path("train", "generator.safetensors")

    @cached_property
    def generator(self) -> Generator:
        """The trained generator."""
        return Generator.load(self.generator_file, device=self.device)

    @property
    def sampled(self) -> Sampled:
        """The generator, sampled as the configuration has it."""
        return Sampled(self.generator, self.config.diffusion.sampling)

    @cached_property
    def bench(self) -> Bench:
        """What methods are scored with."""
        spec, starts = self.task_adapters
        train, test = self.features
        weights = self.weights.subset(split="train")
        return Bench(
            spec=spec, base=self.base.vector, base_spec=self.base.spec, starts=starts,
            text=self.class_text, evidence=None if starts is None else self.known.evidence,
            train=train, test=test, validation_fraction=self.config.recipe.validation_fraction, seen=tuple(self.seen),
            train_tasks=self.positions(record.class_names for record in weights.records), train_vectors=weights.vectors,
            validation_tasks=self.positions(task.classes for task in self.task_set.of("validation")),
            seed=self.config.seed, device=self.device,
        )  # fmt: skip
