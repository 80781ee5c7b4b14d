"""Looking into a classifier: what its classes are known by, what it looks at, how its weights came about."""

from t2w.inspection.denoising import Denoising, denoising
from t2w.inspection.evidence import ClassEvidence, KnownThing, class_evidence
from t2w.inspection.heat import ClassHeat, PhotoHeat, class_maps, photo_heat
from t2w.inspection.labelled import Labelled, labelled_pictures
from t2w.inspection.landscape import Landscape, landscape
from t2w.inspection.origin import Origin, origin_of
from t2w.inspection.whole import Inspection, inspect_classifier
from t2w.inspection.write import write_inspection

__all__ = [
    "ClassEvidence", "ClassHeat", "Denoising", "Inspection", "KnownThing", "Labelled", "Landscape", "Origin",
    "PhotoHeat", "class_evidence", "class_maps", "denoising", "inspect_classifier", "labelled_pictures", "landscape",
    "origin_of", "photo_heat", "write_inspection",
]  # fmt: skip
