"""What the page fetches besides Gradio's own: uploads in, thumbnails and downloads out; and who may ask."""

from __future__ import annotations

from threading import Semaphore

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect

from t2w.errors import T2WError
from t2w.sorting.sheet import thumbnail
from t2w.web.downloads import DOWNLOADS
from t2w.web.guard import Guard
from t2w.web.incoming import Incoming
from t2w.web.server import LOOPBACK
from t2w.web.sessions import Sessions

__all__ = ["make_app"]

_decoded_at_once = Semaphore(2)  # each holds a picture of up to 240 MB while it is made smaller


def make_app(sessions: Sessions, *, host: str) -> FastAPI:
    """The server without the page.

    Args:
        host: that it listens at; on loopback it answers to no other name, so that no foreign page can pass for it.
    """
    app = FastAPI(openapi_url=None)
    app.add_middleware(Guard)
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
