"""Stage `train`: train/generator.safetensors, train/losses.json, and the checkpoint training goes on from."""

from __future__ import annotations

import logging

from t2w.adapters.store import WeightDataset
from t2w.devices import resolve_device
from t2w.files import write_json
from t2w.generator import Condition, Generator, GeneratorConfig, condition_of
from t2w.runs.engine import stage_fingerprint
from t2w.runs.folder import Run
from t2w.runs.stage_adapters import read_base, read_weights
from t2w.runs.stage_features import read_texts, read_vision
from t2w.runs.stage_tasks import read_task_set
from t2w.training import TrainSettings, fit_generator

__all__ = ["read_generator", "run"]

log = logging.getLogger("t2w")


def run(run: Run) -> None:
    config, base = run.config, read_base(run)
    text, text_encoder = read_texts(run)
    weights = read_weights(run)
    train, validation = weights.subset(split="train"), weights.subset(split="validation")
    task_set = read_task_set(run)
    shape = GeneratorConfig(
        spec=base.spec,
        text_dim=text.shape[1],
        timesteps=config.diffusion.timesteps,
        **config.generator.model_dump(),
    )

    def conditions(dataset: WeightDataset) -> Condition:
        position = {name: i for i, name in enumerate(task_set.class_names)}
        tasks = [[position[name] for name in record.class_names] for record in dataset.records]
        return condition_of(text, tasks, conditioning=shape.conditioning)

    generator, result = fit_generator(
        shape,
        base.vector,
        train.vectors,
        conditions(train),
        settings=TrainSettings(seed=config.seed, **config.train.model_dump()),
        validation=(validation.vectors, conditions(validation)),
        identity={
            "name": f"{config.name}@{stage_fingerprint(config, 'train')}",
            "dataset": config.dataset.name,
            "class_names": list(task_set.class_names),
            "seen_classes": list(task_set.seen_classes),
            "text": dict(task_set.text_mode),
            "text_encoder": text_encoder,
            "text_encoder_path": config.encoder.path,
            "vision": read_vision(run),
        },
        checkpoints=run.path("train"),
        device=resolve_device(config.device),
    )
    generator.save(run.path("train", "generator.safetensors"))
    write_json(
        run.path("train", "losses.json"),
        {"train": result.train_losses, "validation": [entry[:2] for entry in result.validation_losses]},
    )
    log.info("generator: %d steps, loss %.4f", result.steps, result.train_losses[-1][1])


def read_generator(run: Run) -> Generator:
    """The run's trained generator."""
    return Generator.load(run.path("train", "generator.safetensors"), device=resolve_device(run.config.device))
