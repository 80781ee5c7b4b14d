"""The reference's YAML files as overrides of our configuration, and a run of ours as such a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from t2w.errors import T2WError, nearest
from t2w.generator.reference import ReferenceConfig

__all__ = ["DATASETS", "dataset_of", "ignored_keys", "load_yaml", "overrides_of", "read_reference_yaml", "yaml_of_run"]

# The reference's name of a dataset to ours.
DATASETS = {"cifar100": "cifar100", "caltech256": "caltech256", "imagenet": "tiny_imagenet"}

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

# Their key to ours, where the value is the same.
_GENERATOR = {
    **{
        name: name
        for name in (
            "chunk_size", "split_policy", "max_freq_log2", "num_frequencies", "n_embd", "encoder_depth",
            "decoder_depth", "n_layer", "n_head",
        )
    },
    "dropout_prob": "dropout",
}  # fmt: skip
_TRAIN = {
    "beta2": "beta2", "grad_clip": "clip", "warmup_epochs": "warmup_epochs", "base_lr": "learning_rate",
    "wd": "weight_decay", "num_ep": "epochs", "mb_size": "batch_size", "checkpoint_freq": "checkpoint_every_epochs",
}  # fmt: skip


class _Section(BaseModel):
    """Unknown keys are refused, and nothing is guessed from text. Keys that nothing depends on have a default."""

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


class _Reference(_Section):
    amp: bool
    rng_seed: int
    num_gpus: int = 1
    out_dir: str
    exp_name: Annotated[str, Field(min_length=1)]
    resume_path: str | None
    test_only: Literal[False] = False  # `t2w eval` scores what is there
    debug_mode: bool = False
    dataset: _Dataset
    vis: dict[str, Any] = {}
    sampling: dict[str, Any] = {}
    transformer: _Transformer
    train: _Train
    test: _Test = _Test()
    wandb: dict[str, Any] = {}
    hydra: dict[str, Any] = {}


def dataset_of(run_name: str) -> str | None:
    """Our name of the dataset that a run such as "imagenet_classifier" is about; None where its name does not say."""
    return next((ours for theirs, ours in DATASETS.items() if run_name.startswith(theirs)), None)


def read_reference_yaml(folder: str | Path, name: str) -> dict[str, Any]:
    """Read and check `folder/name.yaml`, as `--config-path` and `--config-name` name it.

    Returns:
        Its values, nested as there.

    Raises:
        T2WError: missing, not YAML, unknown keys, keys missing, values that are not what they seem or have no
            counterpart here; all of them in one message.
    """
    path = Path(folder) / f"{name.removesuffix('.yaml')}.yaml"
    if not path.is_file():
        there = sorted(p.stem for p in Path(folder).glob("*.yaml"))
        raise T2WError(
            f"there is no {path}{nearest(path.stem, there)}",
            expected=f"one of {', '.join(there)}" if there else "a folder with YAML files",
            fix="give --config-path the folder and --config-name the file's name without .yaml",
        )
    values = load_yaml(path)
    try:
        _Reference.model_validate(values)
    except ValidationError as error:
        problems = [_sentence(dict(one)) for one in error.errors()]
        listed = problems[0] if len(problems) == 1 else "\n  - ".join([f"{len(problems)} problems", *problems])
        fix = "mend the file there, or use one of our own configurations"
        raise T2WError(f"{path}: {listed}", fix=fix) from error
    return values


def load_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as plain values, numbers and interpolations read as the reference reads them.

    Raises:
        T2WError: missing, or not YAML with keys and values.
    """
    from omegaconf import OmegaConf

    try:
        # Not PyYAML alone, which takes 4e-4 for text.
        values: Any = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except Exception as error:  # of the YAML parser that comes with omegaconf, whose types are not declared here
        raise T2WError(f"{path} is not valid YAML: {' '.join(str(error).split())}", fix="mend it there") from error
    if not isinstance(values, dict):
        raise T2WError(f"{path} holds {type(values).__name__}", expected="keys and values")
    return values


