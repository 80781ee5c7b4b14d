"""The sessions of all open pages, each in a folder of its own that goes when its page does."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic

from t2w.errors import T2WError
from t2w.web.bounds import Bounds
from t2w.web.session import Session

__all__ = ["Sessions", "private_sessions"]

_GRACE = 600.0  # seconds that a session outlives its page: one that is reloaded, or a phone that slept, goes on


class Sessions:
    """Sessions by their token, and by the pages that show them.

    Args:
        root: a folder that is nobody else's.
        bounds: of each session, and of their number.
        grace: seconds that a session outlives its last page.
    """

    def __init__(self, root: Path, bounds: Bounds | None = None, *, grace: float = _GRACE) -> None:
        self.root, self.bounds, self.grace = root, bounds or Bounds(), grace
        self._by_token: dict[str, Session] = {}
        self._by_page: dict[str, Session] = {}
        self._ends: dict[str, float] = {}  # when each session without a page ends
        self._lock, self._closed = Lock(), Event()
        Thread(target=self._end_in_time, daemon=True).start()

    def __len__(self) -> int:
        return len(self._by_token)

    def open(self, page: str, token: str = "") -> Session:
        """The session of a page that was just opened.

        Args:
            page: what the server calls the page.
            token: of the session that it showed before it was reloaded; one that is not known is a new session.

        Raises:
            T2WError: there are as many sessions as there may be.
        """
        with self._lock:
            session = self._by_token.get(token) or self._new()
            self._ends.pop(session.token, None)
            self._by_page[page] = session
            return session

    def of_token(self, token: str) -> Session:
        """The session with a token; one without a page lives on from here. Raises T2WError where there is none."""
        with self._lock:
            if (session := self._by_token.get(token)) is None:
                raise T2WError("this page's work has ended", fix="reload the page")
            if token in self._ends:
                self._ends[token] = monotonic() + self.grace
            return session

    @contextmanager
    def writing(self, token: str) -> Iterator[Session]:
        """`of_token` for who writes into its folder: what comes there after its end is removed, too."""
        session = self.of_token(token)
        try:
            yield session
        finally:
            if token not in self._by_token:
                shutil.rmtree(session.folder, ignore_errors=True)

    def leave(self, page: str) -> None:
        """A page was closed or reloaded: its session ends soon, unless another page shows it."""
        with self._lock:
            session = self._by_page.pop(page, None)
            if session is not None and session not in self._by_page.values():
                self._ends[session.token] = monotonic() + self.grace

    def end(self, token: str) -> None:
        """End a session now, whatever pages show it."""
        with self._lock:
            if token in self._by_token:
                self._remove(token)

    def close(self) -> None:
        """End all sessions."""
        self._closed.set()
        for token in list(self._by_token):
            self.end(token)

    def _new(self) -> Session:
        if len(self) >= self.bounds.sessions:
            if not self._ends:
                raise T2WError(
                    f"{len(self)} people are at work here", expected="fewer", fix="reload the page in a while"
                )
            self._remove(min(self._ends, key=lambda token: self._ends[token]))
        folder = Path(tempfile.mkdtemp(dir=self.root))
        for part in ("pictures", "files"):
            (folder / part).mkdir()
        session = Session(secrets.token_urlsafe(24), folder)
        self._by_token[session.token] = session
        return session

    def _end_in_time(self) -> None:
        while not self._closed.wait(min(self.grace / 2, 5)):
            with self._lock:
                for token in [token for token, when in self._ends.items() if when <= monotonic()]:
                    self._remove(token)

    def _remove(self, token: str) -> None:
        session = self._by_token.pop(token)
        self._ends.pop(token, None)
        self._by_page = {page: other for page, other in self._by_page.items() if other is not session}
        shutil.rmtree(session.folder, ignore_errors=True)


@contextmanager
def private_sessions(bounds: Bounds | None = None) -> Iterator[Sessions]:
    """Sessions in a temporary folder that nobody else can read, and that is removed at the end.

    Raises:
        T2WError: no temporary folder can be made.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="t2w-web-", ignore_cleanup_errors=True)
    except OSError as error:
        raise T2WError(
            f"no temporary folder for pictures can be made: {error.strerror or error}",
            fix="set TMPDIR to a folder that you may write to",
        ) from error
    with folder as root:
        sessions = Sessions(Path(root), bounds)
        try:
            yield sessions
        finally:
            sessions.close()
