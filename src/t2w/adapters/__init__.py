"""Adapters: sizes and layout, the module, recipes, and their training, one or thousands at a time."""

from t2w.adapters.accuracy import accuracy
from t2w.adapters.adapter import Adapter
from t2w.adapters.base import BaseResult, train_base
from t2w.adapters.batched import TrainedAdapters, batch_positions, train_tasks
from t2w.adapters.logits import task_logits
from t2w.adapters.recipes import RECIPES, Recipe, recipe
from t2w.adapters.spec import AdapterSpec, flatten, permute, unflatten
from t2w.adapters.units import Units, UnitStarts, class_codes, to_units, to_vector, unit_spec

__all__ = [
    "RECIPES",
    "Adapter",
    "AdapterSpec",
    "BaseResult",
    "Recipe",
    "TrainedAdapters",
    "UnitStarts",
    "Units",
    "accuracy",
    "batch_positions",
    "class_codes",
    "flatten",
    "permute",
    "recipe",
    "task_logits",
    "to_units",
    "to_vector",
    "train_base",
    "train_tasks",
    "unflatten",
    "unit_spec",
]
