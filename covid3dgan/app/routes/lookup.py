"""Which case a request speaks of, and what the page is told of it."""

__all__ = ["Lookup", "shown"]

from covid3dgan.app.case_files import CaseFiles
from covid3dgan.app.store import DONE
from covid3dgan.app.uploads import Refused


class Lookup:
    """The cases of a server by their ids.

    Args:
        store, folder: app.store.Store, app.folder.WorkFolder.
    """

    def __init__(self, store, folder):
        self.store, self.folder = store, folder

    def case(self, request):
        """The case (a dict) in the request's address."""
        case = self.store.get(request.path_params["case"])
        if case is None:
            raise Refused(404, "This CT is not in the list any more.")
        return case

    def done(self, request):
        """The same, where it is segmented."""
        case = self.case(request)
        if case["state"] != DONE or not self.files(case).whole:
            raise Refused(409, "This CT is not segmented yet.")
        return case

    def files(self, case):
        """Its app.case_files.CaseFiles."""
        return CaseFiles(self.folder.case(case["id"]), case["revision"])


def shown(case):
    """What the page needs to know of a case; not where it lies."""
    return {key: case[key] for key in case if key not in ("source", "owned", "tries")}
