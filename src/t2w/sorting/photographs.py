"""The photographs that are to be sorted: real files inside what was named, and nothing that links lead to."""

from __future__ import annotations

import os
import stat
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from t2w.errors import T2WError, T2WWarning
from t2w.images import IMAGE_SUFFIXES, Refused, unlisted, unread
from t2w.sorting.decide import LOG
from t2w.sorting.entry import Mark

__all__ = ["find_photographs"]


def find_photographs(paths: Sequence[str | Path], into: Path) -> tuple[dict[Path, Mark], list[Refused]]:
    """All image files that are named or lie in named folders, by their absolute paths, and what is left out.

    Hidden files are passed over, and so is `into` where it lies inside, and every other folder that t2w has sorted.
    A symbolic link is not followed: what it leads to inside the same folder is found there by itself, and one that
    leads out is refused.

    Raises:
        T2WError: a folder that is `into` itself, or inside it.

    Warns:
        T2WWarning: files that are no images, and folders that t2w has sorted.
    """
    found: dict[Path, Mark] = {}
    refused: list[Refused] = []
    others: Counter[str] = Counter()
    into = Path(os.path.realpath(into))
    for path in map(Path, paths):
        if path.is_symlink() and not path.is_dir():
            refused.append((path, _link(path)))
        elif path.is_dir():
            root = Path(os.path.realpath(path))
            if root.is_relative_to(into):
                fix = f"name a folder inside it: --into {path / 'sorted'}" if root == into else None
                raise T2WError(f"{path} would be sorted into {into}", expected="another folder", fix=fix)
            for one in _in_folder(root, into, refused, others):
                _add(one, found, refused)
        else:
            _add(path, found, refused)
    if others:
        kinds = ", ".join(f"{count:,} {kind or 'without an ending'}" for kind, count in others.most_common(8))
        warnings.warn(f"files that are no images, or none that can be read, stay: {kinds}", T2WWarning, stacklevel=3)
    return found, refused


def _add(path: Path, found: dict[Path, Mark], refused: list[Refused]) -> None:
    try:
        whole = Path(os.path.realpath(path.parent)) / path.name
        state = whole.lstat()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        refused.append(unread(path, error))
        return
    if stat.S_ISREG(state.st_mode):
        found[whole] = Mark.of(state)
    else:
        refused.append((path, T2WError(f"{path} is a pipe or a device", expected="an image file")))


def _in_folder(root: Path, into: Path, refused: list[Refused], others: Counter[str]) -> Iterator[Path]:
    for place, folders, names in os.walk(root, onerror=lambda error: refused.append(unlisted(error))):
        here = Path(place)
        if here != root and (here == into or LOG in names):
            folders.clear()
            if here != into:
                warnings.warn(f"{here} is left out: t2w has sorted it", T2WWarning, stacklevel=2)
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            _check_link(here / name, root, refused)
        for name in sorted(names):
            path = here / name
            if name.startswith("."):
                continue
            if path.suffix.lower() not in IMAGE_SUFFIXES:
                others[path.suffix.lower()] += 1
            elif path.is_symlink():
                _check_link(path, root, refused)
            else:
                yield path


def _check_link(path: Path, root: Path, refused: list[Refused]) -> None:
    """Refuse a link that leads out of `root`; what another leads to is found where it is."""
    if not path.is_symlink():
        return
    end = Path(os.path.realpath(path))
    if not end.exists() or not end.is_relative_to(root) or any(p.startswith(".") for p in end.relative_to(root).parts):
        refused.append((path, _link(path)))


def _link(path: Path) -> T2WError:
    end = Path(os.path.realpath(path))
    where = "nothing" if not end.exists() else str(end)
    return T2WError(f"{path} is a symbolic link to {where}, which is not followed", fix="name what it leads to")
