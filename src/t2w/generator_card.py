"""The card of a generator that is shared: data, scoreboard, audit and licence, from the folder of its run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.cards import card_header, licence_text
from t2w.errors import T2WError
from t2w.files import read_json
from t2w.sharing import UNNAMED

if TYPE_CHECKING:
    from t2w.pipeline import TextToWeights

__all__ = ["generator_card"]

_CARD = """\
# {name}

It writes the weights of image classifiers from the names of their classes (t2w).

## Use

```python
from t2w import TextToWeights

writer = TextToWeights.from_pretrained("{unnamed}")  # or the folder
classifier = writer.generate({example})
```

## What it is

- Network: {parameters:,} parameters.
- Image encoder: {encoder}.
- Text encoder: {text}.
- Sampling: {sampling}.

## Data

Trained on {classes:,} classes of {dataset}.
{data}

## How good it is

{figures}

## Audit: does the text matter, and are weights copied?

{audit}

## Limits

- The figures are of images like those it was trained on, and of one run. Measure a classifier on your own pictures:
  `t2w eval`.
- What it writes works on the features of {encoder} alone.
- {others}

## Licence

{licence}
"""


def generator_card(writer: TextToWeights, *, licence: str | None = None) -> str:
    """README.md of a shared generator; with data, scoreboard and audit where it lies in the folder of a finished run.

    Args:
        licence: of its weights, an identifier of the hub such as "mit"; None where that is not known.
    """
    made, file = writer.generator.provenance, writer.file
    data = _of_run(file, "features", "data.json") or {}
    board, audit = _of_run(file, "scoreboard.json"), _of_run(file, "audit.json")
    text = _CARD.format(
        name=made.get("name", "A generator"),
        unnamed=UNNAMED,
        example=f"{list(writer.class_names[:3])!r}",
        parameters=sum(value.numel() for value in writer.generator.network.parameters()),
        encoder=made["vision"].get("identity"),
        text=made.get("text_encoder"),
        sampling=", ".join(f"{key} {value}" for key, value in writer.generator.sampling.to_dict().items()),
        classes=len(writer.class_names),
        dataset=made.get("dataset", "a data set that is not known"),
        data=f"Who made the images: {data['source']}" if "source" in data else "",
        figures=_scoreboard(board) if board is not None else _beside(file),
        audit=_audit(audit) if audit is not None else "Not made: `t2w audit RUN`, before the generator is pushed.",
        others="A class far from those it knows is a guess from its definition."
        if writer.lexicon is not None
        else "It was trained for these classes; others are beyond what its figures say.",
        licence=licence_text(licence, data.get("licence")),
    )
    return card_header(text, licence, made["vision"])


def _of_run(file: Path | None, *parts: str) -> Any:
    """A JSON file of the run that a generator's file lies in, DIR/train/generator.safetensors; None: not there."""
    if file is None or file.parent.name != "train":
        return None
    path = file.parent.parent.joinpath(*parts)
    return read_json(path) if path.is_file() else None


def _scoreboard(content: Any) -> str:
    from t2w.evaluation.scoreboard import Scoreboard

    try:
        return f"```text\n{Scoreboard.from_dict(content).render()}\n```"
    except (AttributeError, KeyError, TypeError) as error:
        raise T2WError(f"the run's scoreboard.json is not a scoreboard ({error})", fix="evaluate it again") from error


def _beside(file: Path | None) -> str:
    """The card of a generator that comes with the package."""
    card = None if file is None else file.with_suffix(".md")
    if card is None or not card.is_file():
        return "No scoreboard lies beside its weights: nothing is known here."
    text = card.read_text(encoding="utf-8").partition("\n")[2].strip()  # without its title
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", text)  # without links to files of the package


def _audit(found: Any) -> str:
    """The table of audit.json: what the generator was told, and how right its classifiers then were."""
    rows = []
    try:
        for split, part in found["splits"].items():
            for told, row in part["text"].items():
                low, mean, high = (100 * row["accuracy"][key] for key in ("low", "mean", "high"))
                told = "the right classes" if told == "matched" else told
                rows.append(f"| {split.replace('_', ' ')} | {told} | {mean:.1f} % ({low:.1f} to {high:.1f}) |")
            copies = 100 * part["memorisation"]["copies"]
            rows.append(
                f"| {split.replace('_', ' ')} | nearer to training weights than 5 % of real ones | {copies:.0f} % |"
            )
    except (AttributeError, KeyError, TypeError) as error:
        raise T2WError(f"the run's audit.json is not an audit ({error})", fix="make it again: t2w audit RUN") from error
    return "\n".join(["| tasks | told | accuracy (95 %) |", "|---|---|---|", *rows])
