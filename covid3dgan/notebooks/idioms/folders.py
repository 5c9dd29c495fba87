"""Folders of CTs that a notebook lists, walks or enters before it can know that they are not there."""

__all__ = ["install_folders"]

import functools
import glob
import os
from pathlib import Path

from covid3dgan.notebooks.idioms.vanished_modules import called_by_notebook


def install_folders(fill, with_nibabel):
    """Calls ``fill(folder)`` before a cell lists a folder, and ``fill(file)`` before it reads a NIfTI file.

    Args:
        fill: (path) -> None; makes what is missing and may be made, see `extension.Helper.fill`.
        with_nibabel: whether the notebook reads NIfTI files with nibabel.
    """
    for module, name in ((os, "listdir"), (os, "scandir"), (os, "walk")):
        setattr(module, name, _filled_first(getattr(module, name), fill, lambda path: path))
    for name in ("glob", "iglob"):
        setattr(glob, name, _filled_first(getattr(glob, name), fill, _listed))
    for name in ("glob", "rglob", "iterdir"):
        setattr(Path, name, _filled_first(getattr(Path, name), fill, lambda path: path))
    chdir = os.chdir

    @functools.wraps(chdir)
    def chdir_to_new(path):
        if called_by_notebook():
            fill(path, entered=True)
        return chdir(path)

    os.chdir = chdir_to_new
    if with_nibabel:
        import nibabel

        nibabel.load = _filled_first(nibabel.load, fill, lambda path: path)


def _filled_first(function, fill, folder):
    @functools.wraps(function)
    def filled(*args, **kwargs):
        path = args[0] if args else next(iter(kwargs.values()), None)
        if isinstance(path, (str, Path)) and called_by_notebook():
            fill(folder(path))
        return function(*args, **kwargs)

    return filled


def _listed(pattern):
    """The folder whose entries a pattern of ``glob`` stands for."""
    parts = Path(pattern).parts
    first = next((at for at, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return Path(*parts[:first])
