"""What stands before every request: bounds of what comes in, and what a browser may do with what goes out."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

_MOST_EVENT = 4_000_000  # bytes of what the page tells Gradio
_GRADIO, _GRADIO_UPLOADS = "/gradio_api", "/gradio_api/upload"  # its uploads have no bound of all files together
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Whatever Gradio or a slip of ours asks for, the browser asks nobody but this server."""


class Guard:
    """Middleware. (Starlette's own base class would hide from Gradio that a page has gone.)"""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = _POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await (_refusal(scope) or self.app)(scope, receive, guarded)


def _refusal(scope: Scope) -> JSONResponse | None:
    """The answer to what is refused before it is read."""
    path, size = scope["path"], Headers(scope=scope).get("content-length", "")
    if not path.startswith(_GRADIO) or scope["method"] not in ("POST", "PUT", "PATCH"):
        return None
    if path.startswith(_GRADIO_UPLOADS):
        return JSONResponse({"error": "pictures go another way"}, 403)
    if not size.isdecimal() or int(size[:12]) > _MOST_EVENT:
        return JSONResponse({"error": "too much at once"}, 413)
    return None
