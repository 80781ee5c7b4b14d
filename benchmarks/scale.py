"""Feature extraction of ImageNet-1k's size on a Ray cluster of this machine, simulated.

    python benchmarks/scale.py                                       # 1.3 million images of 1,280 features
    python benchmarks/scale.py --images 100000 --dim 256 --rounds 0 --kills 0   # one of the questions

Images are made of their numbers, and the encoder costs processor time alone: a settable number of microseconds an image
where rates are compared, none where memory is. Three questions, each answered by extractions in processes of their own:

rate     images/s per core on Ray's two workers against one process, alternating (within 10 % is asked for), by the
         clock and by the processor time that all processes took, Ray's own included: others do not disturb that;
memory   what the process and its workers hold at most, at a tenth of the images and at all (flat is asked for);
kills    workers, and once the whole process, killed with SIGKILL at random moments: the same features in the end.

Memory is what belongs to a process alone (RssAnon): pages of files that are mapped can be dropped at any time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from common import in_own_process, machine, versions
from torch import Tensor

from t2w.cluster import Cluster, connected
from t2w.datasets import ImageSet
from t2w.datasets.lazy import LazyImages
from t2w.features import extract
from t2w.files import sha256_of

_WORKERS = 2


class Numbered(LazyImages):
    """Images that are their numbers; a million take no memory."""

    def __init__(self, count: int) -> None:
        self.total = count

    def __len__(self) -> int:
        return self.total

    def at(self, position: int, *, min_side: int | None = None) -> np.ndarray:
        return np.array([[position >> 16, position >> 8 & 255, position & 255]], dtype=np.uint8)

    def identity(self) -> list[Any]:
        return [self.total]


@dataclass(frozen=True)
class Costly:
    """An encoder that keeps a core busy for so long, and leaves its process id, and what that holds, in `pids`."""

    dim: int
    microseconds: float  # per image, of processor time
    pids: Path
    identity: str = "costly@1"
    preprocessing: str = "none"
    min_side: int | None = None

    def prepare(self, image: np.ndarray) -> Tensor:
        return torch.from_numpy(image.reshape(-1).astype(np.float32))

    def embed(self, batch: Tensor) -> Tensor:
        until = time.thread_time() + len(batch) * self.microseconds / 1e6
        note = self.pids / str(os.getpid())
        note.write_text(str(max(held(), int(note.read_text() or 0) if note.exists() else 0)))
        features = batch @ torch.linspace(-1, 1, batch.shape[1] * self.dim).view(-1, self.dim).cos()
        while time.thread_time() < until:
            pass
        return features


def held() -> int:
    """Bytes that belong to this process alone."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("RssAnon:")[2].split()[0])


@contextmanager
def watched() -> Iterator[list[int]]:
    """The most this process holds meanwhile, looked at every 50 ms."""
    most, ended = [held()], threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            most[0] = max(most[0], held())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


