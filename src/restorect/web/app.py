"""The addresses of the server: the page, photographs in and out, pictures to look at, events."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Path, Query, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.staticfiles import StaticFiles

from restorect import __version__
from restorect.images.formats import EXTENSIONS
from restorect.web import pyramid
from restorect.web.archive import archive
from restorect.web.choice import STYLES, Choice, sizes_to_choose, tasks_to_choose
from restorect.web.events import changes, public
from restorect.web.messages import BEFORE
from restorect.web.problems import ProblemError, answer_problems
from restorect.web.service import Service
from restorect.web.upload import MOST_AT_ONCE, MOST_PHOTOS, most_bytes, too_large

PAGE = FilePath(__file__).with_name("static")
_FRESH = {"Cache-Control": "no-cache"}
_KEPT = {"Cache-Control": "private, max-age=86400"}  # the address of a picture says which one it is
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="of a photo, as given when it was sent")]
Side = Annotated[str, Path(pattern="^(before|uncertainty|[1-9])$", description="before, 1, 2, ... or uncertainty")]
Place = Annotated[int, Path(ge=0, le=4096)]


def make_app(service: Service, ended: Callable[[], bool], root_path: str = "") -> FastAPI:
    """The app without its guard.

    Args:
        service: what it does.
        ended: whether the server stops.
        root_path: where a proxy has put the page.
    """

    @contextlib.asynccontextmanager
    async def at_work(_: FastAPI) -> AsyncIterator[None]:
        crew = asyncio.create_task(service.crew.run())
        yield
        crew.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await crew

    app = FastAPI(
        title="restorect web",
        version=__version__,
        description="Restore photographs on this machine. Send the token as `Authorization: Bearer TOKEN`.",
        docs_url=None,
        redoc_url=None,
        root_path=root_path,
        lifespan=at_work,
    )
    for router in (_told(service, ended), _together(service), _photos(service), _pictures(service)):
        app.include_router(router, prefix="/api")

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return FileResponse(PAGE / "index.html", headers=_FRESH)

    app.mount("/static", GZipMiddleware(StaticFiles(directory=PAGE), minimum_size=1000), name="static")
    answer_problems(app)
    return app


def _told(service: Service, ended: Callable[[], bool]) -> APIRouter:
    """What there is."""
    api, queue = APIRouter(), service.queue

    @api.get("/about")
    async def about() -> dict[str, Any]:
        """What there is to choose, and the limits."""
        return {
            "version": __version__,
            "tasks": tasks_to_choose(),
            "sizes": sizes_to_choose(),
            "styles": STYLES,
            "endings": sorted(EXTENSIONS),
            "out": None if service.out is None else str(service.out),
            "choice": queue.choice,
            "tile": pyramid.TILE,
            "most": {"bytes": most_bytes(), "photos": MOST_PHOTOS, "at_once": MOST_AT_ONCE},
            "space": {"used": service.home.used(), "quota": service.home.quota},
        }

    @api.get("/events")
    async def events() -> StreamingResponse:
        """All changes, as server-sent events; the first one tells all photos."""
        return StreamingResponse(changes(queue, ended), media_type="text/event-stream")

    @api.get("/photos")
    async def photos() -> list[dict[str, Any]]:
        """All photos."""
        return [public(entry) for entry in queue]

    return api


def _together(service: Service) -> APIRouter:
    """What is done with all photographs together."""
    api, queue = APIRouter(), service.queue

    @api.put("/choice")
    async def choose(choice: Choice, apply: bool = True) -> Choice:
        """Settle how photos that come are restored, and with `apply` those that are there too."""
        queue.choose(choice)
        for entry in queue if apply else ():
            service.choose(entry, choice)
        return choice

    @api.post("/cancel", status_code=204)
    async def cancel() -> None:
        """Let go of all photos that wait or are being restored."""
        for entry in queue:
            service.cancel(entry)

    @api.post("/retry", status_code=204)
    async def retry() -> None:
        """Try once more what failed or was cancelled."""
        for entry in queue:
            service.retry(entry)

    @api.delete("/photos", status_code=204)
    async def clear() -> None:
        """Delete all photos and their outputs from the server's folder."""
        for entry in queue:
            service.remove(entry)

    @api.get("/archive")
    async def everything() -> StreamingResponse:
        """All finished files as a ZIP."""
        files = service.outputs()
        if not files:
            raise ProblemError(409, "no photo is restored yet")
        headers = {"Content-Disposition": 'attachment; filename="restored.zip"'}
        return StreamingResponse(archive(files), media_type="application/zip", headers=headers)

    return api


