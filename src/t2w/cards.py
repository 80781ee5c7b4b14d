"""The cards of generators and classifiers that are shared: what they are, and how to use them. All of it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from t2w.sharing import with_header

if TYPE_CHECKING:
    from t2w.classifier import Classifier
    from t2w.pipeline import TextToWeights

__all__ = ["classifier_card", "generator_card"]

_MOST = 50  # classes in a table


def classifier_card(classifier: Classifier) -> str:
    """README.md of a shared classifier."""
    made = classifier.provenance
    known_by = made.get("known_by") or [""] * len(classifier.classes)
    rows = [
        f"| {_cell(name)} | {_cell(text)} | {_cell(str(by))} |"
        for name, text, by in zip(classifier.classes, classifier.texts, known_by, strict=True)
    ]
    more = [f"\n... and {len(rows) - _MOST} more; `classes` of config.json has them all."] if len(rows) > _MOST else []
    how = [f"- {key.replace('_', ' ')}: {value}" for key, value in made.items() if key != "known_by"]
    return with_header(
        "\n".join(
            [
                f"# A classifier of {len(classifier.classes)} classes",
                "",
                "Its weights were written from the names of its classes by t2w; no labelled image was needed.",
                "",
                "| class | understood as | known by |",
                "|---|---|---|",
                *rows[:_MOST],
                *more,
                "",
                "## Use",
                "",
                "```python",
                "from t2w import Classifier",
                "",
                'classifier = Classifier.from_pretrained("USER/NAME")  # or the folder',
                'classifier.predict(["photo.jpg"])',
                "```",
                "",
                "## How it was made",
                "",
                f"- {classifier.weights.numel():,} weights on the features of {classifier.vision.get('identity')}",
                *how,
                "",
                "A class that is not known by the image encoder's own weights is a guess from its definition. Measure",
                "on your own pictures before you rely on it: `t2w eval`.",
                "",
            ]
        ),
        pipeline_tag="image-classification",
        tags=["t2w", "text-to-weights"],
    )


def generator_card(writer: TextToWeights) -> str:
    """README.md of a shared generator; with the scoreboard where it lies in the folder of a finished run."""
    made = writer.generator.provenance
    parameters = sum(value.numel() for value in writer.generator.network.parameters())
    return with_header(
        "\n".join(
            [
                f"# {made.get('name', 'A generator')}",
                "",
                "It writes the weights of image classifiers from the names of their classes (t2w).",
                "",
                f"- Network: {parameters:,} parameters.",
                f"- Image encoder: {made['vision'].get('identity')}.",
                f"- Text encoder: {made.get('text_encoder')}.",
                f"- Trained on {len(writer.class_names):,} classes of {made.get('dataset', 'a data set')}.",
                f"- Sampling: {writer.generator.sampling.to_dict()}.",
                "",
                "```python",
                "from t2w import TextToWeights",
                "",
                'writer = TextToWeights.from_pretrained("USER/NAME")  # or the folder',
                f"classifier = writer.generate({list(writer.class_names[:3])!r})",
                "```",
                "",
                "## How good it is",
                "",
                *_figures(writer.file),
                "",
            ]
        ),
        pipeline_tag="image-classification",
        tags=["t2w", "text-to-weights"],
    )


def _figures(file: Path | None) -> list[str]:
    """The scoreboard of the run that a generator's file lies in, DIR/train/generator.safetensors, as text."""
    board = None if file is None else file.parent.parent / "scoreboard.json"
    if board is None or not board.is_file():
        return ["No scoreboard lies beside its weights: nothing is known here."]
    from t2w.evaluation.scoreboard import Scoreboard
    from t2w.files import read_json

    return ["```text", Scoreboard.from_dict(read_json(board, what="a scoreboard")).render(), "```"]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
