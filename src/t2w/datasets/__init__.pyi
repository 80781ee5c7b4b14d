from .digits import DIGIT_NAMES as DIGIT_NAMES
from .digits import load_digits as load_digits
from .image_set import ImageSet as ImageSet
from .lazy import ArchiveImages as ArchiveImages
from .lazy import FileImages as FileImages
from .lazy import LazyImages as LazyImages
from .registry import (
    CLASS_LISTS as CLASS_LISTS,
)
from .registry import (
    class_list as class_list,
)
from .registry import (
    class_names_of as class_names_of,
)
from .registry import (
    dataset_names as dataset_names,
)
from .registry import (
    load_dataset as load_dataset,
)
