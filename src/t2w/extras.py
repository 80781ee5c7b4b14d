"""Packages that an extra brings, and what is said where one of them is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from t2w.errors import T2WError

__all__ = ["MissingExtra", "lacking", "needs"]

_EXTRAS = {
    "train": "accelerate hydra matplotlib omegaconf pydantic scipy sklearn",
    "text": "sentence_transformers transformers",
    "scale": "ray",
    "web": "fastapi gradio starlette uvicorn",
    "export": "onnx onnxruntime onnxscript",
    "publish": "datasets pyarrow",
    "tracking": "tensorboard wandb",
    "demo": "skimage",
}
"""The import names of the packages that each extra of pyproject.toml brings."""


class MissingExtra(T2WError):
    """A package is missing that an extra of t2w brings."""


@contextmanager
def needs(what: str) -> Iterator[None]:
    """Import packages of an extra inside; where one is missing, the error names the command that installs it.

    Args:
        what: who needs them, for the error's sentence: "the digits".

    Raises:
        MissingExtra: a package that an extra brings cannot be imported.
    """
    try:
        yield
    except ImportError as error:
        if (told := lacking(error, what)) is None:
            raise
        raise told from error


def lacking(error: ImportError, what: str = "this command") -> MissingExtra | None:
    """The sentence for a failed import; None where the module is of no extra."""
    package = (error.name or "").partition(".")[0]
    extra = next((extra for extra, packages in _EXTRAS.items() if package in packages.split()), None)
    if extra is None:
        return None
    return MissingExtra(
        f"{what} needs {package}, which cannot be imported ({error})", fix=f'pip install "t2w[{extra}]"'
    )
