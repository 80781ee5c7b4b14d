"""What the page fetches besides Gradio's own: uploads in, thumbnails and downloads out; who may ask, and how much."""

from __future__ import annotations

from threading import Semaphore

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from t2w.errors import T2WError
from t2w.sorting.sheet import thumbnail
from t2w.web.downloads import DOWNLOADS
from t2w.web.incoming import Incoming
from t2w.web.server import LOOPBACK
from t2w.web.sessions import Sessions

__all__ = ["make_app"]

_OURS = "/t2w/"  # routes that bound what comes in themselves
_MOST_EVENT = 4_000_000  # bytes of what the page tells Gradio, which reads whatever is sent
_GRADIO_UPLOADS = "/gradio_api/upload"
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Whatever Gradio or a slip of ours asks for, the browser asks nobody but this server."""

_decoded_at_once = Semaphore(2)  # each holds a picture of up to 240 MB while it is made smaller


def make_app(sessions: Sessions, *, host: str) -> FastAPI:
    """The server without the page.

    Args:
        host: that it listens at; on loopback it answers to no other name, so that no foreign page can pass for it.
    """
    app = FastAPI(openapi_url=None)
    app.add_middleware(_Guard)
    if host in LOOPBACK:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, "[::1]"])

    @app.post("/t2w/{token}/pictures")
    async def picture(token: str, name: str, request: Request) -> JSONResponse:
        try:
            with Incoming(sessions.of_token(token), name, sessions.bounds) as incoming:
                async for piece in request.stream():
                    incoming.take(piece)
                return JSONResponse({"pictures": await run_in_threadpool(incoming.finish)})
        except T2WError as error:
            return JSONResponse({"error": str(error)}, 422)
        except ClientDisconnect:
            return JSONResponse({"error": "it did not arrive whole"}, 400)  # nobody reads it

    @app.get("/t2w/{token}/thumbs/{number}")
    def thumb(token: str, number: int) -> Response:
        try:
            picture = sessions.of_token(token).pictures[number]
            with _decoded_at_once:
                small = thumbnail(picture.file)
        except (T2WError, KeyError):
            return Response(status_code=404)
        return Response(small, media_type="image/webp", headers={"Cache-Control": "private, max-age=86400"})

    @app.get("/t2w/{token}/files/{name}")
    def file(token: str, name: str) -> Response:
        try:
            path = sessions.of_token(token).folder / "files" / name
        except T2WError as error:
            return JSONResponse({"error": str(error)}, 404)
        if name not in DOWNLOADS or not path.is_file():
            return JSONResponse({"error": f"there is no {name} yet"}, 404)
        headers = {"Cache-Control": "no-store"}
        return FileResponse(path, filename=name, media_type="application/octet-stream", headers=headers)

    return app


class _Guard:
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
    if path.startswith(_OURS) or scope["method"] not in ("POST", "PUT", "PATCH"):
        return None
    if path.startswith(_GRADIO_UPLOADS):
        return JSONResponse({"error": "pictures go another way"}, 403)
    if not size.isdecimal() or int(size[:12]) > _MOST_EVENT:
        return JSONResponse({"error": "too much at once"}, 413)
    return None
