"""The reference's YAML files as overrides of our configuration, so that they run unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2w.errors import T2WError, nearest
from t2w.interop.reference_keys import ALWAYS, FREE_SECTIONS, KEYS, Key
from t2w.interop.reference_tree import dataset_of

__all__ = ["Translation", "load_yaml", "read_reference_yaml", "translate"]

_NOTES = (
    "adversarial training is off: the reference computes its term and multiplies it by zero "
    "(train.adversarial=0.01 turns a real one on)",
)
_KINDS = {
    "flag": "true or false",
    "whole": "a whole number",
    "number": "a number",
    "text": "text",
    "text or null": "text or null",
}


@dataclass(frozen=True)
class Translation:
    """A YAML of the reference in our terms.

    Attributes:
        overrides: of our configuration, e.g. "generator.n_embd=1024", in Hydra's grammar.
        ignored: the keys that change nothing here, each with what happens in its place, for people to read.
        notes: what else is worth knowing, for people to read.
        dataset: "cifar100", "caltech256" or "tiny_imagenet", by the experiment's name; None where that does not say.
    """

    overrides: tuple[str, ...]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]
    dataset: str | None


def read_reference_yaml(folder: str | Path, name: str) -> Translation:
    """Read `folder/name.yaml`, as `--config-path` and `--config-name` name it.

    Raises:
        T2WError: missing, not YAML, or whatever `translate` finds wrong.
    """
    path = Path(folder) / f"{name.removesuffix('.yaml')}.yaml"
    if not path.is_file():
        there = sorted(p.stem for p in Path(folder).glob("*.yaml"))
        raise T2WError(
            f"there is no {path}{nearest(path.stem, there)}",
            expected=f"one of {', '.join(there)}" if there else "a folder with YAML files",
            fix="give --config-path the folder and --config-name the file's name without .yaml",
        )
    return translate(load_yaml(path), where=str(path))


def load_yaml(path: Path) -> Mapping[str, Any]:
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
    if not isinstance(values, Mapping):
        raise T2WError(f"{path} holds {type(values).__name__}", expected="keys and values")
    return values


def translate(values: Mapping[str, Any], *, where: str = "the YAML", gpus: int | None = None) -> Translation:
    """A configuration of the reference in our terms.

    Args:
        values: as the YAML nests them.
        where: the file, for the error's sentence.
        gpus: GPUs of this machine; None: look.

    Raises:
        T2WError: unknown keys, keys missing, values that are not what they seem or have no counterpart here; all of
            them in one message.
    """
    problems: list[str] = []
    found = dict(_flat(values, problems))
    for name in found:
        if name not in KEYS and name.partition(".")[0] not in FREE_SECTIONS:
            problems.append(f"there is no key {name!r}{nearest(name, KEYS)}")
    for name, key in KEYS.items():
        if name in found:
            problems += _wrong(name, key, found[name])
        elif key.target is not None:
            problems.append(f"{name} is missing; expected {_KINDS[key.kind]}")
    problems += _too_many(found.get("num_gpus"), gpus)
    if problems:
        listed = problems[0] if len(problems) == 1 else "\n  - ".join([f"{len(problems)} problems", *problems])
        raise T2WError(f"{where}: {listed}", fix="mend the file there, or use one of our own configurations")
    ours = {key.target: key.say(found[name]) for name, key in KEYS.items() if key.target is not None}
    ours["out"] = f"{found['out_dir'].rstrip('/')}/{found['exp_name']}"
    ours["train.ema_decay"] = found["train.ema_decay"] if found["transformer.ema"] else 0
    return Translation(
        overrides=(*(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in ours.items()), *ALWAYS),
        ignored=tuple(_ignored(found)),
        notes=_NOTES,
        dataset=dataset_of(found["exp_name"]),
    )


def _flat(values: Mapping[str, Any], problems: list[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, problems, f"{dotted}.")
        elif any(known.startswith(f"{dotted}.") for known in KEYS):
            problems.append(f"{dotted} is {value!r}; expected a section of keys")
        else:
            yield dotted, value


def _wrong(name: str, key: Key, value: Any) -> Iterator[str]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "flag": isinstance(value, bool),
        "whole": is_number and isinstance(value, int),
        "number": is_number and abs(value) < float("inf"),
        "text": isinstance(value, str) and bool(value.strip()),
        "text or null": value is None or isinstance(value, str),
        "any": True,
    }[key.kind]
    if not fits:
        yield f"{name} is {value!r}{_seems(value)}; expected {_KINDS[key.kind]}{_meant(key, value)}"
    elif key.only and value not in key.only:
        known = " or ".join(json.dumps(choice) for choice in key.only)
        yield f"{name} is {json.dumps(value)}; expected {known}{'; ' * bool(key.fix)}{key.fix}"


def _seems(value: Any) -> str:
    return ", which is text" if isinstance(value, str) else ""


def _meant(key: Key, value: Any) -> str:
    """The repair of a value that almost is one: "falseß" was meant to be false."""
    if not isinstance(value, str):
        return ""
    if key.kind == "flag":
        letters = "".join(c for c in value.lower() if c.isascii() and c.isalpha())
        word = next((word for word in ("true", "false") if letters.startswith(word)), "true or false")
        return f"; write {word}, nothing behind it"
    return f"; write {value.strip()} without quotes" if _is_number(value) else ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _too_many(asked: Any, gpus: int | None) -> Iterator[str]:
    if not isinstance(asked, int) or asked <= 1:  # 1 is what a machine without any is content with
        return
    if gpus is None:
        import torch

        gpus = torch.cuda.device_count()
    if asked > gpus:
        yield f"num_gpus is {asked}; expected at most {max(gpus, 1)}, as this machine has {gpus} GPUs; set num_gpus: 1"


def _ignored(found: Mapping[str, Any]) -> Iterator[str]:
    for name, key in KEYS.items():
        if name in found and key.target is None:
            yield f"{name}: {key.why or 'without effect in the reference too'}"
    for section, why in FREE_SECTIONS.items():
        if any(name.startswith(f"{section}.") for name in found):
            yield f"{section}: {why}"
