"""MiniLM's network on torch's own transformer layers: the same vectors as sentence-transformers in a tenth of the time.

Importing sentence-transformers takes longer than everything else that `t2w generate` does. MiniLM is BERT with six
layers and mean pooling (Devlin et al. 2018, arXiv 1810.04805; Reimers and Gurevych 2019, arXiv 1908.10084), and BERT's
layer is `torch.nn.TransformerEncoderLayer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from t2w.files import load_tensors, read_json

__all__ = ["MiniLMNet"]

_BATCH = 64
_LAYER = {
    "out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm2": "output.LayerNorm",
}


class MiniLMNet(nn.Module):
    """Texts to unit vectors, on `device`, from the folder of the published model. Nothing is trained."""

    def __init__(self, folder: str | Path, *, device: str = "cpu") -> None:
        super().__init__()

        folder = Path(folder)
        config = read_json(folder / "config.json", what="a model's config")
        limit = read_json(folder / "sentence_bert_config.json", what="a model's config")["max_seq_length"]
        self.tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(limit)
        self.tokenizer.enable_padding()
        d, eps = config["hidden_size"], config["layer_norm_eps"]
        self.words = nn.Embedding(config["vocab_size"], d)
        self.places = nn.Embedding(config["max_position_embeddings"], d)
        self.kinds = nn.Embedding(config["type_vocab_size"], d)
        self.norm = nn.LayerNorm(d, eps=eps)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                d, config["num_attention_heads"], config["intermediate_size"], 0.0, "gelu", eps, batch_first=True
            )
            for _ in range(config["num_hidden_layers"])
        )
        self.load_state_dict(_renamed(load_tensors(folder / "model.safetensors", what="MiniLM")[0], len(self.layers)))
        self.eval().requires_grad_(False).to(device)

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """(len(texts), 384) float32 on the CPU, L2-normalised."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # texts of one length together: little padding
        vectors = torch.empty(len(texts), self.words.embedding_dim)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            vectors[rows] = self._batch([texts[row] for row in rows]).cpu()
        return vectors

    def _batch(self, texts: list[str]) -> Tensor:
        encoded = self.tokenizer.encode_batch(texts)
        ids = torch.tensor([one.ids for one in encoded], device=self.words.weight.device)
        real = torch.tensor([one.attention_mask for one in encoded], device=ids.device).bool()
        x = self.norm(self.words(ids) + self.places.weight[: ids.shape[1]] + self.kinds.weight[0])
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=~real)
        kept = real[:, :, None].float()
        return F.normalize((x * kept).sum(dim=1) / kept.sum(dim=1), dim=1)


def _renamed(tensors: Mapping[str, Tensor], n_layer: int) -> dict[str, Tensor]:
    """The published tensors under this module's names; what only BERT's pooler uses is left out."""
    state = {
        "words.weight": tensors["embeddings.word_embeddings.weight"],
        "places.weight": tensors["embeddings.position_embeddings.weight"],
        "kinds.weight": tensors["embeddings.token_type_embeddings.weight"],
        "norm.weight": tensors["embeddings.LayerNorm.weight"],
        "norm.bias": tensors["embeddings.LayerNorm.bias"],
    }
    for i in range(n_layer):
        theirs, mine = f"encoder.layer.{i}.", f"layers.{i}."
        for part in ("weight", "bias"):
            joined = [tensors[f"{theirs}attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            state[f"{mine}self_attn.in_proj_{part}"] = torch.cat(joined)
            for here, there in _LAYER.items():
                name = f"self_attn.{here}" if here == "out_proj" else here
                state[f"{mine}{name}.{part}"] = tensors[f"{theirs}{there}.{part}"]
    return state
