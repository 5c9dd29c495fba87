"""Uploads: streamed to the disk file by file, counted, and moved to the sources when whole."""

__all__ = ["MOST_BYTES", "Refused", "Uploads", "full_disk", "offer_again", "readable", "remove_source"]

import errno
import os
import re
import secrets
import shutil
import sqlite3
from pathlib import Path, PurePosixPath

from covid3dgan.data.datasets.cases import stem
from covid3dgan.data.files.zip_files import MOST_FILES, leaves_its_folder
from covid3dgan.files import fsync_directory

MOST_BYTES = 2_000_000_000
_UNKNOWN = "This upload is not known any more; drop the CT again."
SPARE = 500_000_000  # bytes that stay free, for what is made of a CT


class Refused(Exception):
    """What was asked and cannot be done: an HTTP status and a sentence for the user."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status, self.text = status, text


class Uploads:
    """Uploads on their way, by id.

    Args:
        folder: app.folder.WorkFolder.
        most: bytes of one upload at most.
    """

    def __init__(self, folder, most=MOST_BYTES):
        self.folder, self.most, self._open = folder, most, {}

    def begin(self, name, size):
        """The id of a new upload.

        Args:
            name: what the user calls it.
            size: bytes of all its files.
        """
        self._check(size)
        identity = secrets.token_hex(8)
        (self.folder.incoming / identity).mkdir()
        self._open[identity] = {"name": readable(name, 200) or "CT", "bytes": 0}
        return identity

    async def receive(self, identity, name, length, stream):
        """Takes one file.

        Args:
            identity: from ``begin``.
            name: its path inside the upload, with '/'.
            length: of the body as the request states it; None where it does not.
            stream: async iterator of bytes.
        """
        upload = self._get(identity)
        if leaves_its_folder(name):
            raise Refused(400, f"The path {name!r} leads out of its folder; nothing was kept of it.")
        path = self.folder.incoming.joinpath(identity, *_plain_parts(name))
        try:
            self._check(length or 0, upload["bytes"])
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "xb") as file:
                async for block in stream:
                    upload["bytes"] += len(block)
                    if upload["bytes"] > self.most:
                        raise self._too_large()
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            raise Refused(409, f"Two files are called {name!r}; rename one.") from None
        except (Refused, OSError) as error:
            self.drop(identity)
            raise full_disk(error) if isinstance(error, OSError) else error from None
        except BaseException:  # the browser went away in the middle
            self.drop(identity)
            raise
        if identity not in self._open:  # dropped while another of its files came in
            shutil.rmtree(self.folder.incoming / identity, ignore_errors=True)
            raise Refused(404, _UNKNOWN)

    def finish(self, identity):
        """(path of the source, name): the upload takes its place among the sources."""
        upload = self._get(identity)
        room = self.folder.incoming / identity
        files = [path for path in room.rglob("*") if path.is_file()]
        if not files or len(files) > MOST_FILES:
            self.drop(identity)
            raise Refused(400, f"Expected 1 to {MOST_FILES} files, found {len(files)}; drop a CT.")
        target = self.folder.sources / identity
        os.replace(room, target)
        fsync_directory(self.folder.sources)
        del self._open[identity]
        return _source_in(target), upload["name"]

    def drop(self, identity):
        """Forgets an upload and what came of it."""
        if self._open.pop(identity, None) is not None:
            shutil.rmtree(self.folder.incoming / identity, ignore_errors=True)

    def _get(self, identity):
        if identity not in self._open:
            raise Refused(404, _UNKNOWN)
        return self._open[identity]

    def _check(self, size, received=0):
        """Refuses ``size`` bytes more: ``received`` are on the disk already."""
        if received + size > self.most:
            raise self._too_large()
        free = shutil.disk_usage(self.folder.root).free
        if size + SPARE > free:
            raise Refused(507, f"The disk of the work folder has {free / 1e9:.1f} GB left, too little for this; make "
                               "room, or start with another folder (--work).")

    def _too_large(self):
        return Refused(413, f"Expected at most {self.most / 1e9:.3g} GB, the upload is larger; drop one series alone.")


def full_disk(error):
    """The :class:`Refused` of an OSError or sqlite3.Error while writing."""
    if isinstance(error, sqlite3.Error):
        error = OSError(errno.ENOSPC if "full" in str(error) else errno.EIO, str(error))
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return Refused(507, "The disk is full: nothing of this was kept, and what was saved before is whole. Make room "
                            "and try again.")
    return Refused(500, f"The work folder cannot be written ({error.strerror or error}).")


def readable(text, most):
    """A name without signs that cannot be seen (line breaks, turned writing), of at most ``most`` letters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())[:most]


def _plain_parts(name):
    """A path's parts as names that every file system takes: at most 255 bytes."""
    parts = [re.sub(r"[^\w.\- ]", "_", part).encode()[-150:].decode(errors="ignore").strip(" ")
             for part in PurePosixPath(name).parts]
    return [part.lstrip(".") or "_" for part in parts] or ["_"]


def _source_in(room):
    """The path that an upload is read from: its only file or folder, or all of it."""
    inside = list(room.iterdir())
    return inside[0] if len(inside) == 1 else room


def offer_again(store, folder):
    """Adds uploads that came in whole and are in no list: the app was killed between the two."""
    listed = {Path(case["source"]).relative_to(folder.sources).parts[0] for case in store.all() if case["owned"]}
    for room in sorted(folder.sources.iterdir()):
        if room.is_dir() and room.name not in listed:
            source = _source_in(room)
            store.add(secrets.token_hex(8), source, True, None, stem(source))


def remove_source(folder, path):
    """Removes an upload's folder among the sources."""
    inside = Path(path).relative_to(folder.sources).parts[0]
    shutil.rmtree(folder.sources / inside, ignore_errors=True)
