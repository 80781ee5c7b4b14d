"""Sorts that are killed at random moments, in a process of their own: python killed_sorts.py FOLDER SEED.

A child is killed by itself at its k-th open, link, rename, removal or write, and by its parent at a random time.
"""

from __future__ import annotations

import errno
import faulthandler
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from fake_classifier import ByName, contents, photographs
from tqdm import tqdm

from t2w.sorting import sort_photos, undo_sort

NAMES = ("cat-1.jpg", "dog-1.jpg", "unsure-1.jpg", "none-1.jpg", "a/cat-1.jpg", "b/cat-1.jpg")
tqdm.set_lock(threading.RLock())  # its own is shared with children, and one that is killed may hold it for ever
tqdm.monitor_interval = 0
os.fsync = lambda handle: None  # type: ignore[assignment]  # against a loss of power, which this is not


def otherwise(*, link: bool, rename: bool = True) -> None:
    """Take from this process hard links between folders, or all of them."""
    real = os.link

    def refused(source: str, target: str, **options: object) -> None:
        if not rename or not str(source).endswith(".part"):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target, **options)  # type: ignore[arg-type]

    if not link:
        os.link = refused  # type: ignore[assignment]


def killed(work: Callable[[], object], at: int | float) -> bool:
    """Do the work in a child, killed at its `at`-th event or after `at` seconds; whether it was."""
    child = os.fork()
    if not child:
        faulthandler.dump_traceback_later(100, exit=True)  # a child that waits for something says where
        if isinstance(at, int):
            count = 0
            write = os.write

            def step(event: str = "write", _: object = ()) -> None:
                nonlocal count
                if event in ("write", "open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.utime"):
                    count += 1
                    if count == at:
                        os.kill(os.getpid(), signal.SIGKILL)

            def half(handle: int, text: bytes) -> int:
                step()
                return write(handle, text[: len(text) // 2 + 1])  # a line in two parts

            os.write = half  # type: ignore[assignment]
            sys.addaudithook(step)
        try:
            work()
        except BaseException:
            os._exit(3)
        os._exit(0)
    if isinstance(at, float):
        time.sleep(at)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert status == 0 or os.WIFSIGNALED(status), f"the child failed with {status}"
    return os.WIFSIGNALED(status)


def check(source: Path, into: Path, whole: Counter[bytes], *, how: str, finished: bool) -> None:
    here = Counter(c for path in source.rglob("*.jpg") if (c := path.read_bytes()))  # an empty file holds a name
    there = Counter(c for name, c in contents(into).items() if not name.endswith(".part") and c)
    assert not there - whole, "something is in the folders that no photograph is, or twice"
    assert set(here) | set(there) == set(whole), "something is lost"
    if how == "copy":
        assert here == whole
    if finished:
        assert there == whole
        assert how == "copy" or not here
        assert not [path for path in into.rglob("*") if path.suffix == ".part"]


def trial(folder: Path, how: str, at: int | float, *, undo: bool = False) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    source, into = folder / "in", folder / "out"
    whole = Counter(path.read_bytes() for path in photographs(source, *NAMES))
    paths = {path: path.read_bytes() for path in source.rglob("*.jpg")}

    def sort() -> object:
        return sort_photos(ByName(), source, into, how=how, batch_size=4)  # type: ignore[arg-type]

    if undo:
        sort()
        done = killed(lambda: undo_sort(into), at)
        check(source, into, whole, how=how, finished=False)
        if into.exists() and any(into.iterdir()):
            assert undo_sort(into).refused == ()
        assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == paths
        assert not into.exists() or not any(into.iterdir())
        return done
    done = killed(sort, at)
    check(source, into, whole, how=how, finished=False)
    if random.random() < 0.3:  # and once more
        killed(sort, random.randint(1, 60))
        check(source, into, whole, how=how, finished=False)
    sort()
    check(source, into, whole, how=how, finished=True)
    assert sort().new == 0  # type: ignore[attr-defined]
    check(source, into, whole, how=how, finished=True)
    return done


def main(folder: Path, seed: int, every: bool) -> None:
    random.seed(seed)
    kinds = (("copy", False), ("move", False), ("move", True))
    total = 0
    trial(folder, "copy", 0)  # loads what the children then have
    for links in ({"link": True}, {"link": False}, {"link": False, "rename": False}):
        link = os.link
        otherwise(**links)
        for how, undo in kinds:
            moments = range(1, 400) if every else random.sample(range(1, 90), 2)
            for at in moments:
                if not trial(folder, how, at, undo=undo) and every:
                    break
                total += 1
            trial(folder, how, random.uniform(0, 0.03), undo=undo)
            total += 1
        os.link = link
    print(total)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), "every" in sys.argv)
