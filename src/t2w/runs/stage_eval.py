"""Stage `eval`: scoreboard.json and report.html in the run folder; oracles and curves in eval/."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from t2w.adapters.store import WeightDataset
from t2w.devices import resolve_device
from t2w.evaluation import baselines, zero_shot
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.examples import example_grid
from t2w.evaluation.generated import Sampling, denoising_curve, ensemble_scores, sample_scores
from t2w.evaluation.report import DenoisingCurve, ExampleGrid
from t2w.evaluation.scoreboard import Scoreboard, make_scoreboard
from t2w.evaluation.unit_baselines import UnitBaselines, start
from t2w.files import write_json
from t2w.runs.eval_known import KnownRows, encoder_labels, unseen_dataset
from t2w.runs.folder import Run
from t2w.runs.provenance import provenance
from t2w.runs.results import write_run_report
from t2w.runs.stage_adapters import class_text, make_for_tasks, read_base, read_weights, task_adapters
from t2w.runs.stage_concepts import read_known
from t2w.runs.stage_features import read_features
from t2w.runs.stage_tasks import read_task_set
from t2w.runs.stage_train import read_generator, sampling_of, write_generator

__all__ = ["read_bench", "run"]

log = logging.getLogger("t2w")

_NOISE = (0.5, 1.0)  # sigmas of the noise baseline, in units of the adapters' spread
_GRIDS = 3  # tasks whose predictions the report shows: the first of the split


@dataclass(frozen=True, eq=False)
class _Split:
    """A test split: its tasks as class positions, their ids, and the adapters trained on their own images."""

    name: str
    tasks: Tasks
    ids: tuple[int, ...]
    oracles: torch.Tensor


def run(run: Run) -> None:
    splits = _make_oracles(run)
    bench = read_bench(run)
    known = KnownRows.of(run) if run.config.encoder.concepts else None
    how = run.config.diffusion
    generator = read_generator(run)
    sampling = Sampling(generator, how.sampler, how.steps, how.respacing, how.guidance, how.reach)
    scores, chosen = _all_scores(run, bench, splits, sampling, known)
    about = provenance(run) | {"chosen_without_test_data": chosen}
    unseen = {}
    if known is not None:
        about["encoder_labels"] = {split.name: encoder_labels(known, known.senses) for split in splits}
        unseen = _unseen_datasets(run, sampling, known, about["encoder_labels"])
    board = make_scoreboard(
        scores | unseen,
        resamples=run.config.eval.bootstrap,
        seed=run.config.seed,
        provenance=about,
        of_images=tuple(unseen),
    )
    curves = [_curve(run, bench, sampling, split, scores) for split in splits]
    grids = _grids(run, bench, sampling, splits)
    if generator.identity.get("sampling") != sampling_of(run.config):  # changed since it was trained
        generator.identity["sampling"] = sampling_of(run.config)
        write_generator(run, generator)
    _write(run, board, curves, grids)


def _make_oracles(run: Run) -> list[_Split]:
    """The adapters of the test tasks: references only, in a folder of their own that no training reads."""
    task_set = read_task_set(run)
    tasks = (*task_set.of("unseen_combination"), *task_set.of("unseen_class"))
    folder = run.path("eval", "oracles")
    make_for_tasks(run, tasks, folder)
    weights = WeightDataset.open(folder)
    positions = {name: i for i, name in enumerate(task_set.class_names)}
    splits = []
    for name in ("unseen_combination", "unseen_class"):
        index = [i for i, task in enumerate(tasks) if task.split == name]
        if index:
            classes = [[positions[c] for c in tasks[i].classes] for i in index]
            splits.append(_Split(name, classes, tuple(tasks[i].id for i in index), weights.rows(index)))
    return splits


def read_bench(run: Run) -> Bench:
    """What a run's methods are scored with."""
    task_set, base = read_task_set(run), read_base(run)
    train, test = read_features(run)
    spec, starts = task_adapters(run)
    weights = read_weights(run).subset(split="train")
    position = {name: i for i, name in enumerate(task_set.class_names)}
    by_id = {task.id: [position[name] for name in task.classes] for task in task_set.tasks}
    return Bench(
        spec=spec,
        base=base.vector,
        text=class_text(run),
        train=train,
        validation_fraction=run.config.recipe.validation_fraction,
        test=test,
        seen=tuple(position[name] for name in task_set.seen_classes),
        train_tasks=[by_id[i] for i in weights.task_ids],
        train_vectors=weights.vectors,
        validation_tasks=[by_id[task.id] for task in task_set.of("validation")],
        seed=run.config.seed,
        device=resolve_device(run.config.device),
        base_spec=base.spec,
        evidence=None if starts is None else read_known(run).evidence,
        starts=starts,
    )


