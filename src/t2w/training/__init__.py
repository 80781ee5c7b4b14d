"""Training the generator: one loop, its settings, checkpoints that continue exactly."""

from t2w.training.batches import Draw, draw, task_order
from t2w.training.checkpoint import LAST, load_checkpoint, save_checkpoint
from t2w.training.fit import fit_generator
from t2w.training.loop import TrainResult, train_generator
from t2w.training.losses import timestep_weights, validation_loss, weight_loss
from t2w.training.settings import TrainSettings

__all__ = [
    "LAST",
    "Draw",
    "TrainResult",
    "TrainSettings",
    "draw",
    "fit_generator",
    "load_checkpoint",
    "save_checkpoint",
    "task_order",
    "timestep_weights",
    "train_generator",
    "validation_loss",
    "weight_loss",
]
