from .scoreboard import Row as Row
from .scoreboard import Scoreboard as Scoreboard
from .scoreboard import make_scoreboard as make_scoreboard
from .statistics import Interval as Interval
from .statistics import bootstrap_mean as bootstrap_mean
from .statistics import recovery as recovery
