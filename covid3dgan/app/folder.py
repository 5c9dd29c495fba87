"""The work folder: where the list of cases, their sources and their files lie, and which server it belongs to."""

__all__ = ["WorkFolder", "default_folder"]

import os
import secrets
import shutil
import sys
from pathlib import Path

from covid3dgan.errors import InputError

_TEMPORARY = ".tmp-"


def default_folder():
    """Where this system keeps the data of a user's programs."""
    home = Path.home()
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "covid3dgan"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "covid3dgan"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "covid3dgan"


class WorkFolder:
    """A folder of one server at a time; what an earlier one left half done is removed.

    Attributes:
        root: the folder; ``app.sqlite`` in it is the list of cases.
        incoming: uploads that are not whole yet.
        sources: CTs as they were uploaded, one folder each.
        cases: what was made of each CT, one folder each.

    Raises:
        InputError: it cannot be written, or another server has it.
    """

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.incoming, self.sources, self.cases = (self.root / name for name in ("incoming", "sources", "cases"))
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o700)  # CTs are nobody else's business
            for folder in (self.incoming, self.sources, self.cases):
                folder.mkdir(exist_ok=True)
            self._lock = _locked(self.root / "lock")
        except OSError as error:
            raise InputError(self.root, "a folder that can be written", f"{error.strerror or error}",
                             "pass another with --work") from None
        if self._lock is None:
            raise InputError(self.root, "a work folder that no other app uses", "one that is in use",
                             "stop the other app, or pass another folder with --work")
        for left in (*self.incoming.iterdir(), *self.cases.glob(f"{_TEMPORARY}*")):
            shutil.rmtree(left, ignore_errors=True)

    @property
    def list(self):
        """The SQLite file."""
        return self.root / "app.sqlite"

    def case(self, identity):
        """The folder of a case; it exists once everything in it is whole."""
        return self.cases / identity

    def half_done(self, identity):
        """Where a case's files are made before they take their place."""
        return self.cases / f"{_TEMPORARY}{identity}-{secrets.token_hex(4)}"

    def close(self):
        """Gives the folder free for another server."""
        self._lock.close()


def _locked(path):
    """An open file that this process alone has locked, or None; the system unlocks it when the process ends."""
    handle = open(path, "a+b")
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle
