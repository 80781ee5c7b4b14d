"""The server: a socket, the page on it, and nothing left behind when it ends."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from t2w.errors import T2WError
from t2w.extras import needs
from t2w.web.bounds import Bounds
from t2w.web.sessions import private_sessions

if TYPE_CHECKING:
    from t2w.web.engine import Engine

__all__ = ["LOOPBACK", "PORT", "address_of", "listen", "serve"]

PORT = 7860
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TRIED = 50  # ports, where none was asked for
_GOODBYE = 1  # second that open connections have at the end


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens.

    Args:
        host: a name or an address of this machine.
        port: None for 7860 or the next one that is free.

    Raises:
        T2WError: the port is in use or not allowed, or there is no such host here.
    """
    for number in [port] if port is not None else range(PORT, PORT + _TRIED):
        try:
            family = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0][0]
            found = socket.socket(family, socket.SOCK_STREAM)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((host, number))
            found.listen(128)
            return found
        except OSError as error:
            if error.errno == errno.EADDRINUSE and port is None:
                continue
            raise _not_listening(host, number, error) from error
    raise T2WError(f"the ports {PORT} to {PORT + _TRIED - 1} are all in use", fix="ask for a free one with --port")


def _not_listening(host: str, port: int, error: OSError) -> T2WError:
    if error.errno == errno.EADDRINUSE:
        return T2WError(
            f"port {port} is in use, perhaps by another t2w web",
            fix="end that one, or leave --port out to have a free one chosen",
        )
    if error.errno == errno.EACCES:
        return T2WError(f"port {port} is kept for the system", expected="1024 or more")
    return T2WError(f"cannot listen at {host}: {error.strerror or error}", expected="a name or address of this machine")


def address_of(listening: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}"


def serve(
    engine: Engine, listening: socket.socket, *, host: str, bounds: Bounds | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Serve the page until Ctrl-C or a signal to end; what was uploaded is removed then.

    Args:
        engine: what writes the classifiers.
        listening: see `listen`.
        host: that it listens at.
        bounds: of what may be uploaded.
        ready: called just before the first request is answered.

    Raises:
        MissingExtra: Gradio is not installed.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    with _signals_interrupt(), private_sessions(bounds) as sessions, suppress(KeyboardInterrupt):
        os.environ["GRADIO_TEMP_DIR"] = str(sessions.root / "gradio")  # which Gradio reads when it is imported
        with needs("the page"):
            import gradio as gr
            import uvicorn

        from t2w.web.page import build_page, page_head, page_style, page_theme
        from t2w.web.routes import make_app

        app = gr.mount_gradio_app(
            make_app(sessions, host=host), build_page(engine, sessions), path="/", theme=page_theme(),
            css=page_style(), head=page_head(), footer_links=[], run_history=False, ssr_mode=False, mcp_server=False,
            pwa=False, enable_monitoring=False, show_error=True, max_file_size=1, server_name=host,
        )  # fmt: skip
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=_GOODBYE, server_header=False
        )
        ready()
        _quiet_at_the_end(uvicorn.Server(config)).run(sockets=[listening])


def _quiet_at_the_end(server: Any) -> Any:
    """A uvicorn server that does not report, as errors, the open pages that its end cuts off."""
    shutdown = server.shutdown

    async def quiet(sockets: Any = None) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await shutdown(sockets=sockets)

    server.shutdown = quiet
    return server


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let a signal to end do what Ctrl-C does, so that what must be removed is removed."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has not all of them
    before = {n: signal.signal(n, interrupt) for name in names if (n := getattr(signal, name, None)) is not None}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
