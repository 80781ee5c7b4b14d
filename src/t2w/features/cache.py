"""Extracted features kept on disk: whole under a name that says what they are of, in parts while they are made."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.errors import T2WError
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
        about: what the key was made of, for a reader of the file.
    """

    folder: Path
    key: str
    about: dict[str, Any]

    @classmethod
    def of(cls, folder: str | Path, encoder: VisionEncoder, image_set: ImageSet) -> FeatureCache:
        about = {
            "dataset": image_set.fingerprint,
            "encoder": encoder.identity,
            "preprocessing": encoder.preprocessing,
        }
        return cls(Path(folder), fingerprint(about), about | {"name": image_set.name, "split": image_set.split})

    @property
    def file(self) -> Path:
        """The features, once they are whole."""
        return self.folder / f"{self.key}.safetensors"

    @property
    def parts(self) -> Path:
        """The folder of the parts made so far."""
        return self.folder / f"{self.key}.parts"

    def read(self, shape: tuple[int, int]) -> Tensor | None:
        """The features (N, d) float32; None where there are none. A damaged file is set aside and said."""
        return self._read(self.file, shape, {"begin": 0})

    def write(self, features: Tensor) -> None:
        """Keep the whole features, (N, d), and remove the parts."""
        self._write(self.file, features, {"begin": 0})
        shutil.rmtree(self.parts, ignore_errors=True)

    def read_part(self, begin: int, shape: tuple[int, int], *, batch_size: int) -> Tensor | None:
        """A part that an earlier call finished; None where it did not, or with other batches (other rounding)."""
        return self._read(self._part(begin), shape, {"begin": begin, "batch_size": batch_size})

    def write_part(self, begin: int, features: Tensor, *, batch_size: int) -> None:
        """Keep the features of images `begin` and on."""
        self._write(self._part(begin), features, {"begin": begin, "batch_size": batch_size})

    def _part(self, begin: int) -> Path:
        return self.parts / f"{begin:09d}.safetensors"

    def _write(self, path: Path, features: Tensor, about: dict[str, Any]) -> None:
        metadata = {"format": _FORMAT, "version": _VERSION, **self.about, **about}
        save_tensors(path, {"features": features}, metadata)

    def _read(self, path: Path, shape: tuple[int, int], about: dict[str, Any]) -> Tensor | None:
        if not path.exists():
            return None
        try:
            tensors, metadata = load_tensors(path, what="cached features")
            features = tensors.get("features")
            wanted = {"format": _FORMAT, "version": _VERSION, **self.about}
            if features is None or any(metadata.get(key) != value for key, value in wanted.items()):
                raise T2WError(f"{path} does not hold what its name says")
        except T2WError as error:
            _set_aside(path, error)
            return None
        if tuple(features.shape) != shape or any(metadata.get(key) != value for key, value in about.items()):
            return None  # sound, but cut in another way: written over
        return features


def _set_aside(path: Path, error: T2WError) -> None:
    aside = path.with_name(f"{path.name}.damaged")
    path.replace(aside)
    log.warning("%s; set aside as %s, its features are extracted again", error.found, aside.name)
