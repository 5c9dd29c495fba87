"""Files that are either whole or absent: atomic writes, checksums, and the rule against silent overwriting."""

__all__ = ["atomic_path", "atomic_write_text", "fsync_directory", "refuse_overwrite", "sha256", "write_json"]

import contextlib
import hashlib
import json
import os
from pathlib import Path

from covid3dgan.errors import InputError


def refuse_overwrite(path, overwrite=False):
    """Raises InputError if ``path`` exists and ``overwrite`` is not set."""
    if Path(path).exists() and not overwrite:
        raise InputError(path, "a path that does not exist yet", "an existing file or folder",
                         "choose another name or pass --overwrite")


def fsync_directory(path):
    """Makes a rename inside ``path`` durable; a no-op where directories cannot be opened (Windows)."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def atomic_path(path):
    """Yields a temporary path beside ``path``; on success it is synced and renamed, on failure removed.

    The temporary name keeps the suffixes (``.nii.gz``), since writers choose the format by them.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    try:
        yield temporary
        with open(temporary, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
        fsync_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def atomic_write_text(path, text):
    """Writes ``text`` (UTF-8) to ``path``, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, content):
    """Writes ``content`` as indented JSON, whole or not at all; NaN and Inf become null."""
    atomic_write_text(path, json.dumps(_finite(content), indent=1, sort_keys=False, default=_plain) + "\n")


def _plain(value):
    """Numpy scalars and arrays, paths and sets as JSON values."""
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    if isinstance(value, (set, tuple)):
        return list(value)
    return str(value)


def _finite(value):
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


def sha256(path):
    """Hex digest of a file's content."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
