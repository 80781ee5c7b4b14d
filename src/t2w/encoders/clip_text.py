"""CLIP's text tower: unit vectors in the space that its image encoder shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.encoders.loading import load_model, loading, weight_files, weights_hash
from t2w.errors import T2WError
from t2w.files import read_json

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["CLIPTextEncoder"]

_BATCH = 64
_EXPECTED = "a complete CLIP model with its tokenizer"


class CLIPTextEncoder:
    """CLIP's text tower with its projection, loaded at the first text (Radford et al. 2021, arXiv 2103.00020).

    Args:
        folder: config.json, model.safetensors and the tokenizer's files of a CLIP model with both towers.
        device: where the model runs; embeddings come back on the CPU.

    Raises:
        T2WError: not a CLIP model; when encoding, transformers is not installed, or the folder cannot be loaded.
    """

    def __init__(self, folder: str | Path, *, device: torch.device | str = "cpu") -> None:
        self.folder, self.device = Path(folder), device
        config = read_json(self.folder / "config.json", what="the description of a CLIP model")
        if config.get("model_type") != "clip":
            raise T2WError(
                f"the model in {folder} is a {config.get('model_type')}", expected="a CLIP model with both towers"
            )
        self.dim = int(config.get("projection_dim") or 512)  # transformers' own default

    @cached_property
    def identity(self) -> str:
        return f"clip-text@{weights_hash(self.folder)}"

    @cached_property
    def logit_scale(self) -> float:
        """The exponential of the scale in the checkpoint; 100 in the published models."""
        from safetensors import safe_open

        with loading("CLIP text encoder", self.folder, library="safetensors", expected=_EXPECTED):
            for path in weight_files(self.folder):
                with safe_open(path, framework="pt") as file:
                    if "logit_scale" in file.keys():  # noqa: SIM118
                        return math.exp(file.get_tensor("logit_scale").item())
            raise T2WError(f"the weights in {self.folder} have no logit_scale", expected=_EXPECTED)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """(len(texts), dim) float32 on the CPU, L2-normalised. Long texts are cut at the model's limit of tokens."""
        import torch

        model, tokenizer, limit = self._parts
        rows = [torch.empty(0, self.dim)]
        for start in range(0, len(texts), _BATCH):
            batch = list(texts[start : start + _BATCH])
            tokens = tokenizer(batch, padding=True, truncation=True, max_length=limit, return_tensors="pt")
            with torch.inference_mode():
                ids, mask = tokens["input_ids"].to(self.device), tokens["attention_mask"].to(self.device)
                found = model(input_ids=ids, attention_mask=mask).text_embeds
            # A copy, because tensors made in inference mode cannot be used in training.
            rows.append(torch.nn.functional.normalize(found.to("cpu", torch.float32).clone(), dim=1))
        return torch.cat(rows)

    @cached_property
    def _parts(self) -> tuple[Any, Any, int]:
        files = {path.name for path in self.folder.iterdir()}
        if "tokenizer.json" not in files and not {"vocab.json", "merges.txt"} <= files:
            # transformers would make a tokenizer without words, to which all texts are the same.
            raise T2WError(
                f"{self.folder} has no tokenizer",
                expected="tokenizer.json, or vocab.json and merges.txt",
                fix="copy the model's folder whole",
            )
        with loading("CLIP text encoder", self.folder, library="transformers", expected=_EXPECTED):
            from transformers import AutoTokenizer, CLIPConfig, CLIPTextModelWithProjection

            config: Any = CLIPConfig.from_pretrained(str(self.folder), local_files_only=True).text_config
            config.projection_dim = self.dim
            model, _ = load_model(CLIPTextModelWithProjection, self.folder, config=config)
            tokenizer = AutoTokenizer.from_pretrained(str(self.folder), local_files_only=True, trust_remote_code=False)
            if len(tokenizer) > config.vocab_size:
                raise T2WError(
                    f"the tokenizer in {self.folder} has {len(tokenizer)} tokens", expected=f"{config.vocab_size}"
                )
            return model.to(self.device), tokenizer, int(model.config.max_position_embeddings)
