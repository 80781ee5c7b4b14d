"""The reference's YAML files read and checked, and a run of ours as such a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from t2w.errors import T2WError, nearest
from t2w.extras import needs
from t2w.generator.reference import ReferenceConfig
from t2w.interop.reference_schema import NETWORK, TRAIN, ReferenceYaml

with needs("the reference's files"):
    from pydantic import BaseModel, ValidationError

__all__ = ["DATASETS", "dataset_of", "load_yaml", "read_reference_yaml", "yaml_of_run"]

# The reference's name of a dataset to ours.
DATASETS = {"cifar100": "cifar100", "caltech256": "caltech256", "imagenet": "tiny_imagenet"}


def dataset_of(run_name: str) -> str | None:
    """Our name of the dataset that a run such as "imagenet_classifier" is about; None where its name does not say."""
    return next((ours for theirs, ours in DATASETS.items() if run_name.startswith(theirs)), None)


def read_reference_yaml(folder: str | Path, name: str) -> ReferenceYaml:
    """Read and check `folder/name.yaml`, as `--config-path` and `--config-name` name it; all errors in one message."""
    path = Path(folder) / f"{name.removesuffix('.yaml')}.yaml"
    if not path.is_file():
        there = sorted(p.stem for p in Path(folder).glob("*.yaml"))
        raise T2WError(
            f"there is no {path}{nearest(path.stem, there)}",
            expected=f"one of {', '.join(there)}" if there else "a folder with YAML files",
            fix="give --config-path the folder and --config-name the file's name without .yaml",
        )
    try:
        return ReferenceYaml.model_validate(load_yaml(path))
    except ValidationError as error:
        problems = [_sentence(dict(one)) for one in error.errors()]
        listed = problems[0] if len(problems) == 1 else "\n  - ".join([f"{len(problems)} problems", *problems])
        fix = "mend the file there, or use one of our own configurations"
        raise T2WError(f"{path}: {listed}", fix=fix) from error


def load_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as plain values, numbers and interpolations read as the reference reads them."""
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


def _keys(model: type[BaseModel] = ReferenceYaml, prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, f"{prefix}{name}.")


def yaml_of_run(
    config: ReferenceConfig, coefficient: float, *, name: str, seed: int, train: Mapping[str, Any]
) -> dict[str, Any]:
    """A run of ours as the reference's config.yaml: what its scripts need to build the network and read its weights.

    `coefficient` is what its weights were multiplied by, `train` our training configuration as the run's record has it.
    """
    given = {key: train[ours] for key, ours in TRAIN.items() if train.get(ours) is not None}
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
            "ema": bool(train["ema_decay"]), **{key: getattr(config, ours) for key, ours in NETWORK.items()}
        },
        "train": {
            "ema_decay": train["ema_decay"], "beta2": 0.999, "warmup_epochs": 0, "num_ep": 1, "checkpoint_freq": 500,
            **given,
        },
        "test": {"mb_size": train["batch_size"]},
        "wandb": {"name": name, "group": "default", "project": "Gpt", "entity": "learn2learn", "mode": "disabled"},
        "hydra": {"output_subdir": None, "run": {"dir": "."}},
    }  # fmt: skip
    return ReferenceYaml.model_validate(values).model_dump()
