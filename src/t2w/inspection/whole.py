"""All inspections that the given inputs allow, and what the others would need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from t2w.classifier import Classifier
from t2w.diffusion import Sampler
from t2w.errors import T2WError
from t2w.images import image_files
from t2w.inspection.denoising import Denoising, denoising
from t2w.inspection.evidence import ClassEvidence, class_evidence
from t2w.inspection.heat import PhotoHeat, check_maps, photo_heat
from t2w.inspection.labelled import labelled_pictures
from t2w.inspection.landscape import Landscape, landscape
from t2w.inspection.origin import Origin, origin_of
from t2w.pipeline import EMBEDDED, TextToWeights

__all__ = ["Inspection", "inspect_classifier"]


@dataclass(frozen=True, eq=False)
class Inspection:
    """What was found.

    Attributes:
        evidence: of every class; None where the file or its encoder does not tell.
        photos: one for each photograph.
        denoising: None without labelled pictures or without the generator.
        landscape: likewise.
        left_out: a line for everything that is None or empty: what it would need.
    """

    evidence: tuple[ClassEvidence, ...] | None
    photos: tuple[PhotoHeat, ...]
    denoising: Denoising | None
    landscape: Landscape | None
    left_out: tuple[str, ...]


def inspect_classifier(
    classifier: Classifier,
    *,
    photos: Sequence[str | Path] = (),
    examples: str | Path | None = None,
    source: str | Path | None = None,
    against: Classifier | None = None,
    skip_unknown: bool = False,
    sampler: Sampler = "ddim",
    steps: int = 20,
    grid: int = 40,
    seed: int = 0,
    device: str = "auto",
) -> Inspection:
    """Look at a classifier from every side that the inputs allow.

    What is asked for and cannot be done is an error; what merely lacks an input is left out and named.

    Args:
        photos: image files, or folders of them.
        examples: labelled pictures, see `labelled_pictures`; None for none.
        source: the generator, see `TextToWeights.from_pretrained`; None: the embedded one, if it fits.
        against: another classifier for the landscape; None for this one trained further.
        skip_unknown: leave out folders of examples that mean none of the classes.
        sampler, steps: of the denoising.
        grid: of the landscape.
        seed: of noise, halves and training.
        device: of the generator.

    Raises:
        T2WError: no photograph in a file, photographs for an encoder without maps, examples of other classes, a
            generator that does not fit and was named, a classifier of other sizes, or nothing that can be done at all.
    """
    left_out, encoder = list[str](), classifier.encoder
    if examples is None and (against is not None or source is not None):
        named = "a generator" if against is None else "another classifier"
        raise T2WError(f"{named} is given without labelled pictures", expected="--examples FOLDER as well")
    evidence = None
    try:
        evidence = class_evidence(classifier, encoder)
    except T2WError as error:
        left_out.append(f"what each class is known by: {error}")
    heats: tuple[PhotoHeat, ...] = ()
    if photos:
        check_maps(encoder)
        files, refused = image_files(photos)
        if refused:
            raise refused[0][1]
        heats = tuple(photo_heat(classifier, encoder, files))
    else:
        left_out.append("which pixels speak for a class: needs photographs, named after the classifier")
    curve, plane = None, None
    if examples is None:
        left_out += [f"{what}: needs labelled pictures, --examples FOLDER" for what in ("denoising", "loss landscape")]
    else:
        origin = _origin(classifier, source, device, left_out)
        if origin is None and against is not None:
            raise T2WError(left_out[-1])
        if origin is not None:
            pictures = labelled_pictures(encoder, classifier.classes, examples, skip_unknown=skip_unknown)
            curve = denoising(classifier, origin, pictures, sampler=sampler, steps=steps, seed=seed)
            plane = landscape(classifier, origin, pictures, against=against, grid=grid, seed=seed)
    if evidence is None and not heats and curve is None:
        raise T2WError("there is nothing to show: " + "; ".join(left_out))
    return Inspection(evidence, heats, curve, plane, tuple(left_out))


def _origin(classifier: Classifier, source: str | Path | None, device: str, left_out: list[str]) -> Origin | None:
    """The generator of a file; None, with a line why, where none was named and the embedded one does not fit."""
    try:
        return origin_of(
            TextToWeights.from_pretrained(EMBEDDED if source is None else source, device=device), classifier
        )
    except T2WError as error:
        if source is not None:
            raise
        left_out += [f"{what}: {error}" for what in ("denoising", "loss landscape")]
        return None
