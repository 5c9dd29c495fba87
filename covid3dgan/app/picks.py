"""The CTs of the folder that ``--data`` names, for the page to pick from by their ids."""

__all__ = ["Picks"]

import threading
from pathlib import Path

from covid3dgan.app.uploads import Refused
from covid3dgan.inference.inputs import find_inputs


class Picks:
    """Lists the folder for each page that opens; the page can name nothing but what was listed.

    Args:
        data: the folder, or None.
    """

    def __init__(self, data=None):
        self.data = None if data is None else Path(data).resolve()  # the next start may be in another folder
        self._lock, self._found = threading.Lock(), None

    @property
    def name(self):
        """Of the folder; empty where there is none."""
        return "" if self.data is None else self.data.name or str(self.data)

    def list(self, anew=False):
        """[id] of its CTs; ``anew`` looks into the folder again."""
        if self.data is None:
            return []
        with self._lock:
            if self._found is None or anew:
                self._found = [item.id for item in find_inputs(self.data)
                               if item.problem is None and not item.is_picture]
            return list(self._found)

    def get(self, item):
        """(path of the folder, id)."""
        if item not in self.list():
            raise Refused(404, "This CT is not in the folder of --data.")
        return self.data, item
