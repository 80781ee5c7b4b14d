"""Stage `train`: train/generator.safetensors, train/losses.json, and train/checkpoints that training goes on from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch

from t2w.adapters import AdapterSpec, accuracy
from t2w.adapters.store import WeightDataset
from t2w.config import Config
from t2w.devices import is_main_process
from t2w.errors import T2WError
from t2w.files import write_json
from t2w.generator import (
    CONFIGS,
    Condition,
    Generator,
    Network,
    NetworkConfig,
    Normalizer,
    UnitConfig,
    UnitNormalizer,
    condition_of,
    condition_of_evidence,
)
from t2w.runs.engine import stage_fingerprint
from t2w.runs.run import Run
from t2w.runs.stage_concepts import statistics_of
from t2w.runs.surety import fit_surety
from t2w.training import Functional, RandomTasks, Validation, fit_generator
from t2w.training.concept_tasks import ConceptTasks

__all__ = ["network_config", "run"]

log = logging.getLogger("t2w")


def run(run: Run) -> None:
    config, text = run.config, run.class_text
    train, validation = (run.weights.subset(split=split) for split in ("train", "validation"))
    spec, starts = run.task_adapters
    shape = network_config(config, spec, text.shape[1], gain=1.0 if starts is None else starts.gain)
    condition = _condition(run, shape, run.positions(record.class_names for record in train.records))
    normalizer = _normalizer(run, shape, train, condition)
    concepts = run.known.concepts if isinstance(shape, UnitConfig) else None
    provenance = {
        "name": f"{config.name}@{stage_fingerprint(config, 'train')}",
        "dataset": config.dataset.name,
        "class_names": list(run.task_set.class_names),
        "seen_classes": list(run.task_set.seen_classes),
        "text": dict(run.task_set.text_mode),
        "text_encoder": run.texts[1],
        "text_encoder_source": config.encoder.path or config.encoder.name,
        "sampling": config.diffusion.sampling.to_dict(),
        "vision": run.vision,
    }
    generator, result = fit_generator(
        shape, normalizer, train.mapped, condition, settings=config.train.in_steps(len(train), seed=config.seed),
        validation=_validation(run, spec, validation, normalizer, shape),
        functional=_functional(run) if config.train.functional.steps else None, initial=_initial(config, shape),
        provenance=provenance, known=text[run.seen], concepts=concepts, checkpoints=run.path("train", "checkpoints"),
        device=run.device,
    )  # fmt: skip
    if not is_main_process():
        return
    if concepts is not None and (surety := fit_surety(run, generator)) is not None:
        generator.provenance["surety"] = surety.to_dict()
    generator.save(run.generator_file)
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


def network_config(config: Config, spec: AdapterSpec, text_dim: int, *, gain: float = 1.0) -> NetworkConfig:
    """The network that a configuration asks for; `gain` of the starts, where each task has one of its own."""
    kind = CONFIGS[config.generator.kind]
    given: dict[str, Any] = {one.name: getattr(config.generator, one.name, None) for one in fields(kind)}
    given |= {"spec": spec, "text_dim": text_dim, "timesteps": config.diffusion.timesteps}
    return kind(**given | ({"gain": gain} if kind is UnitConfig else {}))


def _condition(run: Run, shape: NetworkConfig, tasks: list[list[int]]) -> Condition:
    if isinstance(shape, UnitConfig):
        return condition_of_evidence(run.known.evidence, tasks, width=shape.spec.hidden)
    return condition_of(run.class_text, tasks, conditioning=shape.conditioning)


def _normalizer(
    run: Run, shape: NetworkConfig, train: WeightDataset, condition: Condition
) -> Normalizer | UnitNormalizer:
    section, base = run.config.generator, run.base
    if section.kind == "units":
        assert isinstance(shape, UnitConfig)
        return UnitNormalizer.fit(shape.spec, shape.gain, run.known.concepts.centres, train.mapped, condition)
    if section.normalizer == "standard":
        return Normalizer.fit(base.vector, train.mapped)
    if section.normalizer == "none":
        return Normalizer.scaled(base.spec.size, 1.0)
    return Normalizer.scaled(base.spec.size, section.coefficient or Normalizer.coefficient_for(train.mapped))


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


def _validation(
    run: Run, spec: AdapterSpec, dataset: WeightDataset, normalizer: Normalizer | UnitNormalizer, shape: NetworkConfig
) -> Validation:
    """Validation tasks; the accuracy of one-step adapters on training images that nothing is trained on."""
    tasks, images = run.positions(record.class_names for record in dataset.records), run.held_out
    condition = _condition(run, shape, tasks)
    if images is None:
        return Validation(dataset.vectors, condition)

    def measure(network: Network) -> float:
        vectors = Generator(network, normalizer).generate(condition, steps=1)
        return float(accuracy(spec, vectors, images, run.class_text, tasks).mean())

    return Validation(dataset.vectors, condition, measure)


def _functional(run: Run) -> Functional:
    config, section = run.config, run.config.train.functional
    sizes = (config.tasks.min_classes, min(config.tasks.max_classes, len(run.seen)))
    kept_apart = run.positions(task.classes for task in run.task_set.tasks if task.split != "train")
    forbidden = set(map(frozenset, kept_apart))
    tasks = RandomTasks(run.features[0], run.seen, sizes, config.recipe.validation_fraction, forbidden)
    if config.generator.kind != "units":
        return Functional(tasks, run.class_text)
    concepts = run.known.concepts
    made_up = ConceptTasks(
        tasks, concepts, run.known.positions, statistics_of(run, concepts), share=section.made_up,
        classes=section.made_up_classes, maps=section.maps, predicted=section.predicted, seed=config.seed,
    )  # fmt: skip
    return Functional(made_up, run.class_text)
