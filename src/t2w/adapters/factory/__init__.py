"""The adapter factory: a job's adapters made shard by shard, resumed, and spread over machines."""

from t2w.adapters.factory.job import AdapterJob, tensor_hash
from t2w.adapters.factory.make import FactoryReport, Launcher, make_adapters

__all__ = ["AdapterJob", "FactoryReport", "Launcher", "make_adapters", "tensor_hash"]