def processor_seconds() -> float:
    """What this process and all below it have taken so far."""
    parents, ticks = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        parents[pid := int(stat.parent.name)], ticks[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(ticks[pid] for pid in ours) / os.sysconf("SC_CLK_TCK")


def images_of(count: int) -> ImageSet:
    labels = np.zeros(count, dtype=np.int64)
    return ImageSet(Numbered(count), labels, ("one",), "train", "numbers", "-", "-")


def one_extraction(args: argparse.Namespace) -> dict[str, Any]:
    """What a process of its own does: extract, and say how long it took, what was held, and what came out."""
    torch.set_num_threads(1)
    folder = Path(args.folder)
    (pids := folder / "pids").mkdir(parents=True, exist_ok=True)
    encoder: Any = Costly(args.dim, args.microseconds, pids)
    on_ray = args.launcher == "ray"
    options: dict[str, Any] = {"workers": 1, "cluster": Cluster(device="cpu") if on_ray else None}
    with connected(None) if on_ray else nullcontext():
        if on_ray:  # its workers start
            extract(replace(encoder, microseconds=0), images_of(6 * 2048 * _WORKERS), **options)
        for note in pids.iterdir():
            note.unlink()
        print("started", flush=True)
        with watched() as most:
            start, before = time.perf_counter(), processor_seconds()
            features = extract(encoder, images_of(args.images), cache=folder / "cache", **options).features
            seconds, taken = time.perf_counter() - start, processor_seconds() - before
    assert len(features) == args.images
    (path,) = (folder / "cache").glob("*.safetensors")
    workers = [int(note.read_text() or 0) for note in pids.iterdir() if note.name != str(os.getpid())]
    return {
        "seconds": seconds,
        "images/s": args.images / seconds,
        "images per processor second": args.images / taken,
        "MB": most[0] / 1e6,
        "MB of a worker": max(workers, default=0) / 1e6,
        "file MB": path.stat().st_size / 1e6,
        "sha256": sha256_of(path),
    }


def command(folder: Path, launcher: str, images: int, dim: int, microseconds: float) -> list[str]:
    return [
        "--one", "--folder", str(folder), "--launcher", launcher, "--images", str(images), "--dim", str(dim),
        "--microseconds", str(microseconds),
    ]  # fmt: skip


def extracted(launcher: str, images: int, dim: int, microseconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return in_own_process(__file__, command(Path(folder), launcher, images, dim, microseconds))


def rate(args: argparse.Namespace) -> dict[str, Any]:
    by_clock: dict[str, list[float]] = {"local": [], "ray": []}
    by_work: dict[str, list[float]] = {"local": [], "ray": []}
    for turn in range(args.rounds):
        for launcher, cores in (("local", 1), ("ray", _WORKERS)):
            one = extracted(launcher, args.rate_images, args.dim, args.microseconds)
            by_clock[launcher].append(one["images/s"] / cores)
            by_work[launcher].append(one["images per processor second"])
        last = [f"{found['local'][-1]:,.0f} and {found['ray'][-1]:,.0f}" for found in (by_clock, by_work)]
        print(f"round {turn + 1}, images/s per core: {last[0]} by the clock, {last[1]} by processor time", flush=True)
    clock, work = (
        median(ray / local for local, ray in zip(found["local"], found["ray"], strict=True))
        for found in (by_clock, by_work)
    )
    print(f"ratio of {_WORKERS} workers to one process: {clock:.2f} by the clock, {work:.2f} by processor time")
    return {
        "images": args.rate_images,
        "microseconds": args.microseconds,
        "images/s per core": by_clock,
        "images per processor second": by_work,
        "ratio by the clock": clock,
        "ratio by processor time": work,
    }


def memory(args: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for launcher in args.memory:
        for images in (args.images // 10, args.images):
            one = extracted(launcher, images, args.dim, 0)
            found.setdefault(launcher, {})[str(images)] = {key: one[key] for key in one if key != "sha256"}
            print(
                f"{launcher}, {images:,} images, {one['file MB']:,.0f} MB of features: {one['MB']:,.0f} MB held, "
                f"{one['MB of a worker']:,.0f} MB by a worker, {one['seconds']:.0f} s",
                flush=True,
            )
    return found


def kills(args: argparse.Namespace) -> dict[str, Any]:
    rng, count = random.Random(args.seed), 0
    expected = extracted("local", args.rate_images, args.dim, 0)["sha256"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = command(folder, "ray", args.rate_images, args.dim, args.microseconds)
        for whole in (True, False):  # first the process itself is killed, then it goes on without some workers
            with subprocess.Popen(
                [sys.executable, __file__, *options], stdout=subprocess.PIPE, text=True, start_new_session=True
            ) as running:
                assert running.stdout is not None
                assert running.stdout.readline() == "started\n"
                parts = rng.randint(1, 3)
                while whole and len(list(folder.glob("cache/*.parts/*.safetensors"))) < parts:
                    time.sleep(0.01)
                if whole:
                    os.killpg(running.pid, signal.SIGKILL)  # and with it Ray and its workers
                    kept = len(list(folder.glob("cache/*.parts/*.safetensors")))
                while not whole and count < args.kills and running.poll() is None:
                    time.sleep(rng.uniform(0.1, 1.0))
                    for note in rng.sample(sorted((folder / "pids").iterdir()), 1):
                        try:
                            os.kill(int(note.name), signal.SIGKILL)
                        except ProcessLookupError:
                            continue
                        count += 1
                said = running.stdout.read()
        same = json.loads(said.splitlines()[-1])["sha256"] == expected
    print(f"{kept} parts kept when all was killed, then {count} workers killed: the same features: {same}", flush=True)
    return {"parts kept": kept, "workers killed": count, "same": same}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_300_000, help="of the larger extraction whose memory is taken")
    parser.add_argument("--rate-images", type=int, default=8192, help="of each extraction whose rate is taken")
    parser.add_argument("--dim", type=int, default=1280, help="features of an image")
    parser.add_argument("--microseconds", type=float, default=2000, help="what an image costs the encoder")
    parser.add_argument("--memory", nargs="*", choices=("local", "ray"), default=("local", "ray"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="where figures go as well, beside those that are there")
    for hidden in ("--folder", "--launcher"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one_extraction(args)))
        return 0
    path = Path(args.json) if args.json else None
    found = json.loads(path.read_text()) if path and path.exists() else {}
    asked = {"rate": args.rounds, "kills": args.kills, "memory": args.memory}
    for name, measure in (("rate", rate), ("kills", kills), ("memory", memory)):
        if asked[name]:
            others = {"load": os.getloadavg()[0], "machine": machine(torch.device("cpu")), "versions": versions()}
            found[name] = {**measure(args), "features of an image": args.dim, **others}
        if path:
            path.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