def _sentence(error: Mapping[str, Any]) -> str:
    key, found = ".".join(map(str, error["loc"])), error["input"]
    if error["type"] == "extra_forbidden":
        return f"there is no key {key!r}{nearest(key, _keys())}"
    if error["type"] == "missing":
        return f"{key} is missing"
    if key == "test_only":
        return "test_only is true; run `t2w eval` in place of `t2w train`"
    wants = {"bool_type": "true or false", "int_type": "a whole number", "float_type": "a number"}.get(error["type"])
    seems = ", which is text" if wants and isinstance(found, str) else ""
    return f"{key} is {found!r}{seems}; {f'expected {wants}' if wants else str(error['msg'])}"


def _keys(model: type[BaseModel] = _Reference, prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, f"{prefix}{name}.")


def overrides_of(values: Mapping[str, Any]) -> list[str]:
    """Values that `read_reference_yaml` checked as overrides of our configuration, such as "generator.n_embd=1024"."""
    theirs = _Reference.model_validate(values)
    ours: dict[str, Any] = {
        "name": theirs.exp_name,
        "out": f"{theirs.out_dir.rstrip('/')}/{theirs.exp_name}",
        "seed": theirs.rng_seed,
        "generator.normalizer": "coefficient" if theirs.dataset.normalizer == "openai" else "none",
        "generator.coefficient": theirs.dataset.openai_coeff,
        **{f"generator.{name}": getattr(theirs.transformer, key) for key, name in _GENERATOR.items()},
        **{f"train.{name}": getattr(theirs.train, key) for key, name in _TRAIN.items()},
        "train.ema_decay": theirs.train.ema_decay if theirs.transformer.ema else 0,
        "train.mixed_precision": "fp16" if theirs.amp else "no",
        "train.resume_from": theirs.resume_path,
        "train.functional.steps": 0,
        "diffusion.reach": None,
    }
    # What the reference does whatever its YAML says.
    always = ["generator=reference_small", "diffusion=reference", "train=reference_small"]
    return always + [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in ours.items()]


def ignored_keys(values: Mapping[str, Any]) -> list[str]:
    """The keys in a YAML of the reference that change nothing here, each with what happens in its place."""
    found = []
    for name, why in _IGNORED.items():
        section, _, key = name.partition(".")
        if section in values and (not key or key in values[section]):
            found.append(f"{name}: {why}")
    return found


def yaml_of_run(
    config: ReferenceConfig, coefficient: float, *, name: str, seed: int, train: Mapping[str, Any]
) -> dict[str, Any]:
    """A run of ours as the reference's config.yaml: what its scripts need to build the network and read its weights.

    Args:
        config: of the network.
        coefficient: what the network's weights were multiplied by.
        train: our training configuration, as the run's record has it.
    """
    given = {
        key: train[ours] for key, ours in {**_TRAIN, "ema_decay": "ema_decay"}.items() if train.get(ours) is not None
    }
    values = {
        "amp": train["mixed_precision"] != "no",
        "rng_seed": seed,
        "out_dir": "results",
        "exp_name": name,
        "resume_path": None,
        "dataset": {"normalizer": "openai", "openai_coeff": coefficient},
        # As the reference ships them: its scripts read these keys, and stop without `wandb`, which its files lack.
        "vis": {
            "freq": 20, "num_nets_per_gpu": 16, "net_mb_size_per_gpu": 16, "recursive_probe": False, "use_ema": True,
            "dvo_steps": 20, "prompt_start_coeff": 1.0,
        },
        "sampling": {"thresholding": "none"},
        "transformer": {
            "ema": bool(train["ema_decay"]), **{key: getattr(config, ours) for key, ours in _GENERATOR.items()}
        },
        "train": {"beta2": 0.999, "warmup_epochs": 0, "num_ep": 1, "checkpoint_freq": 500, **given},
        "test": {"mb_size": train["batch_size"]},
        "wandb": {"name": name, "group": "default", "project": "Gpt", "entity": "learn2learn", "mode": "disabled"},
        "hydra": {"output_subdir": None, "run": {"dir": "."}},
    }  # fmt: skip
    return _Reference.model_validate(values).model_dump()
