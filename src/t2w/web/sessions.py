"""The sessions of all open pages, each in a folder of its own that goes when its page does."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Timer

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
        self._ends: dict[str, Timer] = {}
        self._lock = Lock()

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
            session = self._by_token.get(token)
            if session is None:
                if len(self._by_token) >= self.bounds.sessions:
                    self._end_one_without_page()
                session = self._new()
            if timer := self._ends.pop(session.token, None):
                timer.cancel()
            self._by_page[page] = session
            return session

    def of_token(self, token: str) -> Session:
        """The session with a token; one without a page lives on from here. Raises T2WError where there is none."""
        with self._lock:
            if (session := self._by_token.get(token)) is None:
                raise T2WError("this page's work has ended", fix="reload the page")
            if token in self._ends:
                self._end_later(token)
            return session

    def leave(self, page: str) -> None:
        """A page was closed or reloaded: its session ends soon, unless another page shows it."""
        with self._lock:
            session = self._by_page.pop(page, None)
            if session is None or session in self._by_page.values():
                return
            self._end_later(session.token)

    def end(self, token: str) -> None:
        """End a session now, whatever pages show it."""
        with self._lock:
            if timer := self._ends.pop(token, None):
                timer.cancel()
            if token in self._by_token:
                self._remove(token)

    def close(self) -> None:
        """End all sessions."""
        with self._lock:
            for timer in self._ends.values():
                timer.cancel()
            for session in self._by_token.values():
                shutil.rmtree(session.folder, ignore_errors=True)
            self._by_token.clear()
            self._by_page.clear()
            self._ends.clear()

    def _new(self) -> Session:
        folder = Path(tempfile.mkdtemp(dir=self.root))
        for part in ("pictures", "thumbs", "files"):
            (folder / part).mkdir()
        session = Session(secrets.token_urlsafe(24), folder)
        self._by_token[session.token] = session
        return session

    def _end_later(self, token: str) -> None:
        if before := self._ends.get(token):
            before.cancel()
        timer = Timer(self.grace, self._end, [token])
        timer.args = [token, timer]  # what it ends unless another has taken its place
        timer.daemon = True
        self._ends[token] = timer
        timer.start()

    def _end(self, token: str, timer: Timer) -> None:
        with self._lock:
            if self._ends.get(token) is timer:  # else the page came back just now
                del self._ends[token]
                self._remove(token)

    def _end_one_without_page(self) -> None:
        if not self._ends:
            raise T2WError(f"{len(self)} people are at work here", expected="fewer", fix="reload the page in a while")
        token, timer = next(iter(self._ends.items()))
        timer.cancel()
        del self._ends[token]
        self._remove(token)

    def _remove(self, token: str) -> None:
        session = self._by_token.pop(token)
        self._by_page = {page: other for page, other in self._by_page.items() if other is not session}
        shutil.rmtree(session.folder, ignore_errors=True)


@contextmanager
def private_sessions(bounds: Bounds | None = None, *, grace: float = _GRACE) -> Iterator[Sessions]:
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
        sessions = Sessions(Path(root), bounds, grace=grace)
        try:
            yield sessions
        finally:
            sessions.close()
