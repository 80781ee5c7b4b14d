"""Extracted features kept on disk: whole under a name that says what they are of, in parts while they are made."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.errors import T2WError
from t2w.features.joined import save_rows
from t2w.features.parts import Span
from t2w.files import fingerprint, load_tensors, save_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.datasets import ImageSet
    from t2w.encoders import VisionEncoder

__all__ = ["FeatureCache"]

log = logging.getLogger("t2w")

_FORMAT, _VERSION = "t2w-feature-cache", 1


@dataclass(frozen=True)
class FeatureCache:
    """The place of one split's features by one encoder.

    Attributes:
        folder: where features of all datasets and encoders lie side by side.
        key: hash of the dataset's fingerprint, the encoder's identity and the preprocessing.
        about: the metadata of every file: format, version, what the key was made of, name and split.
    """

    folder: Path
    key: str
    about: dict[str, Any]

    @classmethod
    def of(cls, folder: str | Path, encoder: VisionEncoder, image_set: ImageSet) -> FeatureCache:
        made_of = {
            "dataset": image_set.fingerprint,
            "encoder": encoder.identity,
            "preprocessing": encoder.preprocessing,
        }
        about = {"format": _FORMAT, "version": _VERSION, **made_of, "name": image_set.name, "split": image_set.split}
        return cls(Path(folder), fingerprint(made_of), about)

    def read(self, shape: tuple[int, int], *, begin: int = 0, batch_size: int | None = None) -> Tensor | None:
        """Features (N, d) float32; None where there are none. A damaged file is set aside, with a warning.

        Args:
            begin: the first image of a part.
            batch_size: of the part, for other batches round in another way; None for the whole.
        """
        path = self._path(begin, batch_size)
        if not path.exists():
            return None
        try:
            tensors, metadata = load_tensors(path, what="cached features")
            if "features" not in tensors or any(metadata.get(key) != value for key, value in self.about.items()):
                raise T2WError(f"{path} does not hold what its name says")
        except T2WError as error:
            aside = path.with_name(f"{path.name}.damaged")
            path.replace(aside)
            log.warning("%s; set aside as %s, its features are extracted again", error.found, aside.name)
            return None
        features = tensors["features"]
        # Sound, but cut in another way: written over.
        cut_alike = metadata.get("begin") == begin and metadata.get("batch_size") == batch_size
        return features if cut_alike and tuple(features.shape) == shape else None

    def missing(self, spans: Iterable[Span], batch_size: int, dim: int) -> list[Span]:
        """The parts that are not there, or damaged."""
        return [span for span in spans if self._part(span, batch_size, dim) is None]

    def write_part(self, rows: Tensor, begin: int, batch_size: int) -> None:
        """Keep the features of the images from `begin` on."""
        cut = {"begin": begin, "batch_size": batch_size}
        save_tensors(self._path(begin, batch_size), {"features": rows}, self.about | cut)

    def join(self, spans: Sequence[Span], batch_size: int, shape: tuple[int, int]) -> Tensor:
        """The whole (N, d), memory-mapped, made of its parts, which make place for it.

        Raises:
            T2WError: the disk is full, or a part was damaged in the meantime; parts are kept.
        """

        def parts() -> Iterator[Tensor]:
            for span in spans:
                if (part := self._part(span, batch_size, shape[1])) is None:
                    raise T2WError(f"a part of {self.folder / self.key} is gone", fix="run the same command again")
                yield part

        save_rows(self._path(0, None), "features", parts(), shape, self.about | {"begin": 0})
        shutil.rmtree(self.folder / f"{self.key}.parts", ignore_errors=True)
        whole = self.read(shape)
        if whole is None:
            raise T2WError(f"{self._path(0, None)} was damaged at once", fix="look at the disk, and run it again")
        return whole

    def _part(self, span: Span, batch_size: int, dim: int) -> Tensor | None:
        begin, stop = span
        return self.read((stop - begin, dim), begin=begin, batch_size=batch_size)

    def _path(self, begin: int, batch_size: int | None) -> Path:
        name = self.key if batch_size is None else f"{self.key}.parts/{begin:09d}"
        return self.folder / f"{name}.safetensors"
