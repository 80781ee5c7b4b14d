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

__all__ = ["CARD", "CONFIG", "WEIGHTS", "located", "push", "with_header", "write_beside"]

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"


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
    on_hub = not place.exists() and isinstance(source, str) and HUB_NAME.fullmatch(source) is not None
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
    """Upload what `save` writes into an empty folder as the model `name` ("user/name"). See `t2w.network.upload`."""
    with TemporaryDirectory(prefix="t2w-") as folder:
        save(Path(folder))
        return upload(folder, name, kind="model", token=token, private=private, message=message)
