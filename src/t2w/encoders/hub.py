"""Where a model is: a folder of one's own, the Hugging Face cache, or the hub itself, in this order.

The only place that touches the network for models. The hub has a few seconds for its first answer; nothing waits
longer, and every failure names the way that needs no network.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2w.encoders.loading import SINGLE, weight_files
from t2w.errors import T2WError, T2WWarning
from t2w.network import ANSWER_SECONDS, refusal, within

__all__ = ["ModelFolder", "find_model"]

_FILES = ("*.json", "*.txt", SINGLE, "model-*-of-*.safetensors", "[0-9]_*/model.safetensors")
_PICKLED = re.compile(r".*\.(bin|ckpt|pickle|pkl|pth?)")
_CONVERTER = "SFconvertbot"  # the hub's own robot, which offers the safetensors of pickled weights as a pull request
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class ModelFolder:
    """A model's files on this machine."""

    path: Path  # the folder
    name: str  # "organisation/model" on the hub, or the folder as it was given
    revision: str | None  # commit on the hub; None for a folder of one's own


def find_model(
    name: str | Path,
    *,
    revision: str | None = None,
    what: str = "model",
    needed: Sequence[str] = ("config.json",),
    files: Sequence[str] = _FILES,
    newest: bool = False,
    fix: str | None = None,
) -> ModelFolder:
    """The folder of a model with all its files; the network is tried only where nothing is here.

    Args:
        name: a folder, or "organisation/model" on the Hugging Face hub.
        revision: commit, branch or tag on the hub; None for its main branch, or, where that has pickled weights only,
            the hub's own conversion of them to safetensors.
        what: what errors call it.
        needed: files it must have, beside its safetensors weights.
        files: what is fetched of it, with wildcards; never a pickle.
        newest: ask the hub first whether a branch has moved on, and take the copy that is here, with a warning, where
            it does not say.
        fix: the way without a network; None describes how to carry the folder over.

    Raises:
        T2WError: a folder that is missing, incomplete or has no safetensors; a hub that does not answer, refuses, has
            no such model, or has its weights as a pickle alone, of which nothing is fetched.

    Warns:
        T2WWarning: `newest`, and the hub could not be asked.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise T2WError(f"revision {revision} of the folder {folder}", expected="a revision of a model on the hub")
        _check(folder, what, needed)
        return ModelFolder(folder, str(name), _commit(folder))
    name = str(name)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or name.startswith("."):
        raise T2WError(f"there is no {what} folder {folder}", expected="a folder, or organisation/model on the hub")
    fix = fix or (
        f"on a machine with a network run: hf download {name} --local-dir {name.split('/')[1]}, "
        "then copy that folder here and give it instead of the name"
    )
    from huggingface_hub import constants

    moves = newest and not constants.HF_HUB_OFFLINE and not _COMMIT.fullmatch(revision or "")
    path = None if moves else _cached(name, revision, needed, files)
    if path is None:
        try:
            path = _downloaded(name, revision, f"the {what} {name}", files, fix)
        except T2WError as error:
            if not isinstance(error.__cause__, Exception) or (path := _cached(name, revision, needed, files)) is None:
                raise
            why = refusal(error.__cause__)[0]
            warnings.warn(f"the {what} {name} may be out of date: the hub was not reached ({why})", T2WWarning, 2)
        _check(path, what, needed)
    return ModelFolder(path, name, _commit(path) or revision)


def _check(folder: Path, what: str, needed: Sequence[str]) -> None:
    if missing := [file for file in needed if not (folder / file).is_file()]:
        raise T2WError(
            f"the {what} folder {folder} has no {missing[0]}",
            expected=f"{', '.join(needed)} and the weights in it",
            fix="copy the model's folder whole, or give another",
        )
    weight_files(folder)


def _commit(folder: Path) -> str | None:
    """The commit of a folder in the hub's cache (.../snapshots/<commit>)."""
    folder = folder.absolute()
    return folder.name if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name) else None


def _cached(name: str, revision: str | None, needed: Sequence[str], files: Sequence[str]) -> Path | None:
    from huggingface_hub import constants, snapshot_download

    asked: list[str | None] = [revision]
    if revision is None:  # a conversion fetched before
        refs = Path(constants.HF_HUB_CACHE, f"models--{name.replace('/', '--')}", "refs", "refs", "pr")
        asked += [f"refs/pr/{ref.name}" for ref in sorted(refs.glob("*"))]
    for one in asked:
        try:
            path = Path(snapshot_download(name, revision=one, allow_patterns=list(files), local_files_only=True))
            _check(path, "model", needed)
            return path
        except Exception:  # not there, or not whole: each version of the library has its own exception
            continue
    return None


def _downloaded(name: str, revision: str | None, what: str, files: Sequence[str], fix: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    api, seconds = HfApi(), ANSWER_SECONDS
    try:
        info = within(seconds, lambda: api.model_info(name, revision=revision, timeout=seconds))
        there = sorted(file.rfilename for file in info.siblings or [])
        if not {SINGLE, f"{SINGLE}.index.json"}.intersection(there):
            revision = within(seconds, lambda: _conversion(api, name)) if revision is None else None
            if revision is None:
                raise _no_weights(what, there)
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(files), etag_timeout=seconds))
    except T2WError:
        raise
    except Exception as error:  # no network, no such model, broken off half-way, no space, ...
        kind = type(error).__name__
        if kind in ("RepositoryNotFoundError", "RevisionNotFoundError"):
            which = what if kind[:3] == "Rep" else f"revision {revision} of {what}"
            raise T2WError(
                f"{which} is not on the Hugging Face hub, or not open to you",
                fix="check the name; what is private needs HF_TOKEN",
            ) from error
        reason, then = refusal(error)
        raise T2WError(
            f"{what} is not here and the Hugging Face hub cannot be used ({reason:.120})", fix=then or fix
        ) from error


def _no_weights(what: str, there: Sequence[str]) -> T2WError:
    pickled = next((file for file in there if _PICKLED.fullmatch(file)), None)
    danger = "" if pickled is None else f", but a pickle ({pickled}), which could run any program when it is read"
    return T2WError(
        f"{what} has no safetensors weights on the hub{danger}", expected=SINGLE,
        fix="use a revision or a copy of the model with safetensors",
    )  # fmt: skip


def _conversion(api: Any, name: str) -> str | None:
    """The revision of the robot's pull request; None where there is none."""
    requests = api.get_repo_discussions(name, author=_CONVERTER, discussion_type="pull_request")
    numbers = [one.num for one in requests if one.author == _CONVERTER and "safetensors" in one.title]
    return f"refs/pr/{min(numbers)}" if numbers else None
