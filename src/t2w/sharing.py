"""What `from_pretrained`, `save_pretrained` and `push_to_hub` have in common: a folder, here or on the hub.

The folder holds model.safetensors, config.json (what the model is, for people and programs; loading does not need it)
and README.md, its card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from t2w.errors import T2WError
from t2w.files import write_json, write_text
from t2w.network import HUB_NAME, upload

__all__ = ["CARD", "CONFIG", "UNNAMED", "WEIGHTS", "Shared", "located", "push", "write_beside"]

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
UNNAMED = "USER/NAME"  # in the card of what has no name on the hub yet
_FILES = (".t2w", ".safetensors")  # a path that ends so is a file, which is not looked for on the hub


def located(
    source: str | Path, *, what: str, names: Sequence[str], revision: str | None = None, fix: str | None = None
) -> Path:
    """The file of a pretrained model.

    Args:
        source: the file itself, a folder that holds it, or, where neither is here, "user/name" or "user/name@revision"
            on the Hugging Face hub. Of the hub's repository the weights are fetched and nothing else.
        what: what errors call it.
        names: of the file, relative to the folder; the first that is there is taken.
        revision: commit, branch or tag on the hub; None for the one in `source`, else the main branch.
        fix: what to do where a folder does not hold it; None to leave that out.

    Raises:
        T2WError: it is not there, a revision of something that is not on the hub, or a hub that does not answer in a
            few seconds, refuses or has no such model.

    Warns:
        T2WWarning: the hub does not answer, and the copy fetched before is taken.
    """
    try:
        place = Path(source).expanduser()
        there = place.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, a ~ of nobody, a null byte
        reason = getattr(error, "strerror", None) or error
        raise T2WError(f"{str(source)!r:.80} is no path ({reason})", expected=f"a {what}") from error
    name, _, at = str(source).partition("@")
    if not there and isinstance(source, str) and HUB_NAME.fullmatch(name) and place.suffix not in _FILES:
        if at and revision not in (None, at):
            raise T2WError(f"revision {revision} of {source}", expected="one revision")
        from t2w.encoders.hub import find_model

        asked = revision or at or None
        return find_model(name, revision=asked, what=what, needed=(), files=[WEIGHTS], newest=True).path / WEIGHTS
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


class Shared:
    """What `Classifier` and `TextToWeights` have in common: a folder of their own, here or on the hub."""

    def _write(self, folder: Path, licence: str | None) -> None:
        """Write WEIGHTS, CONFIG and CARD."""
        raise NotImplementedError

    def save_pretrained(self, folder: str | Path, *, licence: str | None = None) -> None:
        """Write model.safetensors, config.json and a card.

        Args:
            folder: is made where it is not there.
            licence: of the weights, an identifier of the hub such as "mit"; None where that is not known.

        Raises:
            T2WError: they cannot be written, or something else has their place.
        """
        self._write(Path(folder), licence)

    def push_to_hub(
        self,
        name: str,
        *,
        token: str | None = None,
        private: bool = False,
        message: str | None = None,
        licence: str | None = None,
    ) -> str:
        """Upload what `save_pretrained` writes as the model `name` ("user/name") of the hub, and return its address.

        Args:
            token: with write access; None: the environment variable HF_TOKEN, or what `hf auth login` stored.
            private: only you and your organisation may see it.
            message: of the commit; None for "Classifier of t2w".
            licence: of the weights, an identifier of the hub such as "mit"; None where that is not known.

        Raises:
            T2WError: no token with write access, a public repository of that name where a private one is asked for, or
                a hub that does not answer within seconds.
        """
        message = message or f"{type(self).__name__} of t2w"
        return push(lambda folder: self._write(folder, licence), name, token=token, private=private, message=message)


def push(save: Callable[[Path], None], name: str, *, token: str | None, private: bool, message: str | None) -> str:
    """Upload what `save` writes into an empty folder as the model `name` ("user/name"). See `t2w.network.upload`."""
    with TemporaryDirectory(prefix="t2w-") as folder:
        save(Path(folder))
        card = Path(folder) / CARD
        write_text(card, card.read_text(encoding="utf-8").replace(UNNAMED, name))
        return upload(folder, name, kind="model", token=token, private=private, message=message)
