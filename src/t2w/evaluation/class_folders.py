"""Which class a folder's name means."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from t2w.errors import T2WError, nearest
from t2w.images import Refused, image_files
from t2w.tasks.class_names import folded_name

__all__ = ["ClassFolders", "find_class_folders", "match_class", "match_folders"]

_CALTECH = re.compile(r"^\d+\.(?=\D)|-101$")  # Caltech-256's 001.ak47, and bonsai-101 for one of Caltech-101's
_WNID = re.compile(r"n\d{8}")
_WORDS = ("LOC_synset_mapping.txt", "words.txt")  # ImageNet's and Tiny-ImageNet's names of WordNet numbers
_SPLITS = ("test", "val", "validation")


@dataclass(frozen=True)
class ClassFolders:
    """The images of a folder of class folders."""

    files: tuple[Path, ...]  # all images, class by class
    labels: tuple[int, ...]  # of each, the position of its class among the classifier's
    skipped: tuple[str, ...]  # names of folders that mean none of the classes
    refused: tuple[Refused, ...]  # folders inside a class's that cannot be listed


def find_class_folders(
    folder: str | Path,
    classes: Sequence[str],
    *,
    skip_unknown: bool = False,
    leave_out: str = "leave such folders out: --skip-unknown",
) -> ClassFolders:
    """The images under `folder`, each labelled by the class that the name of its folder means.

    Args:
        folder: holds one folder per class; not every class needs one.
        classes: the classifier's.
        skip_unknown: leave out folders that mean none of the classes.
        leave_out: how a user leaves out a folder that means none, for the error.

    Raises:
        T2WError: no folder, or none inside it; a folder that means no class, or several; two that mean the same; a
            class folder without images.
    """
    folder = Path(folder)
    if not folder.is_dir():
        problem = f"{folder} is a file" if folder.exists() else f"there is no folder {folder}"
        raise T2WError(problem, expected="a folder with a folder of images for every class")
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not inside:
        loose = image_files([folder])[0]
        fix = f"put them into folders of their classes, such as {folder / classes[0]}" if loose else None
        held = f"{len(loose)} images and no folders" if loose else "no folders"
        raise T2WError(f"there are {held} in {folder}", expected="one folder of images for every class", fix=fix)
    found, unknown = match_folders(
        folder, [path.name for path in inside], classes, skip_unknown=skip_unknown, leave_out=leave_out
    )
    files: list[Path] = []
    labels: list[int] = []
    refused: list[Refused] = []
    for label, name in found.items():
        images, unlisted = image_files([folder / name])
        if not images:
            fix = "put images of its class into it, or remove it"
            raise T2WError(f"class folder {folder / name} holds no images", fix=fix) from unlisted[0][1]
        files += images
        refused += unlisted
        labels += [label] * len(images)
    return ClassFolders(tuple(files), tuple(labels), tuple(unknown), tuple(refused))


def match_folders(
    place: Path,
    names: Sequence[str],
    classes: Sequence[str],
    *,
    skip_unknown: bool = False,
    leave_out: str = "leave such folders out: --skip-unknown",
) -> tuple[dict[int, str], list[str]]:
    """The names of the class folders in a place by the position of the class they mean, and those that mean none.

    Arguments and errors as of `find_class_folders`.
    """
    words = _wnid_words(place) if any(map(_WNID.fullmatch, names)) else {}
    found: dict[int, str] = {}
    unknown = []
    for name in names:
        label = match_class(name, classes, synonyms=words.get(name, ()))
        if label is None:
            unknown.append(name)
        elif (other := found.setdefault(label, name)) != name:
            both = f"the folders {other!r} and {name!r} both mean class {classes[label]!r}"
            raise T2WError(both, expected="one folder per class", fix="put their images into one")
    if unknown and (not skip_unknown or not found):
        raise _unknown(place, unknown, classes, leave_out)
    return found, unknown


def match_class(name: str, classes: Sequence[str], *, synonyms: Sequence[str] = ()) -> int | None:
    """The position of the class that a folder's name means; None where it means none.

    Tried in this order: the name itself; without case, underscores as spaces; also hyphens as spaces, without
    Caltech's "001." and "-101"; then `synonyms` in the same way.

    Raises:
        T2WError: it means several classes.
    """
    for spelling in (name, *synonyms):
        for form, known in zip(_FORMS, _by_form(tuple(classes)), strict=True):
            alike = known.get(form(spelling), ())
            if len(alike) > 1:
                several = ", ".join(repr(classes[i]) for i in alike)
                raise T2WError(f"folder {name!r} could mean {several}", fix="name it exactly as its class")
            if alike:
                return alike[0]
    return None


def _loose(name: str) -> str:
    return folded_name(_CALTECH.sub("", name).replace("-", " "))


_FORMS: tuple[Callable[[str], str], ...] = (str, folded_name, _loose)


@lru_cache(maxsize=4)
def _by_form(classes: tuple[str, ...]) -> tuple[dict[str, list[int]], ...]:
    """For each form, the positions of the classes that have it: a thousand folders are matched at once."""
    found: tuple[dict[str, list[int]], ...] = tuple({} for _ in _FORMS)
    for form, positions in zip(_FORMS, found, strict=True):
        for i, name in enumerate(classes):
            positions.setdefault(form(name), []).append(i)
    return found


def _wnid_words(folder: Path) -> dict[str, tuple[str, ...]]:
    """The names of WordNet numbers, from the lists that ImageNet keeps at the top of its folder."""
    for place in (folder, *folder.resolve().parents[:2]):
        for name in _WORDS:
            if (place / name).is_file():
                text = (place / name).read_text(encoding="utf-8", errors="replace")
                lines = (line.replace("\t", " ", 1).partition(" ") for line in text.splitlines())
                found = {wnid: tuple(map(str.strip, words.split(","))) for wnid, _, words in lines if words}
                # first as `load_imagenet` tells a crane from a crane
                return {wnid: (f"{names[0]} ({wnid})", *names) for wnid, names in found.items()}
    return {}


def _unknown(folder: Path, unknown: Sequence[str], classes: Sequence[str], leave_out: str) -> T2WError:
    shown = ", ".join(map(repr, unknown[:5])) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
    known = ", ".join(classes[:10]) + (f" ... ({len(classes)} in all)" if len(classes) > 10 else "")
    fix = f"rename, or {leave_out}"
    if split := next((name for name in _SPLITS if name in unknown), None):
        fix = f"name the folder that holds the class folders, such as {folder / split}"
    elif any(_WNID.fullmatch(name) for name in unknown):
        fix = f"put ImageNet's {' or '.join(_WORDS)} beside the folders, or {leave_out}"
    means, hint = ("means", nearest(unknown[0], classes)) if len(unknown) == 1 else ("mean", "")
    return T2WError(f"{shown} in {folder} {means} none of the classes{hint}", expected=f"one of {known}", fix=fix)
