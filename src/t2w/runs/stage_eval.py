"""Stage `eval`: scoreboard.json and report.html in the run folder; oracles and curves in eval/."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor

from t2w.evaluation import baselines, zero_shot
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.generated import denoising_curve, ensemble_scores, example_grid, sample_scores
from t2w.evaluation.report import ExampleGrid
from t2w.evaluation.scoreboard import make_scoreboard
from t2w.files import write_json
from t2w.runs.eval_known import KnownRows
from t2w.runs.results import provenance, write_run_report
from t2w.runs.run import Run
from t2w.runs.stage_adapters import make_for_tasks

__all__ = ["run"]

log = logging.getLogger("t2w")

Scores: TypeAlias = dict[str, dict[str, np.ndarray]]  # split -> method -> (T,) accuracies

_NOISE = (0.5, 1.0)  # sigmas of the noise baseline, in units of the adapters' spread
_GRIDS = 3  # tasks whose predictions the report shows: the first of the split


def run(run: Run) -> None:
    # The adapters of the test tasks: references only, in a folder of their own that no training reads.
    make_for_tasks(run, run.test_tasks, run.oracles)
    known = KnownRows(run) if run.config.encoder.concepts else None
    scores, chosen = _all_scores(run, known)
    about, unseen = provenance(run) | {"chosen_without_test_data": chosen}, {}
    if known is not None:
        about["encoder_labels"] = {split.name: known.labels(run.known.senses) for split in run.test_splits}
        unseen = _unseen_datasets(run, known, about["encoder_labels"])
    resamples, seed = run.config.eval.bootstrap, run.config.eval.seeds[0]
    board = make_scoreboard(
        scores | unseen, resamples=resamples, seed=run.config.seed, provenance=about, of_images=tuple(unseen)
    )
    curves = [
        denoising_curve(
            run.sampled, run.bench, split.tasks, split=split.name, seed=seed, resamples=resamples,
            references={name: float(scores[split.name][name].mean()) for name in ("base", "oracle")},
        )
        for split in run.test_splits
    ]  # fmt: skip
    grids = _grids(run, seed=seed)
    how = run.config.diffusion.sampling.to_dict()
    if run.generator.provenance.get("sampling") != how:  # changed since it was trained
        run.generator.provenance["sampling"] = how
        run.generator.save(run.generator_file)
    write_json(run.path("eval", "denoising.json"), [asdict(curve) for curve in curves])
    write_json(run.path("scoreboard.json"), board.to_dict())
    write_run_report(run, board, curves, grids)


def _unseen_datasets(run: Run, known: KnownRows, labels: dict[str, str]) -> Scores:
    """The datasets of `eval.unseen_datasets`, by their names alone; `labels` takes what the encoder knows of them."""
    scores: Scores = {}
    if run.generator.concepts is None:  # a generator of texts alone knows no other names
        return scores
    for path in map(Path, run.config.eval.unseen_datasets):
        if path.exists():
            name = f"unseen dataset {path.stem}"
            scores[name], labels[name] = known.unseen_dataset(path, run.sampled, run.config.eval.seeds)
        else:
            log.warning("eval.unseen_datasets names %s, which is not there; left out", path)
    return scores


def _weight_baselines(bench: Bench, alphas: tuple[float, ...]) -> tuple[dict[str, Callable[[Tasks], Tensor]], float]:
    """The baselines that write a weight vector for a task, and ridge regression's alpha."""
    shared = bench.starts is None
    made = baselines.AdapterBaselines(bench) if shared else baselines.UnitBaselines(bench)
    alpha, ridge = made.ridge(alphas)
    return {
        **({} if shared else {"start": bench.start}),
        "mean": made.mean,
        "nearest text": made.nearest_text,
        **{f"noise {sigma:g}": partial(made.noise, sigma=sigma) for sigma in _NOISE},
        "gaussian": made.gaussian,
        "ridge": ridge,
    }, alpha


def _all_scores(run: Run, known: KnownRows | None) -> tuple[Scores, dict[str, Any]]:
    """Accuracies in the order of the scoreboard, and the hyper-parameters chosen."""
    config, bench, sampled = run.config.eval, run.bench, run.sampled
    by_weights, alpha = _weight_baselines(bench, config.ridge_alphas)
    joint = baselines.joint_wide(bench, **config.joint.to_dict())
    head, noise = baselines.linear_head(bench)
    prototypes, of_prototypes = zero_shot.text_to_prototype(bench)
    eszsl, of_eszsl = zero_shot.eszsl(bench)
    scores, seen = {}, set(bench.seen)
    for split in run.test_splits:
        tasks = split.tasks
        linear = partial(zero_shot.linear_accuracy, images=bench.test, tasks=tasks)
        scores[split.name] = {
            "chance": np.array([1 / len(task) for task in tasks]),
            "base": bench.score(bench.base.expand(len(tasks), -1), tasks, spec=bench.base_spec),
            **{name: bench.score(method(tasks), tasks) for name, method in by_weights.items()},
            "joint wide": joint.score(bench, tasks),
            **({"linear head": linear(head)} if all(map(seen.issuperset, tasks)) else {}),
            **({} if known is None else known.scores(tasks)),
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


def _grids(run: Run, *, seed: int) -> list[ExampleGrid]:
    images = None
    if run.config.dataset.name == "digits":
        from t2w.datasets import load_dataset

        test = load_dataset("digits")[1]
        images = [(255 - image.astype(float) * (255 / test.max_value)).astype(np.uint8) for image in test.images]
    grids = []
    for split in run.test_splits:
        vectors = run.sampled.vectors(run.bench, split.tasks[:_GRIDS], seed=seed)
        for task, task_id, vector in zip(split.tasks, split.ids, vectors, strict=False):
            grids.append(example_grid(run.bench, task, vector, task_id=task_id, split=split.name, images=images))
    return grids
