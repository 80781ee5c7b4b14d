"""Ranges add up, nothing depends on them, and what does not belong together is not mixed."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_job import SHARD, TASKS, tiny_job

from t2w.adapters import TrainedAdapters, accuracy, train_tasks
from t2w.adapters.factory import AdapterJob, make_adapters
from t2w.adapters.store import WeightDataset, list_shards
from t2w.errors import T2WError


def same(a: WeightDataset, b: WeightDataset) -> bool:
    return a.records == b.records and torch.equal(a.vectors, b.vectors)


@pytest.mark.parametrize("cuts", [(0, 40, 64, TASKS), (0, 7, 50, TASKS)])
def test_ranges_add_up_bit_for_bit(
    cuts: Sequence[int], tmp_path: Path, job: AdapterJob, undisturbed: WeightDataset
) -> None:
    for begin, end in reversed(list(pairwise(cuts))):
        report = make_adapters(tmp_path, job=job, begin=begin, end=end, device="cpu", shard_size=SHARD)
        assert (report.begin, report.end) == (begin // SHARD * SHARD, -(-end // SHARD) * SHARD)
        assert report.found + report.made == report.end - report.begin
        assert report.found <= SHARD  # what the ranges' shards at their ends have in common
    assert same(WeightDataset.open(tmp_path), undisturbed)
    assert [path.name for path in list_shards(tmp_path)] == [path.name for path in undisturbed.files]
    again = make_adapters(tmp_path, job=job, device="cpu", shard_size=SHARD)
    assert (again.made, again.found, again.written) == (0, TASKS, ())


def test_a_range_is_widened_to_whole_shards(tmp_path: Path, job: AdapterJob) -> None:
    make_adapters(tmp_path, job=job, begin=10, end=21, device="cpu", shard_size=SHARD)
    part = WeightDataset.open(tmp_path, complete=False)
    assert [record.position for record in part.records] == list(range(8, 24))
    assert part.total == TASKS
    assert [path.name for path in list_shards(tmp_path)] == [
        "adapters-000008-000016.safetensors",
        "adapters-000016-000024.safetensors",
    ]


@pytest.mark.parametrize("other", [5, 32])
def test_shards_of_another_size_are_kept(
    other: int, tmp_path: Path, job: AdapterJob, undisturbed: WeightDataset
) -> None:
    make_adapters(tmp_path, job=job, begin=5, end=30, device="cpu", shard_size=10)
    before = {path.name: path.read_bytes() for path in list_shards(tmp_path)}
    report = make_adapters(tmp_path, job=job, device="cpu", shard_size=other)
    assert (report.found, report.made) == (30, TASKS - 30)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    dataset = WeightDataset.open(tmp_path)
    assert dataset.task_ids == undisturbed.task_ids
    assert torch.allclose(dataset.vectors, undisturbed.vectors, rtol=1e-5, atol=1e-7)


def test_a_shard_finished_by_another_process_is_not_made_again(tmp_path: Path, job: AdapterJob) -> None:
    def overtaken(*args: Any, **options: Any) -> TrainedAdapters:
        """While the first shard is made, another process makes all the others."""
        if not list_shards(tmp_path):
            make_adapters(tmp_path, job=job, begin=SHARD, device="cpu", shard_size=SHARD)
        return train_tasks(*args, **options)

    report = make_adapters(tmp_path, job=job, device="cpu", shard_size=SHARD, trainer=overtaken)
    assert report.written == ("adapters-000000-000008.safetensors",)
    assert report.made == SHARD
    WeightDataset.open(tmp_path)


def test_records_say_what_the_trainer_and_the_test_images_say(job: AdapterJob, undisturbed: WeightDataset) -> None:
    i = 13
    alone = train_tasks(
        job.spec, job.base, job.train, job.text, job.tasks[i : i + 1], job.task_ids[i : i + 1], recipe=job.recipe
    )
    record = undisturbed.records[i]
    assert torch.allclose(undisturbed.vectors[i], alone.vectors[0], rtol=1e-5, atol=1e-7)
    assert record.loss == pytest.approx(float(alone.losses[0]), rel=1e-5)
    assert record.steps == int(alone.steps[0]) == 20
    assert record.validation_accuracy == pytest.approx(float(alone.validation_accuracy[0]))
    measured = accuracy(job.spec, undisturbed.vectors[i : i + 1], job.test, job.text, job.tasks[i : i + 1])  # type: ignore[arg-type]
    assert record.test_accuracy == pytest.approx(float(measured[0]))
    assert record.class_names == tuple(f"cloud {c}" for c in job.tasks[i])
    assert (record.task_id, record.split) == (113, "train")
    assert undisturbed.texts["cloud 3"] == "a photo of a cloud 3"


def test_another_job_is_refused_and_nothing_is_touched(tmp_path: Path, job: AdapterJob) -> None:
    make_adapters(tmp_path, job=job, end=SHARD, device="cpu", shard_size=SHARD)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    for begin in (0, SHARD):
        with pytest.raises(T2WError, match=r"belongs to another job .*seed is 0 there, 1 here.*choose another folder"):
            make_adapters(tmp_path, job=tiny_job(seed=1), begin=begin, device="cpu", shard_size=SHARD)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_adapters_that_are_not_numbers_are_refused(tmp_path: Path, job: AdapterJob) -> None:
    def diverging(*args: Any, **options: Any) -> TrainedAdapters:
        done = train_tasks(*args, **options)
        done.vectors[2, 5] = float("nan")
        return done

    with pytest.raises(T2WError, match=r"tasks 102 are not finite.*learning_rate"):
        make_adapters(tmp_path, job=job, device="cpu", shard_size=SHARD, trainer=diverging)
    assert list_shards(tmp_path) == []


def test_what_a_killed_process_left_is_removed_after_an_hour(tmp_path: Path, job: AdapterJob) -> None:
    left = tmp_path / ".adapters-000008-000016.safetensors.abc123.tmp"
    left.write_bytes(b"half")
    two_hours_ago = time.time() - 7200
    os.utime(left, (two_hours_ago, two_hours_ago))
    elsewhere = tmp_path / ".adapters-000040-000048.safetensors.abc123.tmp"  # perhaps being written at this moment
    elsewhere.write_bytes(b"half")
    make_adapters(tmp_path, job=job, end=SHARD, device="cpu", shard_size=SHARD)
    assert not left.exists()
    assert elsewhere.exists()


def test_progress_counts_the_whole_range_with_what_was_there(
    tmp_path: Path, job: AdapterJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("t2w.progress._LINE_SECONDS", 0.0)
    monkeypatch.setattr("t2w.progress._QUIET_SECONDS", 0.0)
    make_adapters(tmp_path, job=job, end=16, device="cpu", shard_size=SHARD)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="t2w"):
        make_adapters(tmp_path, job=job, end=44, device="cpu", shard_size=SHARD)
    counts = [int(line.split("adapters: ")[1].split("/48")[0]) for line in caplog.messages if "/48" in line]
    assert counts == sorted(counts)
    assert counts[0] > 16 - 1
    assert counts[-1] == 48


@pytest.mark.parametrize(("begin", "end"), [(-1, 5), (5, 5), (6, 5), (0, TASKS + 1), (TASKS, None)])
def test_a_range_outside_the_job(begin: int, end: int | None, tmp_path: Path, job: AdapterJob) -> None:
    with pytest.raises(T2WError, match=f"tasks.begin is {begin} .*end <= {TASKS}"):
        make_adapters(tmp_path / "new", job=job, begin=begin, end=end)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_a_file(tmp_path: Path, job: AdapterJob) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(T2WError, match=r"cannot write in .*taken"):
        make_adapters(tmp_path / "taken", job=job)
    assert (tmp_path / "taken").read_text() == "mine"


def test_unknown_launcher_device_and_shard_size(tmp_path: Path, job: AdapterJob) -> None:
    with pytest.raises(T2WError, match="launcher is 'slurm'; expected local or ray"):
        make_adapters(tmp_path, job=job, launcher="slurm")  # type: ignore[arg-type]
    with pytest.raises(T2WError, match="device is 'gpu'"):
        make_adapters(tmp_path, job=job, device="gpu")
    with pytest.raises(T2WError, match="shard_size is -3"):
        make_adapters(tmp_path, job=job, shard_size=-3)
