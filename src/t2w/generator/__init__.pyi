from .build import (
    PRESETS as PRESETS,
)
from .build import (
    Network as Network,
)
from .build import (
    NetworkConfig as NetworkConfig,
)
from .build import (
    build_network as build_network,
)
from .build import (
    config_from_dict as config_from_dict,
)
from .build import (
    preset as preset,
)
from .condition import (
    Condition as Condition,
)
from .condition import (
    condition_of as condition_of,
)
from .condition import (
    condition_of_evidence as condition_of_evidence,
)
from .condition import (
    prior_attention as prior_attention,
)
from .condition import (
    with_noise as with_noise,
)
from .condition import (
    without_text as without_text,
)
from .config import (
    Conditioning as Conditioning,
)
from .config import (
    GeneratorConfig as GeneratorConfig,
)
from .config import (
    Tokenizer as Tokenizer,
)
from .config import (
    small as small,
)
from .config import (
    tiny as tiny,
)
from .familiarity import distance_to_known as distance_to_known
from .familiarity import share_kept as share_kept
from .generator import Generator as Generator
from .network import WeightTransformer as WeightTransformer
from .normalizer import Normalizer as Normalizer
from .reference import (
    ReferenceConfig as ReferenceConfig,
)
from .reference import (
    ReferenceTransformer as ReferenceTransformer,
)
from .reference import (
    reference_large as reference_large,
)
from .reference import (
    reference_small as reference_small,
)
from .tokens import (
    WeightTokens as WeightTokens,
)
from .tokens import (
    chunk_tables as chunk_tables,
)
from .tokens import (
    token_tables as token_tables,
)
from .tokens import (
    unit_tables as unit_tables,
)
from .units import UnitConfig as UnitConfig
from .units import UnitNormalizer as UnitNormalizer
from .units import UnitTransformer as UnitTransformer
