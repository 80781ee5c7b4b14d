"""Stage `eval`: scoreboard.json and report.html in the run folder; oracles and curves in eval/."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from t2w.adapters.store import WeightDataset
from t2w.evaluation import baselines, zero_shot
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.examples import example_grid
from t2w.evaluation.generated import denoising_curve, ensemble_scores, sample_scores
from t2w.evaluation.report import ExampleGrid
from t2w.evaluation.scoreboard import make_scoreboard
from t2w.evaluation.unit_baselines import UnitBaselines, start
from t2w.files import write_json
from t2w.runs.eval_known import KnownRows, encoder_labels, unseen_dataset
from t2w.runs.results import provenance, write_run_report
from t2w.runs.run import Run
from t2w.runs.stage_adapters import make_for_tasks
from t2w.runs.stage_train import write_generator

__all__ = ["run"]

log = logging.getLogger("t2w")

Scores: TypeAlias = dict[str, dict[str, np.ndarray]]  # split -> method -> (T,) accuracies

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
    known = KnownRows.of(run) if run.config.encoder.concepts else None
    scores, chosen = _all_scores(run, splits, known)
    about, unseen = provenance(run) | {"chosen_without_test_data": chosen}, {}
    if known is not None:
        about["encoder_labels"] = {split.name: encoder_labels(known, known.senses) for split in splits}
        unseen = _unseen_datasets(run, known, about["encoder_labels"])
    bootstrap = {"resamples": run.config.eval.bootstrap}
    board = make_scoreboard(
        scores | unseen, seed=run.config.seed, provenance=about, of_images=tuple(unseen), **bootstrap
    )
    seed = run.config.eval.seeds[0]
    curves = [
        denoising_curve(
            run.sampled, run.bench, split.tasks, split=split.name, seed=seed, **bootstrap,
            references={name: float(scores[split.name][name].mean()) for name in ("base", "oracle")},
        )
        for split in splits
    ]  # fmt: skip
    grids = _grids(run, splits, seed=seed)
    how = run.config.diffusion.sampling.to_dict()
    if run.generator.provenance.get("sampling") != how:  # changed since it was trained
        run.generator.provenance["sampling"] = how
        write_generator(run, run.generator)
    write_json(run.path("eval", "denoising.json"), [asdict(curve) for curve in curves])
    write_json(run.path("scoreboard.json"), board.to_dict())
    write_run_report(run, board, curves, grids)


def _make_oracles(run: Run) -> list[_Split]:
    """The adapters of the test tasks: references only, in a folder of their own that no training reads."""
    folder, splits = run.path("eval", "oracles"), []
    tasks = (*run.task_set.of("unseen_combination"), *run.task_set.of("unseen_class"))
    make_for_tasks(run, tasks, folder)
    weights, classes = WeightDataset.open(folder), run.positions(task.classes for task in tasks)
    for name in ("unseen_combination", "unseen_class"):
        index = [i for i, task in enumerate(tasks) if task.split == name]
        if index:
            ids = tuple(tasks[i].id for i in index)
            splits.append(_Split(name, [classes[i] for i in index], ids, weights.rows(index)))
    return splits


def _unseen_datasets(run: Run, known: KnownRows, labels: dict[str, str]) -> Scores:
    """The datasets of `eval.unseen_datasets`, by their names alone; `labels` takes what the encoder knows of them."""
    scores: Scores = {}
    if run.generator.concepts is None:  # a generator of texts alone knows no other names
        return scores
    for path in map(Path, run.config.eval.unseen_datasets):
        if not path.exists():
            log.warning("eval.unseen_datasets names %s, which is not there; left out", path)
            continue
        name = f"unseen dataset {path.stem}"
        scores[name], labels[name] = unseen_dataset(run, path, run.sampled, known, seeds=run.config.eval.seeds)
    return scores


def _weight_baselines(run: Run) -> tuple[dict[str, Callable[[Bench, Tasks], torch.Tensor]], float]:
    """The baselines that write a weight vector for a task, and ridge regression's alpha."""
    bench, alphas = run.bench, run.config.eval.ridge_alphas
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


def _all_scores(run: Run, splits: list[_Split], known: KnownRows | None) -> tuple[Scores, dict[str, Any]]:
    """Accuracies in the order of the scoreboard, and the hyper-parameters chosen."""
    config, bench, sampled = run.config.eval, run.bench, run.sampled
    by_weights, alpha = _weight_baselines(run)
    joint = baselines.joint_wide(bench, **config.joint.to_dict())
    head, noise = baselines.linear_head(bench)
    prototypes, of_prototypes = zero_shot.text_to_prototype(bench)
    eszsl, of_eszsl = zero_shot.eszsl(bench)
    scores, seen = {}, set(bench.seen)
    for split in splits:
        tasks = split.tasks
        linear = partial(zero_shot.linear_accuracy, images=bench.test, tasks=tasks)
        scores[split.name] = {
            "chance": np.array([1 / len(task) for task in tasks]),
            "base": bench.score(baselines.base(bench, tasks), tasks, spec=bench.base_spec),
            **{name: bench.score(method(bench, tasks), tasks) for name, method in by_weights.items()},
            "joint wide": joint.score(bench, tasks),
            **({"linear head": linear(head)} if all(map(seen.issuperset, tasks)) else {}),
            **({} if known is None else known.scores(bench.test, tasks)),
            "text-to-prototype": linear(prototypes),
            "ESZSL": linear(eszsl),
            "generated": sample_scores(sampled, bench, tasks, seeds=config.seeds),
            f"generated x{config.ensemble}": ensemble_scores(
                sampled, bench, tasks, samples=config.ensemble, seed=max(config.seeds) + 1
            ),
            "oracle": bench.score(split.oracles, tasks),
        }
    chosen = {"ridge_alpha": alpha, "joint_learning_rate": joint.learning_rate, "linear_head_noise": noise}
    return scores, chosen | {"text_to_prototype": of_prototypes, "eszsl": of_eszsl}


def _grids(run: Run, splits: list[_Split], *, seed: int) -> list[ExampleGrid]:
    images = None
    if run.config.dataset.name == "digits":
        from t2w.datasets import load_dataset

        test = load_dataset("digits")[1]
        images = [(255 - image.astype(float) * (255 / test.max_value)).astype(np.uint8) for image in test.images]
    grids = []
    for split in splits:
        vectors = run.sampled.vectors(run.bench, split.tasks[:_GRIDS], seed=seed)
        for task, task_id, vector in zip(split.tasks, split.ids, vectors, strict=False):
            grids.append(example_grid(run.bench, task, vector, task_id=task_id, split=split.name, images=images))
    return grids
