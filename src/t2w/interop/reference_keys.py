"""Every key of the reference's YAML files: what its value must be, and which of our keys it becomes or why none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["ALWAYS", "FREE_SECTIONS", "KEYS", "Key", "Kind"]

Kind = Literal["flag", "whole", "number", "text", "text or null", "any"]


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Key:
    """A key of the reference.

    Attributes:
        kind: what its value must be; keys without effect may hold anything, but a flag is held to be one.
        target: our key; None where it has none.
        say: its value to ours.
        only: the values that have a counterpart here; () for all.
        why: of a key that is ignored, what happens in its place; "" for a key without effect in the reference either.
        fix: for a value that is not among `only`, what to do.
    """

    kind: Kind = "any"
    target: str | None = None
    say: Callable[[Any], Any] = _same
    only: tuple[Any, ...] = ()
    why: str = ""
    fix: str = ""


_MEMORY = "adapters are read from memory or mapped files, no workers are needed"

KEYS: dict[str, Key] = {
    "amp": Key("flag", "train.mixed_precision", lambda value: "fp16" if value else "no"),
    "rng_seed": Key("whole", "seed"),
    "num_gpus": Key("whole", why="several GPUs are used with `accelerate launch --num_processes N -m t2w train ...`"),
    "out_dir": Key("text", "out"),
    "exp_name": Key("text", "name"),
    "resume_path": Key("text or null", "train.resume_from"),
    "test_only": Key(
        "flag", only=(False,), why="`t2w eval` scores what is there", fix="run `t2w eval` in place of `t2w train`"
    ),
    "debug_mode": Key("flag"),
    "dataset.normalizer": Key(
        "text",
        "generator.normalizer",
        lambda value: {"openai": "coefficient"}.get(value, value),
        only=("openai", "none"),
    ),
    "dataset.openai_coeff": Key("number", "generator.coefficient"),
    "dataset.num_workers": Key(why=_MEMORY),
    "dataset.max": Key(),
    "dataset.min": Key(),
    "vis.freq": Key(),
    "vis.num_nets_per_gpu": Key(),
    "vis.net_mb_size_per_gpu": Key(),
    "vis.recursive_probe": Key("flag"),
    "vis.use_ema": Key("flag"),
    "vis.dvo_steps": Key(),
    "vis.prompt_start_coeff": Key(),
    "sampling.thresholding": Key(),
    "transformer.ema": Key("flag", "train.ema_decay"),
    "transformer.absolute_loss_conditioning": Key("flag"),
    "transformer.predict_xstart": Key(
        "flag", only=(True,), why="the network predicts x_0", fix="only x_0 can be predicted: set it to true"
    ),
    "transformer.chunk_size": Key("whole", "generator.chunk_size"),
    "transformer.split_policy": Key("text", "generator.split_policy"),
    "transformer.max_freq_log2": Key("number", "generator.max_freq_log2"),
    "transformer.num_frequencies": Key("whole", "generator.num_frequencies"),
    "transformer.n_embd": Key("whole", "generator.n_embd"),
    "transformer.encoder_depth": Key("whole", "generator.encoder_depth"),
    "transformer.decoder_depth": Key("whole", "generator.decoder_depth"),
    "transformer.n_layer": Key("whole", "generator.n_layer"),
    "transformer.n_head": Key("whole", "generator.n_head"),
    "transformer.dropout_prob": Key("number", "generator.dropout"),
    "train.ema_decay": Key("number", "train.ema_decay"),
    "train.beta2": Key("number", "train.beta2"),
    "train.grad_clip": Key("number", "train.clip"),
    "train.warmup_factor": Key(
        "number", only=(0.0,), why="the warm-up begins at a rate of 0", fix="set it to 0, or warmup_epochs to 0"
    ),
    "train.warmup_epochs": Key("number", "train.warmup_epochs"),
    "train.lr_sch": Key("text", only=("cos",), why="the rate falls along a cosine", fix="set it to cos"),
    "train.base_lr": Key("number", "train.learning_rate"),
    "train.wd": Key("number", "train.weight_decay"),
    "train.num_ep": Key("whole", "train.epochs"),
    "train.mb_size": Key("whole", "train.batch_size"),
    "train.checkpoint_freq": Key("whole", "train.checkpoint_every_epochs"),
    "test.freq": Key(why="the validation loss is measured every train.validate_every steps"),
    "test.mb_size": Key(why="evaluation sizes its own batches"),
    "test.use_ema": Key("flag", why="averaged weights are scored wherever an average is kept (transformer.ema)"),
}

# What the reference does whatever its YAML says.
ALWAYS: tuple[str, ...] = (
    "generator.kind=reference",
    "diffusion.timesteps=1000",
    "diffusion.sampler=ancestral",
    "diffusion.steps=1000",
    "diffusion.respacing=null",
    "train.steps=null",
    "train.ema_warmup=false",
    "train.weighting=uniform",
    "train.timestep_sampler=uniform",
    "train.condition_dropout=0",
    "train.permutation=false",
    "train.adversarial=0",
    "train.select=last",
    "train.functional.steps=0",
)

# Sections that belong to other programs; any key may stand there.
FREE_SECTIONS: dict[str, str] = {
    "wandb": "nothing is sent anywhere unless train.trackers names it",
    "hydra": "the run folder is out=DIR",
}
