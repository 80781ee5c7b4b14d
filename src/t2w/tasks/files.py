"""tasks.json, and the reference's data_point.json.

tasks.json (version 1) holds one text per class once, in `class_texts`; a task repeats its texts only where they differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from t2w.errors import T2WError
from t2w.files import read_json, write_text
from t2w.tasks.task import Split, Task, TaskSet
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
        "format": _FORMAT,
        "version": _VERSION,
        "dataset": task_set.dataset,
        "seed": task_set.seed,
        "text_mode": dict(task_set.text_mode),
        "class_names": list(task_set.class_names),
        "unseen_classes": list(task_set.unseen_classes),
        "class_texts": text_of,
    }
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
    """Read `tasks.json`, checking everything.

    Raises:
        T2WError: missing, truncated, of another format or version, or with tasks that break a rule of `Task` or
            `TaskSet`.
    """
    data = read_json(path, what="a tasks.json file", fix="make it with `t2w tasks`")
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise T2WError(f"{path} is not a tasks file", expected=f'JSON with "format": "{_FORMAT}"', fix=_REMAKE)
    if data.get("version") != _VERSION:
        raise T2WError(
            f"{path} has format version {data.get('version')!r}", expected=f"version {_VERSION}", fix=_REMAKE
        )
    try:
        return _decoded(data)
    except T2WError as error:
        raise T2WError(f"{path}: {error.found}", expected=error.expected, fix=error.fix or _REMAKE) from error


def _decoded(data: dict[str, Any]) -> TaskSet:
    dataset, seed = _field(data, "dataset", str), _field(data, "seed", int)
    text_of = _field(data, "class_texts", dict)
    tasks = []
    for position, entry in enumerate(_field(data, "tasks", list)):
        where = f"task {position}"
        if not isinstance(entry, dict):
            raise T2WError(f"{where} is {entry!r:.60}", expected="an object with id, split and classes")
        classes = _strings(entry, "classes", where)
        texts = _strings(entry, "texts", where) if "texts" in entry else _texts_of(classes, text_of, where)
        split = _field(entry, "split", str, where)
        tasks.append(Task(_field(entry, "id", int, where), classes, texts, dataset, split))
    return TaskSet(
        dataset=dataset,
        class_names=_strings(data, "class_names"),
        unseen_classes=_strings(data, "unseen_classes"),
        text_mode=_field(data, "text_mode", dict),
        seed=seed,
        tasks=tuple(tasks),
    )


def _field(data: dict[str, Any], key: str, kind: type, where: str = "it") -> Any:
    if key not in data:
        raise T2WError(f"{where} has no {key!r}", expected=f"{key!r} as {kind.__name__}")
    if not isinstance(data[key], kind) or isinstance(data[key], bool):
        raise T2WError(f"{where} has {key!r} = {data[key]!r:.60}", expected=f"{kind.__name__}")
    return data[key]


def _strings(data: dict[str, Any], key: str, where: str = "it") -> tuple[str, ...]:
    values = _field(data, key, list, where)
    for value in values:
        if not isinstance(value, str):
            raise T2WError(f"{where} has {value!r:.60} among its {key}", expected="text")
    return tuple(values)


def _texts_of(classes: Sequence[str], text_of: dict[str, Any], where: str) -> tuple[str, ...]:
    for name in classes:
        if not isinstance(text_of.get(name), str):
            raise T2WError(f"{where} has class {name!r}, which has no text", expected="an entry in 'class_texts'")
    return tuple(text_of[name] for name in classes)


def save_data_point(path: str | Path, tasks: Iterable[Task]) -> None:
    """Write tasks as the reference's `data_point.json`: ids and class names on one line, without splits and texts."""
    entries = [{"index": task.id, "selected_classes": list(task.classes)} for task in tasks]
    write_text(path, json.dumps(entries))


def load_data_point(
    path: str | Path,
    *,
    dataset: str,
    class_names: Sequence[str] | None = None,
    text_mode: TextMode | None = None,
    split: Split = "train",
) -> tuple[Task, ...]:
    """Read the reference's `data_point.json` (or its train.json and val.json, whose further keys are ignored).

    Args:
        dataset: the dataset its classes belong to; the file does not say.
        class_names: the dataset's classes; None accepts every name.
        text_mode: how names become texts; None for "a photo of a <name>".
        split: the split all tasks are put in; the file has none.

    Raises:
        T2WError: missing, truncated, not of this format, or a task that breaks a rule.
    """
    entries = read_json(path, what="the reference's data_point.json")
    if not isinstance(entries, list):
        raise T2WError(f"{path} holds {type(entries).__name__}", expected="a list of {index, selected_classes}")
    mode, tasks = text_mode or TextMode(), []
    known = None if class_names is None else set(class_names)
    try:
        for position, entry in enumerate(entries):
            where = f"entry {position}"
            if not isinstance(entry, dict):
                raise T2WError(f"{where} is {entry!r:.60}", expected="an object with index and selected_classes")
            classes = _strings(entry, "selected_classes", where)
            if known is not None and (strange := [name for name in classes if name not in known]):
                raise T2WError(f"{where} has class {strange[0]!r}, which is not in {dataset!r}")
            tasks.append(Task(_field(entry, "index", int, where), classes, mode.texts(classes), dataset, split))
    except T2WError as error:
        raise T2WError(f"{path}: {error.found}", expected=error.expected, fix=error.fix) from error
    return tuple(tasks)
