"""Stage `train`: train/generator.safetensors, train/losses.json, and train/checkpoints that training goes on from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import ceil
from typing import Any

import torch

from t2w.adapters import AdapterSpec, accuracy
from t2w.adapters.holdout import held_out
from t2w.adapters.store import WeightDataset
from t2w.config import Config
from t2w.config.schema import TrainConfig
from t2w.devices import is_main_process, resolve_device
from t2w.errors import T2WError
from t2w.files import write_json
from t2w.generator import (
    Condition,
    Generator,
    GeneratorConfig,
    Network,
    NetworkConfig,
    Normalizer,
    ReferenceConfig,
    UnitConfig,
    UnitNormalizer,
    condition_of,
    condition_of_evidence,
)
from t2w.runs.calibration import calibrate
from t2w.runs.engine import stage_fingerprint
from t2w.runs.folder import Run
from t2w.runs.stage_adapters import Base, class_text, read_base, read_weights, task_adapters
from t2w.runs.stage_concepts import read_known, statistics_of
from t2w.runs.stage_features import read_features, read_texts, read_vision
from t2w.runs.stage_tasks import read_task_set
from t2w.tasks import TaskSet
from t2w.training import (
    FreshTasks,
    Functional,
    FunctionalSettings,
    TrainSettings,
    Validation,
    fit_generator,
)
from t2w.training.concept_tasks import ConceptTasks

__all__ = ["read_generator", "run", "sampling_of", "settings_of", "shape_of", "write_generator"]

log = logging.getLogger("t2w")

_REFERENCE_KEYS = ("split_policy", "encoder_depth", "decoder_depth", "num_frequencies", "max_freq_log2")
_OF_CONCEPT_TASKS = ("made_up", "made_up_classes", "maps", "predicted")  # functional keys that make tasks, not steps
_UNIT_KEYS = ("rank", "caution", "mute", "residual")
_OWN_KEYS = ("tokenizer", "conditioning", "position", "residual", "shared")


def run(run: Run) -> None:
    config, base = run.config, read_base(run)
    text, text_encoder = class_text(run), read_texts(run)[1]
    weights = read_weights(run)
    train, validation = weights.subset(split="train"), weights.subset(split="validation")
    task_set = read_task_set(run)
    spec, starts = task_adapters(run)
    shape = shape_of(config, spec, text.shape[1], gain=1.0 if starts is None else starts.gain)
    condition = _condition(run, shape, text, _tasks(train, task_set))
    normalizer = _normalizer(run, shape, base, train, condition)
    concepts = read_known(run).concepts if isinstance(shape, UnitConfig) else None
    generator, result = fit_generator(
        shape,
        base.vector,
        train.mapped,
        condition,
        settings=settings_of(config.train, len(train), seed=config.seed),
        normalizer=normalizer,
        validation=_validation(run, spec, validation, task_set, text, normalizer, shape),
        functional=_functional(run, task_set, text) if config.train.functional.steps else None,
        initial=_initial(config, shape),
        identity={
            "name": f"{config.name}@{stage_fingerprint(config, 'train')}",
            "dataset": config.dataset.name,
            "class_names": list(task_set.class_names),
            "seen_classes": list(task_set.seen_classes),
            "text": dict(task_set.text_mode),
            "text_encoder": text_encoder,
            "text_encoder_source": config.encoder.path or config.encoder.name,
            "sampling": sampling_of(config),
            "vision": read_vision(run),
        },
        known=text[[task_set.class_names.index(name) for name in task_set.seen_classes]],
        concepts=concepts,
        checkpoints=run.path("train", "checkpoints"),
        device=resolve_device(config.device),
    )
    if not is_main_process():
        return
    if concepts is not None and (surety := calibrate(run, generator)) is not None:
        generator.identity["surety"] = surety.to_dict()
    write_generator(run, generator)
    write_json(
        run.path("train", "losses.json"),
        {
            "train": result.train_losses,
            "validation": [(point.step, point.loss) for point in result.validation_losses],
            "accuracy": [(p.step, p.accuracy) for p in result.validation_losses if p.accuracy is not None],
            "first_phase_steps": result.first_phase_steps,
            "best_step": result.best_step,
            "seconds": result.seconds,
        },
    )
    log.info("generator: %d steps, the weights after step %d are kept", result.steps, result.best_step)


def shape_of(config: Config, spec: AdapterSpec, text_dim: int, *, gain: float = 1.0) -> NetworkConfig:
    """The network that a configuration asks for.

    Args:
        gain: of the adapters' starts, where each task has one of its own.
    """
    section = config.generator.model_dump()
    names = ("n_embd", "n_layer", "n_head")
    common: dict[str, Any] = {name: section[name] for name in names} | {"timesteps": config.diffusion.timesteps}
    if config.generator.kind == "units":
        return UnitConfig(spec, text_dim, gain=gain, **common, **{name: section[name] for name in _UNIT_KEYS})
    common |= {name: section[name] for name in ("dropout", "chunk_size")}
    if config.generator.kind == "reference":
        return ReferenceConfig(spec, text_dim, **common, **{name: section[name] for name in _REFERENCE_KEYS})
    return GeneratorConfig(spec, text_dim, **common, **{name: section[name] for name in _OWN_KEYS})


def settings_of(config: TrainConfig, tasks: int, *, seed: int) -> TrainSettings:
    """Training settings, with epochs turned into steps for this many training tasks."""
    values = config.model_dump()
    per_epoch = max(tasks // config.batch_size, 1)  # as the reference counts: an incomplete batch is left out
    for target in ("steps", "warmup", "checkpoint_every"):
        count = values.pop("epochs" if target == "steps" else f"{target}_epochs")
        if count is not None:
            values[target] = ceil(count * per_epoch)
    del values["resume_from"]
    second = {key: value for key, value in values.pop("functional").items() if key not in _OF_CONCEPT_TASKS}
    functional, trackers = FunctionalSettings(**second), tuple(values.pop("trackers"))
    return TrainSettings(seed=seed, functional=functional, trackers=trackers, **values)


def _condition(run: Run, shape: NetworkConfig, text: torch.Tensor, tasks: list[list[int]]) -> Condition:
    if isinstance(shape, UnitConfig):
        return condition_of_evidence(read_known(run).evidence, tasks, width=shape.spec.hidden)
    return condition_of(text, tasks, conditioning=shape.conditioning)


def _normalizer(
    run: Run, shape: NetworkConfig, base: Base, train: WeightDataset, condition: Condition
) -> Normalizer | UnitNormalizer:
    if isinstance(shape, UnitConfig):
        centres = read_known(run).concepts.centres
        return UnitNormalizer.fit(shape.spec, shape.gain, centres, train.mapped, condition)
    kind, coefficient = run.config.generator.normalizer, run.config.generator.coefficient
    if kind == "standard":
        return Normalizer.fit(base.vector, train.mapped)
    if kind == "none":
        return Normalizer.scaled(base.spec.size, 1.0)
    return Normalizer.scaled(base.spec.size, coefficient or Normalizer.coefficient_for(train.mapped))


def _initial(config: Config, shape: NetworkConfig) -> Mapping[str, torch.Tensor] | None:
    """The weights that training starts from; None for new ones."""
    path = config.train.resume_from
    if path is None:
        return None
    if path.endswith(".safetensors"):
        found: Network = Generator.load(path).network
    else:
        from t2w.interop.reference import load_generator

        found = load_generator(path, n_head=config.generator.n_head)
    mine, theirs = shape.to_dict(), found.config.to_dict()
    wrong = [key for key in mine if key not in ("timesteps", "dropout", "spec") and mine[key] != theirs.get(key)]
    if wrong or found.config.spec.size != shape.spec.size:
        named = ", ".join(f"{key} = {theirs.get(key)}" for key in wrong) or f"{found.config.spec.size} weights"
        wanted = ", ".join(f"{key} = {mine[key]}" for key in wrong) or f"{shape.spec.size} weights"
        raise T2WError(f"{path} is a network with {named}", expected=wanted, fix="set generator.* to its sizes")
    return found.state_dict()


def _tasks(dataset: WeightDataset, task_set: TaskSet) -> list[list[int]]:
    position = {name: i for i, name in enumerate(task_set.class_names)}
    return [[position[name] for name in record.class_names] for record in dataset.records]


def _validation(
    run: Run,
    spec: AdapterSpec,
    dataset: WeightDataset,
    task_set: TaskSet,
    text: torch.Tensor,
    normalizer: Normalizer | UnitNormalizer,
    shape: NetworkConfig,
) -> Validation:
    """Validation tasks; the accuracy of one-step adapters on training images that nothing is trained on."""
    tasks = _tasks(dataset, task_set)
    condition = _condition(run, shape, text, tasks)
    images = held_out(read_features(run)[0], run.config.recipe.validation_fraction)
    if images is None:
        return Validation(dataset.vectors, condition)

    def measure(network: Network) -> float:
        vectors = Generator(network, normalizer).generate(condition, steps=1)
        return float(accuracy(spec, vectors, images, text, tasks).mean())

    return Validation(dataset.vectors, condition, measure)


def _functional(run: Run, task_set: TaskSet, text: torch.Tensor) -> Functional:
    config, train = run.config, read_features(run)[0]
    position = {name: i for i, name in enumerate(task_set.class_names)}
    sizes = (config.tasks.min_classes, min(config.tasks.max_classes, len(task_set.seen_classes)))
    kept_apart = [task for task in task_set.tasks if task.split != "train"]
    forbidden = {frozenset(position[name] for name in task.classes) for task in kept_apart}
    seen = [position[name] for name in task_set.seen_classes]
    fresh = FreshTasks(train, seen, sizes, config.recipe.validation_fraction, forbidden)
    if config.generator.kind != "units":
        return Functional(fresh, text)
    known, section = read_known(run), config.train.functional
    made_up = ConceptTasks(
        fresh, known.concepts, known.positions, statistics_of(run, known.concepts), share=section.made_up,
        classes=section.made_up_classes, maps=section.maps, predicted=section.predicted, seed=config.seed,
    )  # fmt: skip
    return Functional(made_up, text)


def sampling_of(config: Config) -> dict[str, Any]:
    """How adapters are sampled from the generator where a user does not say: as it is scored."""
    return {key: getattr(config.diffusion, key) for key in ("sampler", "steps", "reach")}


def write_generator(run: Run, generator: Generator) -> None:
    generator.save(run.path("train", "generator.safetensors"))


def read_generator(run: Run) -> Generator:
    """The run's trained generator."""
    return Generator.load(run.path("train", "generator.safetensors"), device=resolve_device(run.config.device))
