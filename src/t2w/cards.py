"""The card of a classifier that is shared, and what it has in common with a generator's.

All of a card is read from the model and the run that made it. What is not known is said to be so.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from t2w.sharing import UNNAMED

if TYPE_CHECKING:
    from t2w.classifier import Classifier

__all__ = ["card_header", "classifier_card", "licence_text", "plain"]

_MOST = 50  # classes in a table
_ELSEWHERE = ("known_by", "fused", "fitted_on", "generator", "dataset")  # of a classifier's provenance: not in the list
_TAGS = ["t2w", "text-to-weights"]

_CLASSIFIER = """\
# A classifier of {count} classes

Its weights were written from the names of its classes by t2w{learnt}.

| class | understood as | known by |
|---|---|---|
{rows}

## Use

```python
from t2w import Classifier

classifier = Classifier.from_pretrained("{unnamed}")  # or the folder, or a .t2w file
classifier.predict(["photo.jpg"])
```

## How it was made

- Weights: {weights:,}, on the features of the image encoder {encoder}, which is not in this repository.
- Generator: {generator}.
{how}

## Data

The generator was trained on images of {data}; its card says which, and under what licence.

## Limits

- It has no figures of its own. Measure it on your own pictures before you rely on it: `t2w eval {unnamed} FOLDER`.
- A class that is not known by the image encoder's own weights is a guess from its definition.
- {none}

## Licence

{licence}
"""


def classifier_card(classifier: Classifier, *, licence: str | None = None) -> str:
    """README.md of a shared classifier.

    Args:
        licence: of its weights, an identifier of the hub such as "mit"; None where that is not known.
    """
    made, count = classifier.provenance, len(classifier.classes)
    known_by = made.get("known_by") or [""] * count
    rows = [
        f"| {plain(name)} | {plain(text)} | {plain(str(by))} |"
        for name, text, by in zip(classifier.classes, classifier.texts, known_by, strict=True)
    ]
    more = [f"\n... and {count - _MOST} more; `classes` of config.json has them all."] if count > _MOST else []
    pictures = sum(made.get("fitted_on", {}).values())
    text = _CLASSIFIER.format(
        count=count,
        learnt=f", and then trained on {pictures:,} labelled pictures" if pictures else "",
        rows="\n".join([*rows[:_MOST], *more]),
        unnamed=UNNAMED,
        weights=classifier.weights.numel(),
        encoder=classifier.vision.get("identity"),
        generator=plain(str(made.get("generator", "not known"))),
        how="\n".join(f"- {key.replace('_', ' ')}: {plain(str(made[key]))}" for key in made if key not in _ELSEWHERE),
        data=plain(str(made.get("dataset", "a data set that is not known"))),
        none="It says so where an image is none of its classes, by a threshold that has errors of its own."
        if classifier.none_rule is not None
        else "It takes every image for one of its classes.",
        licence=licence_text(licence, None),
    )
    return card_header(text, licence, classifier.vision)


def card_header(card: str, licence: str | None, vision: Mapping[str, Any]) -> str:
    """A card with the header that the hub reads, in which a `vision` encoder of the hub is the base model."""
    from huggingface_hub import ModelCardData

    encoder = {"base_model": vision["name"]} if vision.get("kind") == "huggingface" and "name" in vision else {}
    header = ModelCardData(
        library_name="t2w", license=licence or "unknown", pipeline_tag="image-classification", tags=_TAGS, **encoder
    )
    return f"---\n{header.to_yaml()}\n---\n\n{card}"


def licence_text(licence: str | None, of_data: str | None) -> str:
    """What is known of the licences of weights and images."""
    weights = f"The weights: {licence}." if licence else "Nobody has said under which licence the weights are."
    images = f" The images: {of_data}." if of_data else ""
    return f"{weights}{images} Weights carry what they learnt from images; whether these bind them is not settled."


def plain(text: str) -> str:
    """A text that is no Markdown table's border and no HTML."""
    return html.escape(" ".join(text.split()).replace("|", "\\|"), quote=False)
