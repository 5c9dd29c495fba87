"""The app as an ASGI application: the page's own files, the addresses of ``routes/``, sentences for what fails."""

__all__ = ["build_app"]

import functools
import sqlite3
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, PlainTextResponse
from starlette.routing import Route

from covid3dgan.app.guard import Guard
from covid3dgan.app.picks import Picks
from covid3dgan.app.routes.adding import Adding
from covid3dgan.app.routes.bodies import drain
from covid3dgan.app.routes.cases import Cases
from covid3dgan.app.routes.keeping import Keeping
from covid3dgan.app.routes.lookup import Lookup
from covid3dgan.app.seats import Seats
from covid3dgan.app.uploads import MOST_BYTES, Refused, Uploads, full_disk
from covid3dgan.errors import InputError

BUILT = Path(__file__).parent / "built"
_STATIC = {"/": ("index.html", "text/html; charset=utf-8"), "/app.js": ("app.js", "text/javascript; charset=utf-8"),
           "/app.css": ("app.css", "text/css; charset=utf-8"),
           "/licences.txt": ("licences.txt", "text/plain; charset=utf-8")}


def build_app(store, folder, jobs, port, token, data=None, most_bytes=MOST_BYTES):
    """The ASGI application.

    Args:
        store, folder, jobs: app.store.Store, app.folder.WorkFolder, app.jobs.Jobs.
        port, token: see app.guard.Guard.
        data: a folder of CTs to pick from, or None.
        most_bytes: of one upload.
    """
    lookup, seats = Lookup(store, folder), Seats()
    routes = [*[Route(path, functools.partial(_static, *file)) for path, file in _STATIC.items()],
              *Adding(store, folder, jobs, Uploads(folder, most_bytes), Picks(data)).routes(),
              *Cases(lookup, jobs, seats).routes(), *Keeping(lookup, seats).routes()]
    handlers = {Refused: _refused, InputError: _bad_input, OSError: _failing_disk,
                sqlite3.Error: _failing_disk, ClientDisconnect: _gone}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), port, token)


async def _static(name, kind, request):
    path = BUILT / name
    if not path.is_file():
        raise Refused(500, "The page was never built; run make viewer in the sources.")
    return FileResponse(path, media_type=kind)


async def _refused(request, error):
    await drain(request)
    return PlainTextResponse(error.text, error.status, headers={"connection": "close"})


async def _bad_input(request, error):
    return PlainTextResponse(str(error), 422)


async def _failing_disk(request, error):
    return await _refused(request, full_disk(error))


async def _gone(request, error):
    return PlainTextResponse("", 400)
