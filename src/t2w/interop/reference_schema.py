"""Every key of the reference's YAML files, what its value must be, and what it is in our configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from t2w.extras import needs

with needs("the reference's files"):
    from pydantic import BaseModel, ConfigDict, Field

__all__ = ["NETWORK", "TRAIN", "ReferenceYaml"]

# Keys of `transformer` and of `train` to ours of `generator` and of `train`, where the value is the same.
NETWORK = {
    "chunk_size": "chunk_size", "split_policy": "split_policy", "max_freq_log2": "max_freq_log2",
    "num_frequencies": "num_frequencies", "n_embd": "n_embd", "encoder_depth": "encoder_depth",
    "decoder_depth": "decoder_depth", "n_layer": "n_layer", "n_head": "n_head", "dropout_prob": "dropout",
}  # fmt: skip
TRAIN = {
    "beta2": "beta2", "grad_clip": "clip", "warmup_epochs": "warmup_epochs", "base_lr": "learning_rate",
    "wd": "weight_decay", "num_ep": "epochs", "mb_size": "batch_size", "checkpoint_freq": "checkpoint_every_epochs",
}  # fmt: skip

_NOTHING = "without effect in the reference too"
# Keys and sections that nothing here depends on, and what happens in their place.
_IGNORED = {
    "num_gpus": "several GPUs are used with `accelerate launch --num_processes N -m t2w train ...`",
    "debug_mode": _NOTHING,
    "dataset.num_workers": "adapters are read from memory or mapped files, no workers are needed",
    "dataset.max": _NOTHING,
    "dataset.min": _NOTHING,
    "vis": "`t2w eval` writes a report",
    "sampling": _NOTHING,
    "transformer.absolute_loss_conditioning": _NOTHING,
    "test.freq": "the validation loss is measured every train.validate_every steps",
    "test.mb_size": "evaluation sizes its own batches",
    "test.use_ema": "averaged weights are scored wherever an average is kept (transformer.ema)",
    "wandb": "nothing is sent anywhere unless train.trackers names it",
    "hydra": "the run folder is out=DIR",
}


class _Section(BaseModel):
    """Unknown keys are refused, and nothing is guessed from text. Keys that nothing here depends on have a default."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Dataset(_Section):
    normalizer: Literal["openai", "none"]
    openai_coeff: float
    num_workers: Any = 1
    max: Any = None
    min: Any = None


class _Transformer(_Section):
    ema: bool
    absolute_loss_conditioning: bool = True
    predict_xstart: Literal[True] = True
    chunk_size: int
    split_policy: str
    max_freq_log2: float
    num_frequencies: int
    n_embd: int
    encoder_depth: int
    decoder_depth: int
    n_layer: int
    n_head: int
    dropout_prob: float


class _Train(_Section):
    ema_decay: float
    beta2: float
    grad_clip: float
    warmup_factor: Annotated[float, Field(ge=0, le=0)] = 0.0  # the warm-up begins at a rate of 0
    warmup_epochs: float
    lr_sch: Literal["cos"] = "cos"
    base_lr: float
    wd: float
    num_ep: int
    mb_size: int
    checkpoint_freq: int


class _Test(_Section):
    freq: Any = 10
    mb_size: Any = 32
    use_ema: bool = False


class ReferenceYaml(_Section):
    """A YAML of the reference, checked, its keys as there."""

    amp: bool
    rng_seed: int
    num_gpus: int = 1
    out_dir: str
    exp_name: Annotated[str, Field(min_length=1)]
    resume_path: str | None
    test_only: Literal[False] = False
    debug_mode: bool = False
    dataset: _Dataset
    vis: dict[str, Any] = {}
    sampling: dict[str, Any] = {}
    transformer: _Transformer
    train: _Train
    test: _Test = _Test()
    wandb: dict[str, Any] = {}
    hydra: dict[str, Any] = {}

    def overrides(self) -> list[str]:
        """The same as overrides of our configuration, such as "generator.n_embd=1024"."""
        ours: dict[str, Any] = {
            "name": self.exp_name,
            "out": f"{self.out_dir.rstrip('/')}/{self.exp_name}",
            "seed": self.rng_seed,
            "generator.normalizer": "coefficient" if self.dataset.normalizer == "openai" else "none",
            "generator.coefficient": self.dataset.openai_coeff,
            **{f"generator.{name}": getattr(self.transformer, key) for key, name in NETWORK.items()},
            **{f"train.{name}": getattr(self.train, key) for key, name in TRAIN.items()},
            "train.ema_decay": self.train.ema_decay if self.transformer.ema else 0,
            "train.mixed_precision": "fp16" if self.amp else "no",
            "train.resume_from": self.resume_path,
            "train.functional.steps": 0,
            "diffusion.fallback_distance": None,
        }
        # What the reference does whatever its YAML says.
        always = ["generator=reference_small", "diffusion=reference", "train=reference_small"]
        return always + [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in ours.items()]

    def ignored(self) -> Iterator[str]:
        """Its keys that change nothing here, each with what happens in its place."""
        for name, why in _IGNORED.items():
            section, _, key = name.rpartition(".")
            holder = getattr(self, section) if section else self
            if key in holder.model_fields_set:
                yield f"{name}: {why}"
