"""Training the generator: one loop, its settings, checkpoints that continue exactly."""

from t2w.training.checkpoint import Checkpoints
from t2w.training.inputs import Functional, TrainResult, Validation, ValidationPoint
from t2w.training.loop import fit_generator
from t2w.training.random_tasks import RandomTasks, TaskBatch
from t2w.training.settings import FunctionalSettings, TrainSettings

__all__ = [
    "Checkpoints",
    "Functional",
    "FunctionalSettings",
    "RandomTasks",
    "TaskBatch",
    "TrainResult",
    "TrainSettings",
    "Validation",
    "ValidationPoint",
    "fit_generator",
]
