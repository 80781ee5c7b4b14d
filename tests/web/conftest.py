"""Sessions in a folder of their own, and an engine whose classifier goes by mean colours: no weights are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from colour_world import MeanColour, colour_classifier

if find_spec("gradio") is None:
    pytest.skip("the page needs gradio: pip install t2w[web]", allow_module_level=True)

from t2w.web import Bounds, Engine, Sessions
from t2w.web.incoming import Incoming
from t2w.web.session import Session


@pytest.fixture
def bounds() -> Bounds:
    return Bounds(pictures=5, picture_bytes=20_000, zip_bytes=40_000, session_bytes=60_000, sessions=2)


@pytest.fixture
def sessions(tmp_path: Path, bounds: Bounds) -> Iterator[Sessions]:
    found = Sessions(tmp_path, bounds, grace=0.05)
    yield found
    found.close()


@pytest.fixture
def session(sessions: Sessions) -> Session:
    return sessions.open("page")


@pytest.fixture
def engine() -> Engine:
    found = Engine(given=colour_classifier())
    found.__dict__["encoder"] = MeanColour()
    return found


@pytest.fixture
def send(bounds: Bounds) -> Callable[[Session, str, bytes], int]:
    """Upload a file in two pieces."""

    def call(session: Session, name: str, content: bytes) -> int:
        with Incoming(session, name, bounds) as incoming:
            incoming.take(content[:100])
            incoming.take(content[100:])
            return incoming.finish()

    return call
