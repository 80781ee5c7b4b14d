"""Datasets: images, labels and class names as they are published."""

from t2w.datasets.digits import DIGIT_NAMES, load_digits
from t2w.datasets.image_set import ImageSet
from t2w.datasets.registry import class_list, dataset_names, load_dataset

__all__ = ["DIGIT_NAMES", "ImageSet", "class_list", "dataset_names", "load_dataset", "load_digits"]
