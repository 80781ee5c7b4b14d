from .respacing import respace as respace
from .respacing import respaced as respaced
from .respacing import trailing_timesteps as trailing_timesteps
from .samplers import (
    SAMPLERS as SAMPLERS,
)
from .samplers import (
    Denoiser as Denoiser,
)
from .samplers import (
    Noise as Noise,
)
from .samplers import (
    Sampler as Sampler,
)
from .samplers import (
    Samples as Samples,
)
from .samplers import (
    sample as sample,
)
from .schedule import (
    NoiseSchedule as NoiseSchedule,
)
from .schedule import (
    fixed_large_log_variance as fixed_large_log_variance,
)
from .schedule import (
    linear_schedule as linear_schedule,
)
from .schedule import (
    posterior as posterior,
)
from .schedule import (
    q_sample as q_sample,
)
from .timestep_samplers import LossSecondMoment as LossSecondMoment
