from .class_names import parse_described as parse_described
from .files import (
    load_data_point as load_data_point,
)
from .files import (
    load_tasks as load_tasks,
)
from .files import (
    save_data_point as save_data_point,
)
from .files import (
    save_tasks as save_tasks,
)
from .sampling import count_tasks as count_tasks
from .sampling import reference_tasks as reference_tasks
from .sampling import sample_tasks as sample_tasks
from .splits import (
    choose_unseen_classes as choose_unseen_classes,
)
from .splits import (
    make_task_set as make_task_set,
)
from .splits import (
    reference_task_set as reference_task_set,
)
from .task import SPLITS as SPLITS
from .task import Split as Split
from .task import Task as Task
from .task import TaskSet as TaskSet
from .texts import (
    PROMPTS as PROMPTS,
)
from .texts import (
    TextMode as TextMode,
)
from .texts import (
    parse_classes as parse_classes,
)
from .texts import (
    readable_name as readable_name,
)
