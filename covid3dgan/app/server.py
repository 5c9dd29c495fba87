"""The app as an ASGI application: the list, uploads, the files of a case, corrections, and what is saved of them."""

__all__ = ["build_app"]

import asyncio
import contextlib
import functools
import json
import shutil
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from covid3dgan.app import case_files, saved
from covid3dgan.app.guard import Guard
from covid3dgan.app.picks import Picks
from covid3dgan.app.seats import Seats
from covid3dgan.app.store import DONE, RUNNING
from covid3dgan.app.uploads import MOST_BYTES, Refused, Uploads, full_disk, remove_source
from covid3dgan.errors import InputError

BUILT = Path(__file__).parent / "built"
_STATIC = {"/": ("index.html", "text/html; charset=utf-8"), "/app.js": ("app.js", "text/javascript; charset=utf-8"),
           "/app.css": ("app.css", "text/css; charset=utf-8"),
           "/licences.txt": ("licences.txt", "text/plain; charset=utf-8")}
_SETTINGS = ("theme", "tour")
_MOST_JSON, _MOST_HAND = 20_000, 300_000_000


def build_app(store, folder, jobs, port, token, data=None, most_bytes=MOST_BYTES):
    """The ASGI application.

    Args:
        store, folder, jobs: app.store.Store, app.folder.WorkFolder, app.jobs.Jobs.
        port, token: see app.guard.Guard.
        data: a folder of CTs to pick from, or None.
        most_bytes: of one upload.
    """
    api = _Api(store, folder, jobs, Uploads(folder, most_bytes), Picks(data))
    routes = [
        *[Route(path, functools.partial(_static, *file)) for path, file in _STATIC.items()],
        Route("/api/settings", api.settings, methods=["PATCH"]),
        Route("/api/state", api.state), Route("/api/picks", api.picks), Route("/api/picks", api.pick, methods=["POST"]),
        Route("/api/uploads", api.begin, methods=["POST"]),
        Route("/api/uploads/{upload}/file", api.receive, methods=["PUT"]),
        Route("/api/uploads/{upload}/done", api.finish, methods=["POST"]),
        Route("/api/uploads/{upload}", api.drop, methods=["DELETE"]),
        Route("/api/cases/{case}", api.about), Route("/api/cases/{case}", api.change, methods=["PATCH"]),
        Route("/api/cases/{case}", api.remove, methods=["DELETE"]),
        Route("/api/cases/{case}/cancel", api.cancel, methods=["POST"]),
        Route("/api/cases/{case}/again", api.again, methods=["POST"]),
        Route("/api/cases/{case}/seat", api.seat, methods=["POST"]),
        Route("/api/cases/{case}/volumes/{name}", api.volume),
        Route("/api/cases/{case}/hand", api.save_hand, methods=["PUT"]),
        Route("/api/cases/{case}/save/{kind}", api.save),
        Route("/api/data-set", api.data_set, methods=["POST"])]
    handlers = {Refused: _refused, InputError: _bad_input, OSError: _failing_disk, ClientDisconnect: _gone}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), port, token)


