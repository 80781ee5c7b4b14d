"""A job's fingerprint changes with whatever changes its adapters, and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_job import tiny_job

from t2w.adapters import recipe
from t2w.adapters.factory import AdapterJob
from t2w.errors import T2WError
from t2w.tasks import Task

CHANGES: dict[str, Any] = {
    "seed": lambda job: {"seed": 1},
    "recipe": lambda job: {"recipe": recipe("fast", steps=21, validation_fraction=0.2)},
    "dtype": lambda job: {"dtype": torch.bfloat16},
    "base": lambda job: {"base": job.base + 1e-6},
    "spec": lambda job: {"spec": replace(job.spec, logit_scale=21.0)},
    "text": lambda job: {"text": job.text.flip(0)},
    "tasks": lambda job: {"tasks": (job.tasks[0][::-1], *job.tasks[1:])},
    "task ids": lambda job: {"task_ids": (7, *job.task_ids[1:])},
    "train features": lambda job: {"train": replace(job.train, features=job.train.features * 2)},
    "preprocessing": lambda job: {"train": replace(job.train, preprocessing="other")},
    "test features": lambda job: {"test": None},
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_the_adapters_changes_the_fingerprint(what: str, job: AdapterJob) -> None:
    assert tiny_job(**CHANGES[what](job)).fingerprint != job.fingerprint


def test_what_does_not_change_them_does_not(job: AdapterJob) -> None:
    assert tiny_job().fingerprint == job.fingerprint
    renamed = tiny_job(recipe=replace(job.recipe, name="mine"), texts=None, splits=None)
    assert renamed.fingerprint == job.fingerprint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base": torch.zeros(3)}, r"base adapter of shape \(3,\); expected \(188,\)"),
        ({"base": torch.full((188,), float("nan"))}, "base adapter holds NaN"),
        ({"tasks": ()}, "a job without tasks"),
        ({"task_ids": (1, 2)}, "2 task ids; expected 96"),
        ({"task_ids": (5,) * 96}, "two tasks have the same id"),
        ({"tasks": ((0, 12),) * 96}, "task 100 names class 12"),
        ({"dtype": torch.float16}, "dtype is torch.float16"),
        ({"text": torch.zeros(11, 24)}, "11 class texts for 12 classes"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(T2WError, match=message):
        tiny_job(**changes)


def test_from_tasks_finds_classes_by_name(job: AdapterJob) -> None:
    tasks = [
        Task(0, ("cloud 4", "cloud 1"), ("a 4", "a 1"), "clouds", "train"),
        Task(1, ("cloud 2", "cloud 11"), ("a 2", "a 11"), "clouds", "validation"),
    ]
    options = {"spec": job.spec, "base": job.base, "train": job.train, "test": job.test, "text": job.text}
    made = AdapterJob.from_tasks(tasks, recipe=job.recipe, **options)
    assert made.tasks == ((4, 1), (2, 11))
    assert made.task_ids == (0, 1)
    assert made.splits == ("train", "validation")
    assert made.texts is not None
    assert made.texts[11] == "a 11"
    strange = Task(2, ("cloud 4", "clouds 1"), ("a 4", "a 1"), "clouds", "train")
    with pytest.raises(T2WError, match=r"task 2 has class 'clouds 1'.*did you mean 'cloud 1'"):
        AdapterJob.from_tasks([strange], recipe=job.recipe, **options)
