"""Datasets: images, labels and class names as they are published."""

from t2w.datasets.digits import DIGIT_NAMES, load_digits
from t2w.datasets.image_set import ImageSet
from t2w.datasets.lazy import ArchiveImages, FileImages, LazyImages
from t2w.datasets.registry import CLASS_LISTS, class_list, class_names_of, dataset_names, load_dataset

__all__ = [
    "CLASS_LISTS",
    "DIGIT_NAMES",
    "ArchiveImages",
    "FileImages",
    "ImageSet",
    "LazyImages",
    "class_list",
    "class_names_of",
    "dataset_names",
    "load_dataset",
    "load_digits",
]
