from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from t2w.datasets import class_list
from t2w.errors import T2WError
from t2w.tasks import (
    TaskSet,
    load_data_point,
    load_tasks,
    make_task_set,
    reference_tasks,
    save_data_point,
    save_tasks,
)


def small() -> TaskSet:
    names = ("zero", "one", "two", "three", "four", "five", "été")
    return make_task_set(
        "digits",
        names,
        n_train=6,
        n_validation=2,
        n_test=2,
        n_unseen_class=1,
        n_unseen_classes=2,
        min_classes=2,
        max_classes=4,
    )


def test_round_trip(tmp_path: Path) -> None:
    tasks = small()
    save_tasks(tmp_path / "tasks.json", tasks)
    assert load_tasks(tmp_path / "tasks.json") == tasks


def test_texts_of_a_task_may_differ_from_those_of_others(tmp_path: Path) -> None:
    tasks = small()
    special = replace(tasks.tasks[3], texts=tuple(f"about {name}" for name in tasks.tasks[3].classes))
    tasks = replace(tasks, tasks=(*tasks.tasks[:3], special, *tasks.tasks[4:]))
    save_tasks(tmp_path / "tasks.json", tasks)
    assert load_tasks(tmp_path / "tasks.json") == tasks


def _set(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data.__setitem__(key, value)


def _set_task(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data["tasks"][0].__setitem__(key, value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_set("format", "other"), "not a tasks file"),
        (_set("version", 9), "format version 9; expected version 1"),
        (_set("seed", "x"), "'seed' = 'x'; expected int"),
        (lambda data: data.pop("class_names"), "no 'class_names'"),
        (_set("tasks", [5]), "task 0 is 5"),
        (_set_task("classes", ["one", "siix"]), "'siix'"),
        (_set_task("classes", ["one"]), "has 1 class"),
        (_set_task("classes", ["one", "one"]), "more than once"),
        (_set_task("classes", ["one", 2]), "2 among its classes"),
        (_set_task("texts", ["", "b"]), "empty text|texts for"),
        (_set_task("split", "test"), "split 'test'"),
        (_set_task("id", 3), "has id 3"),
        (lambda data: data["tasks"][0].pop("split"), "task 0 has no 'split'"),
    ],
)
def test_damaged_content_is_named(tmp_path: Path, spoil: Callable[[dict[str, Any]], Any], message: str) -> None:
    path = tmp_path / "tasks.json"
    save_tasks(path, small())
    data = json.loads(path.read_text(encoding="utf-8"))
    spoil(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(T2WError, match=message) as caught:
        load_tasks(path)
    assert str(path) in str(caught.value)
    assert caught.value.fix


def test_unknown_class_with_a_text(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    save_tasks(path, small())
    text = path.read_text(encoding="utf-8").replace('"class_names": ["zero"', '"class_names": ["nought"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(T2WError, match=r"'zero'.* not in 'digits'"):
        load_tasks(path)


def test_missing_truncated_and_other_json(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    with pytest.raises(T2WError, match=r"cannot read .*t2w tasks"):
        load_tasks(path)
    save_tasks(path, small())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(T2WError, match="not valid JSON"):
        load_tasks(path)
    path.write_text("[]")
    with pytest.raises(T2WError, match="not a tasks file"):
        load_tasks(path)


def test_data_point_both_ways(tmp_path: Path) -> None:
    path, drawn = tmp_path / "data_point.json", reference_tasks(class_list("cifar100"), 50)
    # What the reference's json.dump writes.
    written = json.dumps([{"index": i, "selected_classes": classes} for i, classes in enumerate(drawn)])
    path.write_text(written)
    tasks = load_data_point(path, dataset="cifar100")
    assert [list(task.classes) for task in tasks] == drawn
    assert tasks[0].texts[0] == "a photo of a otter"
    save_data_point(tmp_path / "again.json", tasks)
    assert (tmp_path / "again.json").read_text() == written


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "holds dict"),
        ([{"index": 0}], "no 'selected_classes'"),
        ([{"index": "0", "selected_classes": ["a", "b"]}], "expected int"),
        ([3], "entry 0 is 3"),
    ],
)
def test_data_point_that_is_none(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "data_point.json"
    path.write_text(json.dumps(content))
    with pytest.raises(T2WError, match=message):
        load_data_point(path, dataset="letters")
