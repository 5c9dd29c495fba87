"""What people keep of a case: corrections, files to save, the data set."""

__all__ = ["Keeping"]

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from covid3dgan.app import saved
from covid3dgan.app.data_set import new_data_set
from covid3dgan.app.routes.bodies import body_of
from covid3dgan.app.routes.lookup import shown
from covid3dgan.app.uploads import Refused

_MOST_HAND = 300_000_000


class Keeping:
    """The handlers; each is one address of ``routes``.

    Args:
        lookup: app.routes.lookup.Lookup.
        seats: app.seats.Seats.
    """

    def __init__(self, lookup, seats):
        self.lookup, self.store, self.seats = lookup, lookup.store, seats

    def routes(self):
        """Their addresses."""
        return [Route("/api/cases/{case}/hand", self.save_hand, methods=["PUT"]),
                Route("/api/cases/{case}/save/{kind}", self.save),
                Route("/api/data-set", self.data_set, methods=["POST"])]

    async def save_hand(self, request):
        case = self.lookup.done(request)
        if not self.seats.claim(case["id"], request.headers.get("x-tab", "")):
            raise Refused(409, "This CT is being corrected in another tab.")
        packed = await body_of(request, _MOST_HAND)
        threshold, revision = (int(request.headers[name]) if request.headers.get(name, "").isdigit() else -1
                               for name in ("x-threshold", "x-revision"))
        if not 1 <= threshold <= 255:
            raise Refused(400, "Expected a threshold from 1 to 255.")
        found = await run_in_threadpool(saved.keep_hand, self.store, self.lookup.files(case), case["id"], packed,
                                        threshold, revision)
        if found is None:
            raise Refused(409, "Another tab has saved this CT meanwhile; open it again to see what it holds.")
        return JSONResponse(shown(found))

    async def save(self, request):
        case = self.lookup.done(request)
        content, name, kind = await run_in_threadpool(saved.download, request.path_params["kind"], case,
                                                      self.lookup.files(case))
        return Response(content, media_type=kind, headers={
            "content-disposition": f'attachment; filename="{name}"'})

    async def data_set(self, request):
        path, count = await run_in_threadpool(new_data_set, self.store, self.lookup.folder)
        return JSONResponse({"path": str(path), "count": count})
