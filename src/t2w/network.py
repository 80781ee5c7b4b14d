"""An answer within seconds, or an error: nothing waits for a network that is not there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from t2w.errors import T2WError, first_line

__all__ = ["ANSWER_SECONDS", "HUB_NAME", "refusal", "upload", "within"]

T = TypeVar("T")

HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")  # user/name
_TOKENS = "https://huggingface.co/settings/tokens"
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


def refusal(error: Exception) -> tuple[str, str | None]:
    """Why the hub did not do what it was asked: the reason, and what to do where that is the same for every request."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return "it does not know the token (401)", f"set HF_TOKEN to a valid one ({_TOKENS})"
    if status == 403:
        return "the token does not give the right to that (403)", f"set HF_TOKEN to one that does ({_TOKENS})"
    if status == 429 or (status is not None and status >= 500):
        return f"it answers with error {status}", "try again later; what was finished is not done again"
    offline = type(error).__name__ == "OfflineModeIsEnabled"  # whose own sentence is long
    return "HF_HUB_OFFLINE is set" if offline else first_line(error), None


def upload(
    folder: str | Path,
    name: str,
    *,
    kind: str,
    token: str | None,
    private: bool | None,
    message: str | None = None,
    only: Sequence[str] | None = None,
    answer_seconds: float = ANSWER_SECONDS,
    upload_seconds: float = 3600.0,
) -> str:
    """Upload a folder to the Hugging Face hub, and return its address there. Files that are there are not sent again.

    Args:
        name: "user/name".
        kind: "model" or "dataset".
        token: with write access; None: the environment variable HF_TOKEN, or what `hf auth login` stored.
        private: True for a repository that is private, False for a public one; None for a private one where it is
            new, and for whatever it is where it is there already.
        message: of the commit; None for the hub's own.
        only: the files of the folder that are meant, with wildcards; None for all.
        answer_seconds: how long the hub may take to make the repository.
        upload_seconds: how long the upload may take.

    Raises:
        T2WError: no such name, no token, a public repository where a private one is asked for, or a hub that does not
            answer in time or refuses.
    """
    from huggingface_hub import HfApi, get_token

    if not HUB_NAME.fullmatch(name):
        raise T2WError(f"the name on the hub is {name!r:.60}", expected="user/name")
    token = token or os.environ.get("HF_TOKEN") or get_token()
    if not token:
        raise T2WError(f"no token to push {name!r} with", fix=f"set HF_TOKEN to one with write access ({_TOKENS})")
    api = HfApi(token=token)
    what: dict[str, Any] = {"repo_id": name, "repo_type": kind}

    def make() -> None:
        api.create_repo(**what, private=private is not False, exist_ok=True)
        if private and not api.repo_info(**what, timeout=answer_seconds).private:
            raise T2WError(
                f"{name} is on the hub already, for everyone to see", expected="a private one, or a new name",
                fix=f"make it private in {api.endpoint}/{name}/settings",
            )  # fmt: skip

    def send() -> None:
        patterns = None if only is None else list(only)
        api.upload_folder(**what, folder_path=str(folder), commit_message=message, allow_patterns=patterns)

    for seconds, step in ((answer_seconds, make), (upload_seconds, send)):
        try:
            within(seconds, step)
        except T2WError:
            raise
        except Exception as error:  # the client has an error for each thing that may go wrong
            reason, fix = refusal(error)
            raise T2WError(
                f"cannot push {name!r} to the hub at {api.endpoint}: {reason}",
                fix=fix or "check the network and the name, and try again; what was sent is not sent again",
            ) from error
    return f"{api.endpoint}/{'' if kind == 'model' else f'{kind}s/'}{name}"
