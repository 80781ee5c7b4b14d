"""Stage `tasks`: tasks/tasks.json."""

from __future__ import annotations

import logging

from t2w.config import Config
from t2w.runs.folder import Run
from t2w.runs.texts import text_mode
from t2w.tasks import TaskSet, load_tasks, make_task_set, save_tasks

__all__ = ["plan", "read_task_set", "run"]

log = logging.getLogger("t2w")


def plan(config: Config) -> TaskSet:
    """Draw the tasks without writing anything: bad input shows before a folder is made.

    Raises:
        T2WError: the data cannot be read, or has too few classes for the tasks asked for.
    """
    tasks, class_names = config.tasks, _class_names(config)
    return make_task_set(
        config.dataset.name,
        class_names,
        n_train=tasks.n_train,
        n_validation=tasks.n_validation,
        n_test=tasks.n_unseen_combination,
        n_unseen_class=tasks.n_unseen_class,
        n_unseen_classes=tasks.unseen_classes,
        min_classes=tasks.min_classes,
        max_classes=tasks.max_classes,
        seed=tasks.split_seed,
        split_seed=tasks.split_seed,
        text_mode=text_mode(config, class_names),
    )


def _class_names(config: Config) -> tuple[str, ...]:
    if config.dataset.name == "features":
        from t2w.features import load_features

        assert config.dataset.path is not None  # the schema saw to it
        return load_features(config.dataset.path)[0].class_names
    from t2w.datasets import class_names_of

    return class_names_of(config.dataset.name, config.dataset.path, download=config.dataset.download)


def run(run: Run) -> None:
    task_set = plan(run.config)
    save_tasks(run.path("tasks", "tasks.json"), task_set)
    log.info(
        "tasks: %d of %d classes (%d held out)",
        len(task_set.tasks),
        len(task_set.class_names),
        len(task_set.unseen_classes),
    )


def read_task_set(run: Run) -> TaskSet:
    """The run's tasks."""
    return load_tasks(run.path("tasks", "tasks.json"))
