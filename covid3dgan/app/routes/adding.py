"""The list, and what is added to it: uploads and the CTs of ``--data``."""

__all__ = ["Adding"]

import shutil

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from covid3dgan.app.routes.bodies import json_of
from covid3dgan.app.routes.lookup import shown
from covid3dgan.app.saved import new_id
from covid3dgan.app.uploads import Refused

_SETTINGS = ("theme", "tour")


class Adding:
    """The handlers; each is one address of ``routes``.

    Args:
        store, folder, jobs, uploads, picks: of these files of ``app``.
    """

    def __init__(self, store, folder, jobs, uploads, picks):
        self.store, self.folder, self.jobs, self.uploads, self._picks = store, folder, jobs, uploads, picks

    def routes(self):
        """Their addresses."""
        return [Route("/api/state", self.state), Route("/api/settings", self.settings, methods=["PATCH"]),
                Route("/api/picks", self.picks), Route("/api/picks", self.pick, methods=["POST"]),
                Route("/api/uploads", self.begin, methods=["POST"]),
                Route("/api/uploads/{upload}/file", self.receive, methods=["PUT"]),
                Route("/api/uploads/{upload}/done", self.finish, methods=["POST"]),
                Route("/api/uploads/{upload}", self.drop, methods=["DELETE"])]

    async def state(self, request):
        progress = self.jobs.progress()
        cases = [{**shown(case), **progress.get(case["id"], {})} for case in self.store.all()]
        free = shutil.disk_usage(self.folder.root).free
        return JSONResponse({"cases": cases, "picks": self._picks.name, "free": free, "most": self.uploads.most,
                             "folder": str(self.folder.root), "settings": self.store.settings()})

    async def settings(self, request):
        for name, value in (await json_of(request)).items():
            if name in _SETTINGS:
                self.store.set(name, str(value)[:20])
        return JSONResponse({})

    async def picks(self, request):
        return JSONResponse({"picks": await run_in_threadpool(self._picks.list, True)})

    async def pick(self, request):
        item = (await json_of(request)).get("id")
        source, name = await run_in_threadpool(self._picks.get, item)
        return JSONResponse({"case": self._add(source, False, name, name)})

    async def begin(self, request):
        said = await json_of(request)
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
        identity = new_id()
        self.store.add(identity, source, owned, item, name)
        self.jobs.wake()
        return identity
