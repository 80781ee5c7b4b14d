"""What `from_pretrained`, `save_pretrained` and `push_to_hub` have in common: a folder, here or on the hub.

The folder holds model.safetensors, config.json (what the model is, for people and programs; loading does not need it)
and README.md, its card.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from t2w.errors import T2WError
from t2w.files import write_json, write_text
from t2w.network import ANSWER_SECONDS, within

__all__ = ["CARD", "CONFIG", "WEIGHTS", "located", "push", "with_header", "write_beside"]

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
_ON_HUB = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")  # user/name
_UPLOAD_SECONDS = 3600.0


def located(
    source: str | Path, *, what: str, names: Sequence[str], revision: str | None = None, fix: str | None = None
) -> Path:
    """The file of a pretrained model.

    Args:
        source: the file itself, a folder that holds it, or "user/name" on the Hugging Face hub where neither is here.
        what: what errors call it.
        names: of the file, relative to the folder; the first that is there is taken.
        revision: commit, branch or tag on the hub; None for the main branch.
        fix: what to do where a folder does not hold it; None to leave that out.

    Raises:
        T2WError: it is not there, a revision of something that is not on the hub, or a hub that does not answer in a
            few seconds or has no such model.
    """
    place = Path(source).expanduser()
    on_hub = not place.exists() and isinstance(source, str) and _ON_HUB.fullmatch(source) is not None
    if on_hub:
        from t2w.encoders.hub import find_model

        return find_model(str(source), revision=revision, what=what).path / WEIGHTS
    if revision is not None:
        raise T2WError(f"revision {revision} of {source}", expected=f"a revision of a {what} on the hub, user/name")
    if place.is_dir():
        found = next((place / name for name in names if (place / name).is_file()), None)
        if found is None:
            raise T2WError(f"there is no {what} in {place}", expected=f"a folder with {' or '.join(names)}", fix=fix)
        return found
    return place  # a file, or nothing: whoever opens it says so


def write_beside(folder: str | Path, config: Mapping[str, Any], card: str) -> None:
    """Write config.json and the card beside a model's weights."""
    write_json(Path(folder) / CONFIG, dict(config))
    write_text(Path(folder) / CARD, card)


def with_header(card: str, **fields: Any) -> str:
    """A card with the header that the hub reads, such as `pipeline_tag` and `tags`; its library is t2w."""
    from huggingface_hub import ModelCardData

    return f"---\n{ModelCardData(library_name='t2w', **fields).to_yaml()}\n---\n\n{card}"


def push(save: Callable[[Path], None], name: str, *, token: str | None, private: bool, message: str) -> str:
    """Upload what `save` writes into an empty folder as the model `name` ("user/name"); its address.

    Args:
        token: with write access; None: the environment variable HF_TOKEN, or what `hf auth login` stored.
        private: make a new repository private.
        message: of the commit.

    Raises:
        T2WError: a name that is none, no token, or a hub that does not answer in a few seconds or refuses.
    """
    from huggingface_hub import HfApi, get_token

    if not _ON_HUB.fullmatch(name):
        raise T2WError(f"the hub's name is {name!r:.60}", expected="user/name")
    token = token or os.environ.get("HF_TOKEN") or get_token()
    if not token:
        raise T2WError(
            f"no token to push {name!r} with",
            fix="set HF_TOKEN to one with write access (https://huggingface.co/settings/tokens)",
        )
    api = HfApi(token=token)
    with TemporaryDirectory(prefix="t2w-") as folder:
        save(Path(folder))
        steps: tuple[tuple[float, Callable[[], Any]], ...] = (
            (ANSWER_SECONDS, lambda: api.create_repo(name, private=private, exist_ok=True)),
            (_UPLOAD_SECONDS, lambda: api.upload_folder(repo_id=name, folder_path=folder, commit_message=message)),
        )
        for seconds, step in steps:
            try:
                within(seconds, step)
            except Exception as error:  # no answer, no right, no network: the client has an error for each
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise T2WError(
                    f"cannot push {name!r} to {api.endpoint} ({reason:.160})",
                    fix="check the network, the token and the name; `save_pretrained` writes the same folder here",
                ) from error
    return f"{api.endpoint}/{name}"
