"""A run of ours as the reference's config.yaml: what its scripts need to build the network and read its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t2w.generator.reference import ReferenceConfig

__all__ = ["reference_values"]


def reference_values(
    config: ReferenceConfig, coefficient: float, *, name: str, seed: int, train: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of a config.yaml, keys without effect as the reference ships them.

    Args:
        coefficient: what the network's weights were multiplied by.
        train: our training configuration, as the run's record has it.
    """
    return {
        "amp": train["mixed_precision"] != "no",
        "rng_seed": seed,
        "num_gpus": 1,
        "out_dir": "results",
        "exp_name": name,
        "resume_path": None,
        "test_only": False,
        "debug_mode": False,
        "dataset": {"normalizer": "openai", "openai_coeff": coefficient, "num_workers": 1, "max": None, "min": None},
        "vis": {
            "freq": 20,
            "num_nets_per_gpu": 16,
            "net_mb_size_per_gpu": 16,
            "recursive_probe": False,
            "use_ema": True,
            "dvo_steps": 20,
            "prompt_start_coeff": 1.0,
        },
        "sampling": {"thresholding": "none"},
        "transformer": {
            "ema": bool(train["ema_decay"]),
            "absolute_loss_conditioning": True,
            "predict_xstart": True,
            "chunk_size": config.chunk_size,
            "split_policy": config.split_policy,
            "max_freq_log2": config.max_freq_log2,
            "num_frequencies": config.num_frequencies,
            "n_embd": config.n_embd,
            "encoder_depth": config.encoder_depth,
            "decoder_depth": config.decoder_depth,
            "n_layer": config.n_layer,
            "n_head": config.n_head,
            "dropout_prob": config.dropout,
        },
        "train": {
            "ema_decay": train["ema_decay"],
            "beta2": train.get("beta2", 0.999),
            "grad_clip": train["clip"],
            "warmup_factor": 0.0,
            "warmup_epochs": train.get("warmup_epochs") or 0,
            "lr_sch": "cos",
            "base_lr": train["learning_rate"],
            "wd": train["weight_decay"],
            "num_ep": train.get("epochs") or 1,
            "mb_size": train["batch_size"],
            "checkpoint_freq": train.get("checkpoint_every_epochs") or 500,
        },
        "test": {"freq": 10, "mb_size": train["batch_size"], "use_ema": False},
        # Missing from the reference's own files, though its scripts stop without it.
        "wandb": {"name": name, "group": "default", "project": "Gpt", "entity": "learn2learn", "mode": "disabled"},
        "hydra": {"output_subdir": None, "run": {"dir": "."}},
    }