def _photos(service: Service) -> APIRouter:
    """One photograph."""
    api = APIRouter(prefix="/photos")

    @api.put("", status_code=201)
    async def send(
        request: Request,
        name: Annotated[str, Query(description="of the file, with folders: trip/a.jpg", max_length=4096)],
        content_length: Annotated[int | None, Header()] = None,
    ) -> dict[str, Any]:
        """Send a photo, its bytes as the body; it is restored as soon as it is its turn."""
        if content_length is not None and content_length > most_bytes():
            raise too_large()
        return public(await service.receive(name, request.stream(), content_length))

    @api.get("/{id}")
    async def known(id: Id) -> dict[str, Any]:
        """What is known of a photo."""
        return public(service.entry(id))

    @api.put("/{id}/choice")
    async def choose(id: Id, choice: Choice) -> dict[str, Any]:
        """Restore a photo in another way."""
        return public(service.choose(service.entry(id), choice))

    @api.post("/{id}/cancel")
    async def cancel(id: Id) -> dict[str, Any]:
        """Let go of a photo at once."""
        return public(service.cancel(service.entry(id)))

    @api.post("/{id}/retry")
    async def retry(id: Id) -> dict[str, Any]:
        """Try once more."""
        return public(service.retry(service.entry(id)))

    @api.delete("/{id}", status_code=204)
    async def remove(id: Id) -> None:
        """Delete a photo and its outputs from the server's folder."""
        service.remove(service.entry(id))

    @api.get("/{id}/files/{number}")
    async def file(id: Id, number: Place) -> FileResponse:
        """A finished file, as `restorect restore` writes it."""
        name, path = service.output(service.entry(id), number)
        return FileResponse(path, filename=name.rpartition("/")[2], media_type="application/octet-stream")

    return api


def _pictures(service: Service) -> APIRouter:
    """What a browser shows of a photograph, in 8 bit and sRGB."""
    api = APIRouter(prefix="/photos/{id}/pictures/{side}")

    @api.get("/tiles/{level}/{column}/{row}")
    def tile(
        id: Id,
        side: Side,
        level: Annotated[int, Path(ge=0, le=20)],
        column: Place,
        row: Place,
        strength: Annotated[float | None, Query(ge=0, le=1)] = None,
    ) -> Response:
        """A tile (JPEG); `strength` shows it blended in linear light, without restoring anew."""
        entry = service.entry(id)
        try:
            if level > pyramid.top_level(entry.width, entry.height):
                raise KeyError(level)
            content = pyramid.read_tile(service.picture(entry, side), level, column, row)
            made = entry.made.strength if entry.made else 0
            if strength is not None and 0 < made != strength and side[0].isdigit():
                before = pyramid.read_tile(service.picture(entry, BEFORE), level, column, row)
                content = pyramid.blended(before, content, strength / made)
        except KeyError as error:
            raise ProblemError(404, "this picture has no such tile") from error
        return Response(content, media_type="image/jpeg", headers=_KEPT)

    @api.get("/histogram")
    def histogram(id: Id, side: Side) -> list[list[float]]:
        """Shares of pixels in 64 equal ranges of values, for red, green and blue."""
        return pyramid.read_histogram(service.picture(service.entry(id), side))

    return api