class _Api:
    """The handlers; each is one address."""

    def __init__(self, store, folder, jobs, uploads, picks):
        self.store, self.folder, self.jobs, self.uploads, self._picks = store, folder, jobs, uploads, picks
        self.seats = Seats()

    # === the list ===

    async def state(self, request):
        progress = self.jobs.progress()
        cases = [{**_shown(case), **progress.get(case["id"], {})} for case in self.store.all()]
        free = shutil.disk_usage(self.folder.root).free
        return JSONResponse({"cases": cases, "picks": self._picks.any, "free": free, "most": self.uploads.most,
                             "folder": str(self.folder.root), "settings": self.store.settings()})

    async def settings(self, request):
        for name, value in (await _json(request)).items():
            if name in _SETTINGS:
                self.store.set(name, str(value)[:20])
        return JSONResponse({})

    async def picks(self, request):
        return JSONResponse({"picks": await run_in_threadpool(self._picks.list)})

    async def pick(self, request):
        item = (await _json(request)).get("id")
        source, name = await run_in_threadpool(self._picks.get, item)
        return JSONResponse({"case": self._add(source, False, name, name)})

    async def begin(self, request):
        said = await _json(request)
        size = said.get("bytes")
        if not isinstance(size, int) or size < 0:
            raise Refused(400, "Expected the upload's size in bytes.")
        return JSONResponse({"upload": self.uploads.begin(said.get("name") or "CT", size)})

    async def receive(self, request):
        length = request.headers.get("content-length", "")
        await self.uploads.receive(request.path_params["upload"], request.query_params.get("name", ""),
                                   int(length) if length.isdigit() else None, request.stream())
        return JSONResponse({})

    async def finish(self, request):
        source, name = await run_in_threadpool(self.uploads.finish, request.path_params["upload"])
        return JSONResponse({"case": self._add(source, True, None, name)})

    async def drop(self, request):
        self.uploads.drop(request.path_params["upload"])
        return JSONResponse({})

    def _add(self, source, owned, item, name):
        identity = saved.new_id()
        self.store.add(identity, source, owned, item, name)
        self.jobs.wake()
        return identity

    # === a case ===

    async def about(self, request):
        case = self._done(request)
        return JSONResponse({**_shown(case), "about": await run_in_threadpool(lambda: self._files(case).about)})

    async def change(self, request):
        case, said = self._case(request), await _json(request)
        values = {name: str(said[name])[:100] for name in ("patient", "date", "name") if name in said}
        if "checked" in said:
            values["checked"] = int(bool(said["checked"]))
        if values:
            self.store.change(case["id"], **values)
        return JSONResponse(_shown(self.store.get(case["id"])))

    async def remove(self, request):
        case = self._case(request)
        if case["state"] == RUNNING:
            self.jobs.cancel(case["id"])
        self.store.remove(case["id"])
        await run_in_threadpool(self._forget, case)
        return JSONResponse({})

    def _forget(self, case):
        shutil.rmtree(self.folder.case(case["id"]), ignore_errors=True)
        if case["owned"] and not self.store.uses(case["source"]):
            remove_source(self.folder, case["source"])

    async def cancel(self, request):
        await run_in_threadpool(self.jobs.cancel, self._case(request)["id"])
        return JSONResponse({})

    async def again(self, request):
        case = self._case(request)
        if case["state"] in (DONE, RUNNING):
            raise Refused(409, "This CT is done or at work already.")
        self.jobs.again(case["id"])
        return JSONResponse({})

    async def seat(self, request):
        said, case = await _json(request), self._case(request)["id"]
        if said.get("leave"):
            self.seats.leave(case, said.get("tab"))
            return JSONResponse({"mine": False})
        return JSONResponse({"mine": self.seats.claim(case, str(said.get("tab")), bool(said.get("take")))})

    async def volume(self, request):
        name = request.path_params["name"]
        path = self._files(self._done(request)).path(name) if name in case_files.FILES else None
        if path is None or not path.is_file():
            return Response(status_code=204)
        return FileResponse(path, media_type="application/octet-stream")

    async def save_hand(self, request):
        case = self._done(request)
        if not self.seats.claim(case["id"], request.headers.get("x-tab", "")):
            raise Refused(409, "This CT is being corrected in another tab.")
        packed = await _body(request, _MOST_HAND)
        threshold, revision = (int(request.headers[name]) if request.headers.get(name, "").isdigit() else -1
                               for name in ("x-threshold", "x-revision"))
        if not 1 <= threshold <= 255:
            raise Refused(400, "Expected a threshold from 1 to 255.")
        found = await run_in_threadpool(saved.keep_hand, self.store, self._files(case), case["id"], packed, threshold,
                                        revision)
        if found is None:
            raise Refused(409, "Another tab has saved this CT meanwhile; open it again to see what it holds.")
        return JSONResponse(_shown(found))

    async def save(self, request):
        case = self._done(request)
        content, name, kind = await run_in_threadpool(saved.download, request.path_params["kind"], case,
                                                      self._files(case))
        return Response(content, media_type=kind, headers={
            "content-disposition": f'attachment; filename="{name}"'})

    async def data_set(self, request):
        path, count = await run_in_threadpool(saved.new_data_set, self.store, self.folder)
        return JSONResponse({"path": str(path), "count": count})

    def _case(self, request):
        case = self.store.get(request.path_params["case"])
        if case is None:
            raise Refused(404, "This CT is not in the list any more.")
        return case

    def _done(self, request):
        case = self._case(request)
        if case["state"] != DONE or not self._files(case).whole:
            raise Refused(409, "This CT is not segmented yet.")
        return case

    def _files(self, case):
        return case_files.CaseFiles(self.folder.case(case["id"]))


def _shown(case):
    """What the page needs to know of a case; not where it lies."""
    return {key: case[key] for key in case if key not in ("source", "owned", "tries")}


async def _static(name, kind, request):
    path = BUILT / name
    if not path.is_file():
        raise Refused(500, "The page was never built; run make viewer in the sources.")
    return FileResponse(path, media_type=kind)


async def _body(request, most):
    found = bytearray()
    async for block in request.stream():
        found += block
        if len(found) > most:
            raise Refused(413, f"Expected at most {most} bytes.")
    return bytes(found)


async def _json(request):
    try:
        said = json.loads(await _body(request, _MOST_JSON) or b"{}")
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Refused(400, "Expected a JSON object.")
    return said


async def _refused(request, error):
    await _drained(request)
    return PlainTextResponse(error.text, error.status, headers={"connection": "close"})


async def _bad_input(request, error):
    return PlainTextResponse(str(error), 422)


async def _failing_disk(request, error):
    return await _refused(request, full_disk(error))


async def _gone(request, error):
    return PlainTextResponse("", 400)


async def _drained(request, most=1 << 20):
    """Takes the rest of a small body that was refused: browsers show an answer only once they have sent theirs."""
    async def rest():
        taken = 0
        async for block in request.stream():
            taken += len(block)
            if taken > most:
                return

    if request.headers.get("content-length", "0").isdigit() and int(request.headers.get("content-length", 0)) <= most:
        with contextlib.suppress(Exception):  # what was taken already cannot be taken again
            await asyncio.wait_for(rest(), 1)
