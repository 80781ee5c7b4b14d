"""Training the generator: one loop, its settings, checkpoints that continue exactly."""

from t2w.training.batches import Draw, draw, task_order
from t2w.training.checkpoint import Checkpoints
from t2w.training.fit import fit_generator
from t2w.training.fresh import FreshTasks, TaskBatch
from t2w.training.inputs import Functional, TrainResult, Validation, ValidationPoint
from t2w.training.loop import train_generator
from t2w.training.losses import timestep_weights, validation_loss, weight_loss
from t2w.training.settings import FunctionalSettings, TrainSettings

__all__ = [
    "Checkpoints",
    "Draw",
    "FreshTasks",
    "Functional",
    "FunctionalSettings",
    "TaskBatch",
    "TrainResult",
    "TrainSettings",
    "Validation",
    "ValidationPoint",
    "draw",
    "fit_generator",
    "task_order",
    "timestep_weights",
    "train_generator",
    "validation_loss",
    "weight_loss",
]