def _unseen_datasets(
    run: Run, sampling: Sampling, known: KnownRows, labels: dict[str, str]
) -> dict[str, dict[str, np.ndarray]]:
    """The datasets of `eval.unseen_datasets`, by their names alone; `labels` takes what the encoder knows of them."""
    scores: dict[str, dict[str, np.ndarray]] = {}
    if sampling.generator.concepts is None:  # a generator of texts alone knows no other names
        return scores
    for path in map(Path, run.config.eval.unseen_datasets):
        if not path.exists():
            log.warning("eval.unseen_datasets names %s, which is not there; left out", path)
            continue
        name = f"unseen dataset {path.stem}"
        scores[name], labels[name] = unseen_dataset(run, path, sampling, known, seeds=run.config.eval.seeds)
    return scores


def _by_vectors(run: Run, bench: Bench) -> tuple[dict[str, Callable[[Bench, Tasks], torch.Tensor]], float]:
    """The baselines that write a weight vector for a task, and ridge regression's alpha."""
    alphas = run.config.eval.ridge_alphas
    if bench.starts is None:
        ridge = baselines.ridge(bench, alphas)
        return {
            "mean": baselines.mean,
            "nearest text": baselines.nearest_text,
            **{f"noise {sigma:g}": partial(baselines.noise, sigma=sigma) for sigma in _NOISE},
            "gaussian": baselines.gaussian,
            "ridge": ridge,
        }, ridge.alpha
    units = UnitBaselines.of(bench)
    alpha, differences = units.ridge(alphas)
    return {
        "start": start,
        "mean": units.mean,
        "nearest text": units.nearest_text,
        **{f"noise {sigma:g}": partial(units.noise, sigma=sigma) for sigma in _NOISE},
        "gaussian": units.gaussian,
        "ridge": lambda _, tasks: units.moved_by(differences, tasks),
    }, alpha


def _all_scores(
    run: Run, bench: Bench, splits: list[_Split], sampling: Sampling, known: KnownRows | None
) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """split -> method -> (T,) accuracies, in the order of the scoreboard; and the hyper-parameters chosen."""
    config = run.config.eval
    by_vectors, alpha = _by_vectors(run, bench)
    joint = baselines.joint_wide(bench, **config.joint.model_dump())
    head = baselines.linear_head(bench)
    prototypes, esz = zero_shot.text_to_prototype(bench), zero_shot.eszsl(bench)
    scores, seen = {}, set(bench.seen)
    for split in splits:
        tasks = split.tasks
        scores[split.name] = {
            "chance": np.array([1 / len(task) for task in tasks]),
            "base": bench.score(baselines.base(bench, tasks), tasks, spec=bench.base_spec),
            **{name: bench.score(method(bench, tasks), tasks) for name, method in by_vectors.items()},
            "joint wide": joint.score(bench, tasks),
            **({"linear head": head.accuracy(bench.test, tasks)} if all(map(seen.issuperset, tasks)) else {}),
            **({} if known is None else known.scores(bench.test, tasks)),
            "text-to-prototype": prototypes.accuracy(bench.test, tasks),
            "ESZSL": esz.accuracy(bench.test, tasks),
            "generated": sample_scores(sampling, bench, tasks, seeds=config.seeds),
            f"generated x{config.ensemble}": ensemble_scores(
                sampling, bench, tasks, samples=config.ensemble, seed=max(config.seeds) + 1
            ),
            "oracle": bench.score(split.oracles, tasks),
        }
    chosen = {"ridge_alpha": alpha, "joint_learning_rate": joint.learning_rate, "linear_head_noise": head.chosen}
    return scores, chosen | {"text_to_prototype": prototypes.chosen, "eszsl": esz.chosen}


def _curve(
    run: Run, bench: Bench, sampling: Sampling, split: _Split, scores: dict[str, dict[str, np.ndarray]]
) -> DenoisingCurve:
    return denoising_curve(
        sampling,
        bench,
        split.tasks,
        split=split.name,
        seed=run.config.eval.seeds[0],
        references={name: float(scores[split.name][name].mean()) for name in ("base", "oracle")},
        resamples=run.config.eval.bootstrap,
    )


def _grids(run: Run, bench: Bench, sampling: Sampling, splits: list[_Split]) -> list[ExampleGrid]:
    images = None
    if run.config.dataset.name == "digits":
        from t2w.datasets import load_dataset

        test = load_dataset("digits")[1]
        images = [(255 - image.astype(float) * (255 / test.max_value)).astype(np.uint8) for image in test.images]
    grids = []
    for split in splits:
        tasks = split.tasks[:_GRIDS]
        vectors = sampling.vectors(bench, tasks, seed=run.config.eval.seeds[0])
        for task, task_id, vector in zip(tasks, split.ids, vectors, strict=False):
            grids.append(example_grid(bench, task, vector, task_id=task_id, split=split.name, images=images))
    return grids


def _write(run: Run, board: Scoreboard, curves: list[DenoisingCurve], grids: list[ExampleGrid]) -> None:
    write_json(run.path("eval", "denoising.json"), [asdict(curve) for curve in curves])
    write_json(run.path("scoreboard.json"), board.to_dict())
    write_run_report(run, board, curves, grids)
