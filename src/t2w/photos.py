"""The pictures that a task brings along, labelled or not, as features of the generator's image encoder."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from t2w.errors import T2WError, nearest
from t2w.evaluation.class_folders import find_class_folders, match_class
from t2w.features.of_pictures import features_of_pictures
from t2w.files import fingerprint, load_tensors, save_tensors
from t2w.images import Refused, image_files
from t2w.pictures import Picture, Pictures, pictures_of
from t2w.progress import progress

if TYPE_CHECKING:
    from t2w.encoders import VisionEncoder

__all__ = ["MOST", "Examples", "Photos", "TaskPictures", "pictures_of_task"]

MOST = 20_000
"""Pictures without labels that are looked at: of more, as many at random."""
CACHE = Path("~/.cache/t2w/photos")
_SAME = 2e-3  # distance, in lengths, up to which features are of one picture: more than rounding to float16


@dataclass(frozen=True, eq=False)
class TaskPictures:
    """N pictures of a task.

    Attributes:
        features: (N, d) float32.
        labels: (N) class positions, -1 for a picture without a label.
        refused: files that could not be used, and why.
    """

    features: Tensor
    labels: tuple[int, ...]
    refused: tuple[Refused, ...]

    @property
    def complaint(self) -> str | None:
        """What there is to say of files that could not be used; None where all could."""
        if not self.refused:
            return None
        path, reason = self.refused[0]
        return f"{len(self.refused)} of the pictures cannot be used, such as {path}: {reason}"


Photos: TypeAlias = "str | Path | Pictures | TaskPictures"
"""A folder with images anywhere in it, images (see `t2w.pictures`), or features of some, labelled or not."""
Examples: TypeAlias = "str | Path | Mapping[str, Pictures] | TaskPictures"
"""A folder of class folders, images by class name (any class may have none), or features of labelled pictures."""


def pictures_of_task(
    encoder: VisionEncoder,
    classes: Sequence[str],
    photos: Photos | None,
    examples: Examples | None,
    *,
    cache: Path | None = CACHE,
) -> TaskPictures:
    """Read and encode a task's pictures.

    Args:
        classes: the task's class names.
        photos: without labels; None for none.
        examples: with labels; None for none. A picture that is among both, or a copy of one, counts as labelled.
            Features in the place of either are all that is taken.
        cache: folder where features of files are kept; None: nowhere.

    Raises:
        T2WError: nothing readable, a folder of examples that means no class or two, or an image that is none.
    """
    if isinstance(photos, TaskPictures):
        return photos
    if isinstance(examples, TaskPictures):
        return examples
    files: list[Path] = []
    labels: list[int] = []
    refused: list[Refused] = []
    arrays: list[Tensor] = []
    of_arrays: list[int] = []
    if isinstance(examples, (str, Path)):
        found = find_class_folders(examples, classes, leave_out="move such folders elsewhere")
        files, labels, refused = list(found.files), list(found.labels), list(found.refused)
    else:
        for name, pictures in (examples or {}).items():
            if (label := match_class(name, classes)) is None:
                raise T2WError(
                    f"there are examples of {name!r:.60}, which is not one of the classes{nearest(name, classes)}"
                )
            several = pictures_of(pictures)
            arrays.append(_encoded(encoder, several))
            of_arrays += [label] * len(several)
    if photos is not None:
        if (paths := _paths(photos)) is not None:
            unlabelled, unlisted = image_files(paths)
            known = {file.resolve() for file in files}
            unlabelled = [file for file in unlabelled if file.resolve() not in known]
            if len(unlabelled) > MOST:
                unlabelled = sorted(random.Random(0).sample(unlabelled, MOST))
            files += unlabelled
            labels += [-1] * len(unlabelled)
            refused += unlisted
        else:
            several = pictures_of(photos)
            arrays.append(_encoded(encoder, several))
            of_arrays += [-1] * len(several)
    features, kept, failed = _features_of(encoder, files, cache)
    refused += failed
    everything = torch.cat([features, *arrays]).half().float()  # as the cache has them: each call sees the same numbers
    if len(everything) == 0:
        raise refused[0][1] if refused else T2WError("no pictures", expected="image files, or folders of them")
    given = torch.tensor([*(labels[i] for i in kept), *of_arrays])
    once = ~_copies(everything, given)
    return TaskPictures(everything[once], tuple(given[once].tolist()), tuple(refused))


def _copies(features: Tensor, labels: Tensor) -> Tensor:
    """(N,) bool: pictures without a label that are copies of labelled ones, which say more."""
    labelled, rest = labels >= 0, (labels < 0).nonzero()[:, 0]
    found = torch.zeros(len(labels), dtype=torch.bool)
    if bool(labelled.any()) and len(rest):
        apart = torch.cdist(features[rest], features[labelled]).amin(1)
        found[rest] = apart < _SAME * features[rest].norm(dim=1)
    return found


def _paths(photos: Photos) -> list[Path] | None:
    """The paths that are given, one or several; None where images themselves are."""
    if isinstance(photos, (str, Path)):
        return [Path(photos)]
    if isinstance(photos, Sequence) and photos and all(isinstance(one, (str, Path)) for one in photos):
        return [Path(str(one)) for one in photos]
    return None


def _encoded(encoder: VisionEncoder, pictures: Sequence[Picture]) -> Tensor:
    """The features of images that were given themselves: one that cannot be used is a mistake."""
    parts = [torch.empty(0, encoder.dim)]
    for batch in features_of_pictures(encoder, pictures):
        if batch.refused:
            raise batch.refused[0][1]
        parts += [] if batch.rows is None else [batch.rows]
    return torch.cat(parts)


def _features_of(
    encoder: VisionEncoder, files: Sequence[Path], cache: Path | None
) -> tuple[Tensor, list[int], list[Refused]]:
    """Features, the positions of their files, and the files that were refused; kept for the next call."""
    place = None if cache is None or not files else cache.expanduser() / f"{_key(encoder, files)}.safetensors"
    if place is not None:
        try:
            tensors, _ = load_tensors(place, what="features of photographs", checked=True)
            return tensors["features"].float(), tensors["positions"].tolist(), []
        except (T2WError, KeyError):
            pass  # not there yet, or damaged: made again
    parts: list[Tensor] = [torch.empty(0, encoder.dim)]
    kept: list[int] = []
    refused: list[Refused] = []
    with progress("photographs", total=len(files), unit="image") as bar:
        for batch in features_of_pictures(encoder, files):
            if batch.rows is not None:
                parts.append(batch.rows)
            kept += batch.positions
            refused += [(files[position], error) for position, error in batch.refused]
            bar.update(len(batch.positions) + len(batch.refused))
    features = torch.cat(parts)
    if place is not None and not refused:
        with suppress(T2WError):  # a home that cannot be written to costs time, nothing else
            save_tensors(place, {"features": features.half(), "positions": torch.tensor(kept)}, {})
    return features, kept, refused


def _key(encoder: VisionEncoder, files: Sequence[Path]) -> str:
    marks: list[list[str | int]] = []
    for file in files:
        marks.append([os.path.realpath(file)])
        with suppress(OSError, ValueError):  # a link to nothing, which reading it will refuse
            stat = file.stat()
            marks[-1] += [stat.st_size, stat.st_mtime_ns]
    return fingerprint([encoder.identity, encoder.preprocessing, marks])
