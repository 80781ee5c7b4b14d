from .bounds import Bounds as Bounds
from .engine import Engine as Engine
from .server import serve as serve
from .sessions import Sessions as Sessions
