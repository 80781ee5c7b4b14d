"""Tasks: sets of classes with texts, drawn reproducibly, in splits that keep the unseen unseen."""

from t2w.tasks.class_names import parse_described
from t2w.tasks.files import load_data_point, load_tasks, save_data_point, save_tasks
from t2w.tasks.sampling import count_tasks, reference_tasks, sample_tasks
from t2w.tasks.splits import choose_unseen_classes, make_task_set, reference_task_set
from t2w.tasks.task import SPLITS, Split, Task, TaskSet
from t2w.tasks.texts import PROMPTS, TextMode, parse_classes, readable_name

__all__ = [
    "PROMPTS",
    "SPLITS",
    "Split",
    "Task",
    "TaskSet",
    "TextMode",
    "choose_unseen_classes",
    "count_tasks",
    "load_data_point",
    "load_tasks",
    "make_task_set",
    "parse_classes",
    "parse_described",
    "readable_name",
    "reference_task_set",
    "reference_tasks",
    "sample_tasks",
    "save_data_point",
    "save_tasks",
]
