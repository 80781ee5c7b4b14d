"""tasks.json, and the reference's data_point.json.

tasks.json (version 1) holds one text per class once, in `class_texts`; a task repeats its texts only where they differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from t2w.errors import T2WError
from t2w.files import read_json, write_text
from t2w.tasks.task import Task, TaskSet
from t2w.tasks.texts import TextMode

__all__ = ["load_data_point", "load_tasks", "save_data_point", "save_tasks"]

_FORMAT, _VERSION = "t2w-tasks", 1
_REMAKE = "make it again with `t2w tasks`"


def save_tasks(path: str | Path, task_set: TaskSet) -> None:
    """Write `tasks.json` (one task per line). Raises T2WError where the file cannot be written."""
    text_of: dict[str, str] = {}
    for task in task_set.tasks:
        for name, text in zip(task.classes, task.texts, strict=True):
            text_of.setdefault(name, text)
    head = {
        "format": _FORMAT, "version": _VERSION, "dataset": task_set.dataset, "seed": task_set.seed,
        "text_mode": dict(task_set.text_mode), "class_names": list(task_set.class_names),
        "unseen_classes": list(task_set.unseen_classes), "class_texts": text_of,
    }  # fmt: skip
    lines = []
    for task in task_set.tasks:
        entry: dict[str, Any] = {"id": task.id, "split": task.split, "classes": list(task.classes)}
        if any(text_of[name] != text for name, text in zip(task.classes, task.texts, strict=True)):
            entry["texts"] = list(task.texts)
        lines.append(json.dumps(entry, ensure_ascii=False))
    fields = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
    tasks = "[\n" + ",\n".join(lines) + "\n]" if lines else "[]"
    write_text(path, "{\n" + ",\n".join([*fields, f'"tasks": {tasks}']) + "\n}\n")


def load_tasks(path: str | Path) -> TaskSet:
    """Read `tasks.json`. Raises T2WError at another format or version, and at any task that breaks a rule."""
    data = read_json(path, what="a tasks.json file", fix="make it with `t2w tasks`")
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise T2WError(f"{path} is not a tasks file", expected=f'JSON with "format": "{_FORMAT}"', fix=_REMAKE)
    if data.get("version") != _VERSION:
        raise T2WError(
            f"{path} has format version {data.get('version')!r}", expected=f"version {_VERSION}", fix=_REMAKE
        )
    with _named(path, _REMAKE):
        return _decoded(data)


def _decoded(data: dict[str, Any]) -> TaskSet:
    dataset, text_of = _field(data, "dataset", str), _field(data, "class_texts", dict)
    if not all(isinstance(text, str) for text in text_of.values()):
        raise T2WError("'class_texts' holds something else than texts", expected="a text by class name")
    tasks = []
    for position, entry in enumerate(_field(data, "tasks", list)):
        where = f"task {position}"
        number, classes = _field(entry, "id", int, where), _strings(entry, "classes", where)
        texts = _strings(entry, "texts", where) if "texts" in entry else tuple(text_of.get(name) for name in classes)
        if None in texts:
            name = classes[texts.index(None)]
            raise T2WError(f"{where} has class {name!r}, which has no text", expected="an entry in 'class_texts'")
        tasks.append(Task(number, classes, texts, dataset, _field(entry, "split", str, where)))
    return TaskSet(
        dataset, _strings(data, "class_names"), _strings(data, "unseen_classes"), _field(data, "text_mode", dict),
        _field(data, "seed", int), tuple(tasks),
    )  # fmt: skip


def _field(data: Any, key: str, kind: type, where: str = "it") -> Any:
    if not isinstance(data, dict):
        raise T2WError(f"{where} is {data!r:.60}", expected=f"an object with {key!r}")
    if key not in data:
        raise T2WError(f"{where} has no {key!r}", expected=f"{key!r} as {kind.__name__}")
    if not isinstance(data[key], kind) or isinstance(data[key], bool):
        raise T2WError(f"{where} has {key!r} = {data[key]!r:.60}", expected=kind.__name__)
    return data[key]


def _strings(data: Any, key: str, where: str = "it") -> tuple[str, ...]:
    values = _field(data, key, list, where)
    if odd := [value for value in values if not isinstance(value, str)]:
        raise T2WError(f"{where} has {odd[0]!r:.60} among its {key}", expected="text")
    return tuple(values)


def save_data_point(path: str | Path, tasks: Iterable[Task]) -> None:
    """Write tasks as the reference's `data_point.json`: ids and class names on one line, without splits and texts."""
    entries = [{"index": task.id, "selected_classes": list(task.classes)} for task in tasks]
    write_text(path, json.dumps(entries))


def load_data_point(path: str | Path, *, dataset: str, text_mode: TextMode | None = None) -> tuple[Task, ...]:
    """Read the reference's `data_point.json` (or its train.json and val.json, whose further keys are ignored).

    All tasks are put into "train". Raises T2WError at another format, or a task that breaks a rule.

    Args:
        dataset: the dataset its classes belong to; the file does not say.
        text_mode: how names become texts; None for "a photo of a <name>".
    """
    entries = read_json(path, what="the reference's data_point.json")
    if not isinstance(entries, list):
        raise T2WError(f"{path} holds {type(entries).__name__}", expected="a list of {index, selected_classes}")
    mode, tasks = text_mode or TextMode(), []
    with _named(path):
        for position, entry in enumerate(entries):
            where = f"entry {position}"
            number, classes = _field(entry, "index", int, where), _strings(entry, "selected_classes", where)
            tasks.append(Task(number, classes, mode.texts(classes), dataset, "train"))
    return tuple(tasks)


@contextmanager
def _named(path: str | Path, fix: str | None = None) -> Iterator[None]:
    """Errors begin with the file's name, and end with `fix` where they have none of their own."""
    try:
        yield
    except T2WError as error:
        raise T2WError(f"{path}: {error.found}", expected=error.expected, fix=error.fix or fix) from error
