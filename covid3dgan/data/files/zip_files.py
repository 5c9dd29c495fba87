"""Zip files from strangers, unpacked into a folder that vanishes with its last user."""

__all__ = ["MOST_FILES", "Archive", "leaves_its_folder"]

import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from covid3dgan import progress
from covid3dgan.errors import InputError

# CTs shrink to a half, phantoms to a tenth; what shrinks to less than this share is no CT once it is larger than that.
LARGEST_RATIO, SMALL = 100, 1 << 28
MOST_FILES = 100_000
_BLOCK = 1 << 20
_ENCRYPTED = 1


class Archive:
    """A zip file, unpacked.

    Attributes:
        path: the zip file.
        folder: what it holds; the one folder at its top where that is all there is. Removed with this object.

    Raises:
        InputError: for what is damaged or encrypted, names a file outside of its folder, or unpacks to more than fits.
    """

    def __init__(self, path):
        self.path = Path(path)
        self._room = tempfile.TemporaryDirectory(prefix="covid3dgan-")
        self.folder = Path(self._room.name) / self.path.stem
        self.folder.mkdir()
        try:
            with zipfile.ZipFile(self.path) as archive:
                for entry in progress.bar(self._checked(archive), description=f"unpack {self.path.name}", unit="file"):
                    self._unpack(archive, entry)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error) as error:
            raise InputError(self.path, "a whole zip file", f"a damaged or unusual one ({error})",
                             "copy it again, or unpack it and pass the folder") from None
        while [item.is_dir() for item in self.folder.iterdir()] == [True]:
            self.folder = next(self.folder.iterdir())

    def named(self, text):
        """``text`` with the zip file's name in the place of the folder's, as people know it."""
        unpacked = Path(self._room.name) / self.path.stem
        return str(text).replace(str(unpacked), str(self.path)).replace(self._room.name, str(self.path.parent))

    def _checked(self, archive):
        """The files to unpack; an error for an archive that nobody should unpack."""
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MOST_FILES:
            raise InputError(self.path, f"at most {MOST_FILES} files", f"{len(entries)}", "unpack it by hand")
        for entry in entries:
            if leaves_its_folder(entry.filename) or stat.S_ISLNK(entry.external_attr >> 16):
                raise InputError(self.path, "files inside its own folder", f"the path {entry.filename!r}",
                                 "do not unpack it; ask whoever made it")
            if entry.flag_bits & _ENCRYPTED:
                raise InputError(self.path, "a zip file without a password", "encrypted files",
                                 "unpack it and pass the folder")
        size, packed = (sum(getattr(entry, name) for entry in entries) for name in ("file_size", "compress_size"))
        if size > max(SMALL, LARGEST_RATIO * min(packed, self.path.stat().st_size)):
            raise InputError(self.path, f"a zip file of CTs, which grow to at most {LARGEST_RATIO} times its size",
                             f"one that grows to {size / 1e9:.1f} GB (a zip bomb)", "do not unpack it")
        free = shutil.disk_usage(self._room.name).free
        if size > 0.9 * free:
            raise InputError(self.path, f"at most {free / 1e9:.1f} GB, the free disk space", f"{size / 1e9:.1f} GB",
                             "unpack it on a larger disk and pass the folder")
        return entries

    def _unpack(self, archive, entry):
        target = self.folder.joinpath(*PurePosixPath(entry.filename).parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as packed, open(target, "wb") as whole:
            shutil.copyfileobj(packed, whole, _BLOCK)  # zipfile gives no byte more than the entry promises


def leaves_its_folder(name):
    """Whether a stranger's path, with '/' between its parts, is absolute or leads out of the folder it is put into."""
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    return (windows.is_absolute() or posix.is_absolute() or bool(windows.drive) or "\\" in name or "\0" in name
            or ".." in posix.parts)
