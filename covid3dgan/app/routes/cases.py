"""One case: what it is called, its place in the queue, who may change it, the files that the page shows."""

__all__ = ["Cases"]

import re
import shutil

from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from covid3dgan.app.case_files import FILES
from covid3dgan.app.routes.bodies import json_of
from covid3dgan.app.routes.lookup import shown
from covid3dgan.app.store import DONE, RUNNING
from covid3dgan.app.uploads import Refused, readable, remove_source


class Cases:
    """The handlers; each is one address of ``routes``.

    Args:
        lookup: app.routes.lookup.Lookup.
        jobs, seats: app.jobs.Jobs, app.seats.Seats.
    """

    def __init__(self, lookup, jobs, seats):
        self.lookup, self.store, self.folder = lookup, lookup.store, lookup.folder
        self.jobs, self.seats = jobs, seats

    def routes(self):
        """Their addresses."""
        case = "/api/cases/{case}"
        return [Route(case, self.about), Route(case, self.change, methods=["PATCH"]),
                Route(case, self.remove, methods=["DELETE"]), Route(f"{case}/cancel", self.cancel, methods=["POST"]),
                Route(f"{case}/again", self.again, methods=["POST"]),
                Route(f"{case}/seat", self.seat, methods=["POST"]), Route(f"{case}/volumes/{{name}}", self.volume)]

    async def about(self, request):
        case = self.lookup.done(request)
        return JSONResponse({**shown(case), "about": await run_in_threadpool(lambda: self.lookup.files(case).about)})

    async def change(self, request):
        case, said = self.lookup.case(request), await json_of(request)
        values = {name: readable(said[name], 100) for name in ("patient", "date", "name") if name in said}
        if values.get("name") == "":
            raise Refused(400, "A CT needs a name; it keeps the one that it has.")
        if not re.fullmatch(r"(\d{4}-\d\d-\d\d)?", values.get("date", "")):
            raise Refused(400, f"Expected a date as 2024-12-31, found {values['date']!r}.")
        if "checked" in said:
            values["checked"] = int(bool(said["checked"]))
        if values:
            self.store.change(case["id"], **values)
        return JSONResponse(shown(self.store.get(case["id"])))

    async def remove(self, request):
        await run_in_threadpool(self._forget, self.lookup.case(request))
        return JSONResponse({})

    def _forget(self, case):
        self.jobs.cancel(case["id"])  # also one that was not at work a moment ago
        self.store.remove(case["id"])
        shutil.rmtree(self.folder.case(case["id"]), ignore_errors=True)
        if case["owned"] and not self.store.uses(case["source"]):
            remove_source(self.folder, case["source"])

    async def cancel(self, request):
        await run_in_threadpool(self.jobs.cancel, self.lookup.case(request)["id"])
        return JSONResponse({})

    async def again(self, request):
        case = self.lookup.case(request)
        if case["state"] in (DONE, RUNNING):
            raise Refused(409, "This CT is done or at work already.")
        self.jobs.again(case["id"])
        return JSONResponse({})

    async def seat(self, request):
        said, case = await json_of(request), self.lookup.case(request)["id"]
        if said.get("leave"):
            self.seats.leave(case, said.get("tab"))
            return JSONResponse({"mine": False})
        return JSONResponse({"mine": self.seats.claim(case, str(said.get("tab")), bool(said.get("take")))})

    async def volume(self, request):
        name = request.path_params["name"]
        path = self.lookup.files(self.lookup.done(request)).path(name) if name in FILES else None
        if path is None or not path.is_file():
            return Response(status_code=204)
        return FileResponse(path, media_type="application/octet-stream")
