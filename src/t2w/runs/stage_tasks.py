"""Stage `tasks`: tasks/tasks.json."""

from __future__ import annotations

import logging

from t2w.runs.run import Run
from t2w.tasks import save_tasks

__all__ = ["run"]

log = logging.getLogger("t2w")


def run(run: Run) -> None:
    tasks = run.planned
    save_tasks(run.path("tasks", "tasks.json"), tasks)
    log.info(
        "tasks: %d of %d classes (%d held out)", len(tasks.tasks), len(tasks.class_names), len(tasks.unseen_classes)
    )
