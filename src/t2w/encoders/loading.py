"""Models from their folders: their weights are safetensors, whole or in parts, and never a pickle; and loading them.

transformers loads quietly, whole, from safetensors alone, and with a sentence where it fails.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from t2w.errors import T2WError, first_line
from t2w.files import read_json, sha256_of

__all__ = ["SINGLE", "load_model", "loading", "weight_files", "weights_hash"]

SINGLE = "model.safetensors"
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def weight_files(folder: Path) -> list[Path]:
    """model.safetensors, or the parts that model.safetensors.index.json lists. Raises T2WError where any is missing."""
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    index = folder / f"{SINGLE}.index.json"
    if index.is_file():
        parts = read_json(index, what="a list of the parts of a model's weights")
        names = sorted({str(name) for name in parts.get("weight_map", {}).values()}) if isinstance(parts, dict) else []
        for name in names or ["its parts"]:
            if Path(name).name != name or not (folder / name).is_file():
                raise T2WError(f"{index} lists {name}, which is not there", fix="copy the model's folder whole")
        return [folder / name for name in names]
    pickled = [path.name for path in sorted(folder.iterdir()) if path.suffix in _PICKLED]
    if pickled:
        raise T2WError(
            f"{folder} has its weights as a pickle ({pickled[0]}), which could run any program when it is read",
            expected=SINGLE,
            fix="use a revision or a copy of the model with safetensors",
        )
    raise T2WError(f"{folder} has no weights", expected=SINGLE, fix="copy the model's folder whole")


def weights_hash(folder: Path) -> str:
    """The first 16 hex digits of the weights' SHA-256; of the parts' digests, one after another, where it has parts."""
    digests = [sha256_of(file) for file in weight_files(folder)]
    return (digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest())[:16]


@contextmanager
def _quiet() -> Iterator[None]:
    """Loading without the libraries' own progress bars and messages; as before afterwards."""
    loggers = [logging.getLogger(name) for name in ("sentence_transformers", "transformers", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    restore = None
    try:
        from transformers.utils import logging as transformers_logging

        if transformers_logging.is_progress_bar_enabled():
            transformers_logging.disable_progress_bar()
            restore = transformers_logging.enable_progress_bar
    except ImportError:
        pass  # the model's library is then missing too, which the caller reports
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if restore is not None:
            restore()


@contextmanager
def loading(what: str, folder: Path, *, library: str, expected: str, quietly: bool = True) -> Iterator[None]:
    """Load the model in `folder` quietly, every failure one sentence, which calls it `what`.

    Args:
        library: what must be installed.
        expected: what the folder should hold.
        quietly: silence transformers; False where it is not used, because asking it to be quiet imports it.
    """
    with _quiet() if quietly else nullcontext():
        try:
            yield
        except T2WError:
            raise
        except ImportError as error:
            raise T2WError(
                f"the {what} needs {library}, which cannot be imported ({error})",
                fix='install it: pip install "t2w[text]"',
            ) from error
        except Exception as error:  # the libraries raise many kinds for a damaged folder
            raise T2WError(
                f"the {what} in {folder} cannot be loaded ({first_line(error):.160})",
                expected=expected,
                fix="copy it again, or give another",
            ) from error


def load_model(
    kind: Any, folder: Path, *, config: Any = None, may_lack: Callable[[str], bool] = lambda name: False
) -> tuple[Any, bool]:
    """A frozen float32 model of a class `kind` of transformers, and whether it lacks weights that it may lack.

    Args:
        config: of transformers; None for the folder's own.
        may_lack: whether the model works without the weight of this name. Another that is not in the file, or of
            another size, is an error: transformers would go on with random numbers.
    """
    model, report = kind.from_pretrained(
        str(folder),
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # reported, and refused below
        **({} if config is None else {"config": config}),
    )
    absent = sorted(report["missing_keys"])
    wrong = [name for name in absent if not may_lack(name)] + [str(one[0]) for one in report["mismatched_keys"]]
    if wrong:
        raise T2WError(
            f"the weights in {folder} lack {wrong[0]}" + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""),
            expected="the weights of the model that config.json describes",
            fix="copy the model's folder whole, or give another",
        )
    return model.float().eval().requires_grad_(False), bool(absent)
