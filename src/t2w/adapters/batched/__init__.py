"""The batched trainer: many adapters trained together, as one."""

from t2w.adapters.batched.plan import batch_positions
from t2w.adapters.batched.train import TrainedAdapters, train_tasks

__all__ = ["TrainedAdapters", "batch_positions", "train_tasks"]
