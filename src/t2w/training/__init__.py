"""Training the generator: one loop, its settings, checkpoints that continue exactly."""

from t2w.training.checkpoint import Checkpoints
from t2w.training.functional import Functional
from t2w.training.loop import TrainResult, fit_generator
from t2w.training.random_tasks import RandomTasks
from t2w.training.settings import FunctionalSettings, TrainSettings
from t2w.training.validation import Validation

__all__ = [
    "Checkpoints",
    "Functional",
    "FunctionalSettings",
    "RandomTasks",
    "TrainResult",
    "TrainSettings",
    "Validation",
    "fit_generator",
]
