"""CLIP's text tower beside its image tower, and text encoders by name."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from t2w.encoders import CLIPTextEncoder, TextEncoder, load_text_encoder, load_vision_encoder
from t2w.errors import T2WError

Models = Callable[[str], Path]

transformers = pytest.importorskip("transformers")
TEXTS = ["a photo of a cat", "dog", "Käse & Brot, 東京"]


def test_both_towers_give_clips_own_logits(models: Models, photo: Callable[[int, int], np.ndarray]) -> None:
    folder = models("clip")
    text, vision = load_text_encoder(folder), load_vision_encoder(folder)
    assert isinstance(text, TextEncoder)
    images = [photo(40, 57), photo(80, 41)]
    table = text.encode(TEXTS)
    assert table.dtype == torch.float32
    assert tuple(table.shape) == (3, text.dim) == (3, 12)
    assert torch.allclose(table.norm(dim=1), torch.ones(3), atol=1e-5)
    assert not table.is_inference()
    features = torch.nn.functional.normalize(vision.encode(images), dim=1)
    assert text.logit_scale == pytest.approx(math.exp(3.25))

    tokens = transformers.CLIPTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    pixels = torch.stack([vision.prepare(image) for image in images])
    with torch.no_grad():
        expected = transformers.CLIPModel.from_pretrained(folder)(**tokens, pixel_values=pixels).logits_per_image
    assert torch.allclose(text.logit_scale * features @ table.T, expected, atol=1e-4)


def test_texts_are_alone_and_long_ones_are_cut(models: Models) -> None:
    encoder = CLIPTextEncoder(models("clip"))
    long = "cat " * 5000
    together = encoder.encode([*TEXTS, long])
    alone = torch.cat([encoder.encode([text]) for text in [*TEXTS, long]])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.equal(encoder.encode([long]), encoder.encode([long + "dog"]))
    assert (together[0] - together[1]).abs().max().item() > 1e-3
    assert tuple(encoder.encode([]).shape) == (0, 12)


def test_identity_and_dim_need_no_model(models: Models) -> None:
    encoder = CLIPTextEncoder(models("clip"))
    assert encoder.identity.startswith("clip-text@")
    assert encoder.identity.split("@")[1] == load_vision_encoder(models("clip")).identity.split("@")[1]
    assert "_parts" not in vars(encoder)


def test_a_model_without_scale_or_tokenizer(models: Models, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(models("clip"), tmp_path / "bare")
    tensors = load_file(folder / "model.safetensors")
    del tensors["logit_scale"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(T2WError, match="have no logit_scale; expected a complete CLIP model"):
        _ = CLIPTextEncoder(folder).logit_scale
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(
        T2WError, match=r"bare has no tokenizer; expected tokenizer\.json, or vocab\.json and merges\.txt"
    ) as caught:
        load_text_encoder(folder).encode(["a cat"])
    assert "\n" not in str(caught.value)


def test_other_kinds_of_models(models: Models, tmp_path: Path) -> None:
    with pytest.raises(T2WError, match=r"is a vit without modules\.json; expected a sentence-transformers model or"):
        load_text_encoder(models("vit"))
    with pytest.raises(T2WError, match="is a vit; expected a CLIP model"):
        CLIPTextEncoder(models("vit"))
    with pytest.raises(T2WError, match=r"no text encoder 'clip-b33' \(did you mean 'clip-b32'\?\).*minilm, clip-b32"):
        load_text_encoder("clip-b33")
    pickled = shutil.copytree(models("clip"), tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(T2WError, match="as a pickle"):
        load_text_encoder(pickled)


def test_any_sentence_transformers_folder(tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "photo", "of", "cat", "dog"]
    base = tmp_path / "bert"
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    transformers.BertModel(config).save_pretrained(base)
    (base / "vocab.txt").write_text("\n".join(words))
    (base / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    folder = tmp_path / "my-model"
    library.SentenceTransformer(str(base), device="cpu").save_pretrained(str(folder))  # mean pooling is added
    encoder = load_text_encoder(folder)
    assert encoder.identity.startswith("my-model@")
    assert encoder.logit_scale is None
    table = encoder.encode(["a photo of a cat", "a dog"])
    assert tuple(table.shape) == (2, encoder.dim) == (2, 8)
    assert torch.allclose(table.norm(dim=1), torch.ones(2), atol=1e-5)
