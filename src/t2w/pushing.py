"""Whatever t2w writes to a disk, pushed to the hub: classifiers, generators and exported weight datasets."""

from __future__ import annotations

import shutil
from pathlib import Path

from t2w.classifier import Classifier
from t2w.errors import T2WError
from t2w.files import read_metadata
from t2w.pipeline import FILES, TextToWeights
from t2w.sharing import CARD, CONFIG, WEIGHTS, Shared, located, push

__all__ = ["push_path"]

_EXPECTED = (
    "a .t2w file, a run's folder or a generator's file, a folder of save_pretrained, or an exported weight dataset"
)


def push_path(
    source: str | Path, name: str, *, private: bool = False, message: str | None = None, licence: str | None = None
) -> str:
    """Upload a file or folder as `name` ("user/name") of the Hugging Face hub, and return its address there.

    A folder that `save_pretrained` or an export of weights wrote goes as it is, with its card; a file and a run's
    folder get a card. What else lies there stays here.

    Args:
        private: only you and your organisation may see it.
        message: of the commit; None for one that says what it is.
        licence: of the weights, an identifier of the hub such as "mit", for the card; None where that is not known.

    Raises:
        T2WError: it is nothing of this kind or is damaged, a licence for what has its card, or see
            `t2w.network.upload`.
    """
    place = Path(source).expanduser()
    if not place.exists():
        raise T2WError(f"there is no {source}", expected=_EXPECTED)
    if place.is_dir() and (place / "data").is_dir() and (place / "adapter.json").is_file():
        from t2w.adapters.store import push_folder

        _no_licence(licence, place)
        return push_folder(place, name, private=private, message=message)
    file = located(place, what="generator or classifier", names=FILES)
    model = _read(file)
    if file.name != WEIGHTS or not (file.parent / CARD).is_file():
        return model.push_to_hub(name, private=private, message=message, licence=licence)
    _no_licence(licence, file.parent)

    def copy(folder: Path) -> None:
        for part in (WEIGHTS, CONFIG, CARD):
            if (file.parent / part).is_file():
                shutil.copyfile(file.parent / part, folder / part)

    message = message or f"{type(model).__name__} of t2w"
    return push(copy, name, token=None, private=private, message=message)


def _read(file: Path) -> Shared:
    kind = read_metadata(file).get("format")
    if kind == "t2w-classifier":
        return Classifier.load(file)
    if kind == "t2w-generator":
        return TextToWeights.from_pretrained(file)
    raise T2WError(f"{file} is no model of t2w", expected=_EXPECTED)


def _no_licence(licence: str | None, folder: Path) -> None:
    if licence is not None:
        raise T2WError(f"--licence {licence} for {folder}, which has its card", fix=f"write it into {folder / CARD}")
