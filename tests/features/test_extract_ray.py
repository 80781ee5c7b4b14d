"""Features made by the workers of a Ray cluster on this machine."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from counting_encoder import dots
from torch import Tensor

from t2w.cluster import Cluster
from t2w.datasets.archives import open_archive
from t2w.errors import T2WError
from t2w.features import FeatureSet, extract, load_features

pytestmark = pytest.mark.usefixtures("one_thread")  # as workers have: the same arithmetic to the last bit
IMAGES = dots(200)
ON_RAY = Cluster(device="cpu")


@dataclass(frozen=True)
class SlowEncoder:
    """Features are sums of pixels with weights; each call takes its time, and leaves its process id in `pids`."""

    pids: Path | None = None
    seconds: float = 0.0
    preprocessing: str = "none"
    identity: str = "slow@1"
    dim: int = 5
    min_side: int | None = None

    def prepare(self, image: np.ndarray) -> Tensor:
        return torch.from_numpy(image.reshape(-1).astype(np.float32) / 255)

    def embed(self, batch: Tensor) -> Tensor:
        if self.pids is not None:
            (self.pids / str(os.getpid())).touch()
        time.sleep(self.seconds)
        return batch @ torch.randn(batch.shape[1], self.dim, generator=torch.Generator().manual_seed(0))


def on_worker(encoder: Any, *, device: str) -> Any:
    assert device == "cpu"
    return encoder


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("t2w.features.extract"), "_PART", 10)


def here() -> Tensor:
    return extract(SlowEncoder(), IMAGES, batch_size=5).features  # type: ignore[arg-type]


@pytest.mark.parametrize("kept", [False, True])
def test_the_same_bits_as_one_process(tmp_path: Path, cluster: None, kept: bool) -> None:
    made = extract(SlowEncoder(), IMAGES, batch_size=5, cache=tmp_path if kept else None, cluster=ON_RAY)  # type: ignore[arg-type]
    assert torch.equal(made.features, here())
    assert made.labels.tolist() == IMAGES.labels.tolist()


def test_a_killed_worker_s_parts_are_made_again_and_finished_ones_are_not(tmp_path: Path, cluster: None) -> None:
    (pids := tmp_path / "pids").mkdir()
    cache, encoder = tmp_path / "cache", SlowEncoder(pids, 0.02)
    found: list[FeatureSet] = []
    load = partial(on_worker, encoder)

    def work() -> None:
        found.append(extract(encoder, IMAGES, batch_size=5, cache=cache, cluster=ON_RAY, load=load))  # type: ignore[arg-type]

    thread = threading.Thread(target=work)
    thread.start()
    limit = time.monotonic() + 60
    while len(list(cache.glob("*.parts/*.safetensors"))) < 3:
        assert thread.is_alive()
        assert time.monotonic() < limit
        time.sleep(0.005)
    before = {int(path.name) for path in pids.iterdir()}
    assert os.getpid() not in before
    os.kill(min(before), signal.SIGKILL)
    thread.join(60)
    assert torch.equal(found[0].features, here())


def test_parts_that_are_there_are_not_made_on_the_cluster(tmp_path: Path, cluster: None) -> None:
    from test_extract_cache import files

    with pytest.raises(T2WError, match="image 57 is truncated"):
        extract(Broken(), IMAGES, batch_size=5, cache=tmp_path)  # type: ignore[arg-type]
    parts = {name: (tmp_path / name).stat().st_mtime_ns for name in files(tmp_path)}
    assert len(parts) == 5  # up to image 50
    with pytest.raises(T2WError, match="image 57 is truncated"):  # a worker's error in its own words
        extract(Broken(), IMAGES, batch_size=5, cache=tmp_path, cluster=ON_RAY)  # type: ignore[arg-type]
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in parts} == parts
    assert torch.equal(extract(SlowEncoder(), IMAGES, batch_size=5, cache=tmp_path, cluster=ON_RAY).features, here())  # type: ignore[arg-type]


class Broken(SlowEncoder):
    def embed(self, batch: Tensor) -> Tensor:
        if any(torch.equal(row, self.prepare(IMAGES.images[57])) for row in batch):
            raise T2WError("image 57 is truncated")
        return super().embed(batch)


def test_a_worker_with_another_encoder_refuses(cluster: None) -> None:
    load = partial(on_worker, replace(SlowEncoder(), preprocessing="halves"))
    with pytest.raises(T2WError, match="a worker's encoder is slow@1 halves; expected slow@1 none"):
        extract(SlowEncoder(), IMAGES, cluster=ON_RAY, load=load)  # type: ignore[arg-type]


def test_archives_are_opened_again_where_they_arrive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "here")
    files = pickle.loads(pickle.dumps(open_archive(tmp_path / "a.zip", "a text")))
    assert files.read("a.txt") == b"here"


def test_the_stage_of_a_run(tmp_path: Path, t2w: Callable[..., Any], cluster: None) -> None:
    for launcher in ("local", "ray"):
        done = t2w("features", "experiment=digits", f"out={tmp_path / launcher}", f"launcher={launcher}", "device=cpu")
        assert done.code == 0, done.err
    ours, theirs = (load_features(tmp_path / name / "features" / "features.safetensors") for name in ("ray", "local"))
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine.features, other.features)
