"""Stage `tasks`: the tasks that a configuration asks for, drawn from the classes of its data; tasks/tasks.json."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from t2w.config import Config
from t2w.datasets.registry import CLASS_LISTS, class_list, descriptions
from t2w.errors import T2WError
from t2w.tasks import PROMPTS, TaskSet, TextMode, make_task_set, save_tasks

if TYPE_CHECKING:
    from t2w.runs.run import Run

__all__ = ["plan", "run"]

log = logging.getLogger("t2w")


def run(run: Run) -> None:
    tasks = run.planned
    save_tasks(run.path("tasks", "tasks.json"), tasks)
    count = len(tasks.tasks), len(tasks.class_names), len(tasks.unseen_classes)
    log.info("tasks: %d of %d classes (%d held out)", *count)


def plan(config: Config, class_names: Sequence[str] | None) -> TaskSet:
    """Draw the tasks without writing anything: bad input shows before a folder is made.

    Args:
        class_names: those of a features file; None for the classes of `config.dataset`.

    Raises:
        T2WError: the data cannot be read, or has too few classes for the tasks asked for.
    """
    tasks, dataset = config.tasks, config.dataset
    if class_names is None:
        from t2w.datasets import class_names_of

        class_names = class_names_of(dataset.name, dataset.path, download=dataset.download)
    return make_task_set(
        dataset.name, class_names, n_train=tasks.n_train, n_validation=tasks.n_validation,
        n_test=tasks.n_unseen_combination, n_unseen_class=tasks.n_unseen_class, n_unseen_classes=tasks.unseen_classes,
        min_classes=tasks.min_classes, max_classes=tasks.max_classes, seed=tasks.split_seed,
        split_seed=tasks.split_seed, text_mode=_text_mode(config, class_names),
    )  # fmt: skip


def _text_mode(config: Config, class_names: Sequence[str]) -> TextMode:
    """How class names become texts."""
    encoder = config.encoder
    if encoder.text_mode == "description":
        return TextMode.described(_described(class_names), template=encoder.template)
    if encoder.text_mode == "ensemble":
        return TextMode.ensemble((encoder.template, *(one for one in PROMPTS if one != encoder.template)))
    return TextMode(encoder.template)


def _described(class_names: Sequence[str]) -> dict[str, str]:
    """Descriptions of the data set that has all these classes; a features file does not say which one it is."""
    for name in CLASS_LISTS:
        if set(class_names) <= set(class_list(name)):
            known = descriptions(name)
            return {name: known[name] for name in class_names}
    raise T2WError(
        f"encoder.text_mode is description, and there are none of these classes ({', '.join(class_names[:3])}, ...)",
        expected=f"classes of {', '.join(CLASS_LISTS)}",
        fix="set encoder.text_mode to template or ensemble",
    )
