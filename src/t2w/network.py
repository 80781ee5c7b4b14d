"""An answer within seconds, or an error: nothing waits for a network that is not there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from t2w.errors import T2WError

__all__ = ["ANSWER_SECONDS", "HUB_NAME", "upload", "within"]

T = TypeVar("T")

HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")  # user/name
ANSWER_SECONDS = 6.0  # for a server's first answer, name resolution included


def within(seconds: float, ask: Callable[[], T]) -> T:
    """What `ask` returns. Sockets have time limits of their own, name resolution has none: hence the thread.

    Raises:
        TimeoutError: no answer in time; what `ask` does is left to itself.
        Exception: what `ask` raised.
    """
    answer: list[Any] = []

    def run() -> None:
        try:
            answer.append((ask(), None))
        except Exception as error:
            answer.append((None, error))

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answer:
        raise TimeoutError(f"no answer within {seconds:g} seconds")
    value, error = answer[0]
    if error is not None:
        raise error
    result: T = value
    return result


def upload(
    folder: str | Path,
    name: str,
    *,
    kind: str,
    token: str | None,
    private: bool,
    message: str | None = None,
    answer_seconds: float = ANSWER_SECONDS,
    upload_seconds: float = 3600.0,
) -> str:
    """Upload a folder to the Hugging Face hub, and return its address there.

    Args:
        name: "user/name".
        kind: "model" or "dataset".
        token: with write access; None: the environment variable HF_TOKEN, or what `hf auth login` stored.
        private: make a new repository private.
        message: of the commit; None for the hub's own.
        answer_seconds: how long the hub may take to make the repository.
        upload_seconds: how long the upload may take.

    Raises:
        T2WError: no such name, no token, or a hub that does not answer in time or refuses.
    """
    from huggingface_hub import HfApi, get_token

    if not HUB_NAME.fullmatch(name):
        raise T2WError(f"the name on the hub is {name!r:.60}", expected="user/name")
    token = token or os.environ.get("HF_TOKEN") or get_token()
    if not token:
        raise T2WError(
            f"no token to push {name!r} with",
            fix="set HF_TOKEN to one with write access (https://huggingface.co/settings/tokens)",
        )
    api = HfApi(token=token)
    what: dict[str, Any] = {"repo_id": name, "repo_type": kind}
    steps: tuple[tuple[float, Callable[[], Any]], ...] = (
        (answer_seconds, lambda: api.create_repo(**what, private=private, exist_ok=True)),
        (upload_seconds, lambda: api.upload_folder(**what, folder_path=str(folder), commit_message=message)),
    )
    for seconds, step in steps:
        try:
            within(seconds, step)
        except Exception as error:  # the client has an error for each thing that may go wrong
            late = isinstance(error, TimeoutError)
            reason = f"it did not answer in {seconds:g} s" if late else str(error).strip() or type(error).__name__
            raise T2WError(
                f"cannot push {name!r} to the hub at {api.endpoint}: {reason.splitlines()[0]}",
                fix="check the network, the token and the name, and try again; nothing is lost",
            ) from error
    return f"{api.endpoint}/{'' if kind == 'model' else f'{kind}s/'}{name}"
