"""The adapter factory: a job's adapters made in ranges, resumed, and spread over machines."""

from t2w.adapters.factory.job import AdapterJob
from t2w.adapters.factory.make import FactoryReport, Launcher, make_adapters
from t2w.adapters.factory.plan import Part
from t2w.adapters.factory.work import Scorer, Tools, Trained, Trainer, make_part

__all__ = [
    "AdapterJob",
    "FactoryReport",
    "Launcher",
    "Part",
    "Scorer",
    "Tools",
    "Trained",
    "Trainer",
    "make_adapters",
    "make_part",
]
