from .accuracy import accuracy as accuracy
from .adapter import Adapter as Adapter
from .adapter import task_logits as task_logits
from .base import BaseResult as BaseResult
from .base import train_base as train_base
from .batched import TrainedAdapters as TrainedAdapters
from .batched import batch_positions as batch_positions
from .batched import train_tasks as train_tasks
from .recipes import RECIPES as RECIPES
from .recipes import Recipe as Recipe
from .recipes import recipe as recipe
from .spec import AdapterSpec as AdapterSpec
from .spec import flatten as flatten
from .spec import permute as permute
from .spec import unflatten as unflatten
from .units import (
    Units as Units,
)
from .units import (
    UnitStarts as UnitStarts,
)
from .units import (
    class_codes as class_codes,
)
from .units import (
    to_units as to_units,
)
from .units import (
    to_vector as to_vector,
)
from .units import (
    unit_spec as unit_spec,
)
