"""Push an exported weight dataset to the Hugging Face hub: only with a token, and never hanging."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from t2w.adapters.store.publish import need
from t2w.errors import T2WError
from t2w.network import within

__all__ = ["push_folder"]

_ANSWER_SECONDS = 20.0
_UPLOAD_SECONDS = 3600.0


def push_folder(
    folder: str | Path,
    name: str,
    *,
    token: str | None = None,
    private: bool = True,
    answer_seconds: float = _ANSWER_SECONDS,
    upload_seconds: float = _UPLOAD_SECONDS,
) -> str:
    """Upload what `export_parquet` wrote as the dataset `name` ("user/name").

    Args:
        token: a token with write access; None: the environment variable HF_TOKEN, or what `hf auth login` stored.
        private: make a new repository private.
        answer_seconds: how long the hub may take to know the token and make the repository, each.
        upload_seconds: how long the upload may take.

    Returns:
        The dataset's address.

    Raises:
        T2WError: no export there, no token, the hub does not answer in time or refuses.
    """
    folder = Path(folder)
    if not (folder / "README.md").is_file() or not (folder / "data").is_dir():
        raise T2WError(f"no exported dataset in {folder}", fix="export it first: `t2w adapters --export DIR`")
    hub = need("huggingface_hub")
    token = token or os.environ.get("HF_TOKEN") or hub.get_token()
    if not token:
        raise T2WError(
            f"no token to push {name!r} with",
            fix="set HF_TOKEN to one with write access (https://huggingface.co/settings/tokens)",
        )
    api = hub.HfApi(token=token)
    _within(answer_seconds, lambda: api.whoami(), f"cannot push {name!r}: the hub at {api.endpoint}")
    options = {"repo_id": name, "repo_type": "dataset"}
    what = f"cannot push {name!r}: {api.endpoint}"
    _within(answer_seconds, lambda: api.create_repo(**options, private=private, exist_ok=True), what)
    _within(upload_seconds, lambda: api.upload_folder(folder_path=str(folder), **options), what)
    return f"{api.endpoint}/datasets/{name}"


def _within(seconds: float, call: Callable[[], Any], what: str) -> Any:
    """What `call` returns, or a sentence: the hub's client by itself retries for minutes."""
    try:
        return within(seconds, call)
    except TimeoutError as error:
        raise T2WError(
            f"{what} did not answer in {seconds:g} s", fix="check the network, and try again; nothing is lost"
        ) from error
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise T2WError(f"{what}: {first}", fix="check the token, the name (USER/NAME) and the network") from error
