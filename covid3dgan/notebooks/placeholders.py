"""Paths that a published notebook cannot know: '.../train_covid_cropped.npy', 'your code directory', Colab's drive."""

__all__ = ["Placeholders", "entries", "is_placeholder", "parse_maps"]

import os
import re
from glob import has_magic
from pathlib import Path

from covid3dgan.errors import ArgumentError

_DOTS = re.compile(r"(?:\.\.\.|…)[/\\]+(.*)", re.S)
_COLAB = re.compile(r"/content(?:/g?drive(?:/(?:My ?Drive|MyDrive))?)?(?:/(.*))?", re.S)
_YOUR = re.compile(r"(?:path to )?your[ _-](?:\w+[ _-])*(?:directory|dir|path|folder)", re.I)
_FILE = re.compile(r"[^\s<>|:*?\"']*\.(?:npy|npz|pkl|pickle|h5|hdf5|keras|csv|xlsx?|json|txt|png|jpe?g|tiff?|nii"
                   r"|nii\.gz|dcm|mat|zip)", re.I)

_scandir = os.scandir


def entries(folder):
    """The names in a folder, whatever the notebook's own functions are made to do (idioms.folders)."""
    with _scandir(folder) as found:
        return [entry.name for entry in found]


def parse_maps(texts):
    """``PLACEHOLDER=PATH`` strings as a dictionary; paths become absolute, since the kernel works elsewhere."""
    maps = {}
    for text in texts:
        placeholder, equals, path = str(text).partition("=")
        if not equals or not placeholder.strip() or not path.strip():
            raise ArgumentError("--map", "PLACEHOLDER=PATH", repr(text),
                                "write for example --map '.../train_covid_cropped.npy=data/covid.npy'")
        maps[placeholder.strip()] = str(Path(path.strip()).expanduser().resolve())
    return maps


def is_placeholder(text):
    """Whether ``text`` is a path that exists on nobody's machine."""
    return _unmapped(text) is not None


def _unmapped(text):
    """What remains of a placeholder below its root ('' for the root itself), or None where it is none."""
    for pattern in (_DOTS, _COLAB):
        found = pattern.fullmatch(text)
        if found:
            return (found[1] or "").strip("/\\")
    return "" if _YOUR.fullmatch(text.strip()) else None


class Placeholders:
    """Replaces the paths in string constants.

    Args:
        recorder: gets an event for every replacement.
        work: the folder that takes what is not mapped.
        notebook_folder: the user's notebook's own folder, whose files the notebook may read.
        maps: the user's ``--map``: placeholder, path below it or file name -> path.
    """

    def __init__(self, recorder, work, notebook_folder, maps):
        self.recorder = recorder
        self.work = Path(work)
        self.notebook_folder = Path(notebook_folder)
        self.maps = dict(maps)
        self.origin = {}  # path in use -> the file name that the notebook gave
        self.used = set()
        self.made = set()  # folders that were made for a path below them

    def replace(self, text, reading=False):
        """The path to use for ``text``, or None where it stays as it is.

        Args:
            text: a string constant of the notebook.
            reading: whether it stands in a call that reads; only then may it lead to a file beside the notebook, which
                nothing should overwrite.
        """
        if not text or len(text) > 500 or "\n" in text:
            return None
        rules = (self._mapped, self._placeholder, self._missing_root)
        for rule in (*rules, self.beside) if reading else rules:
            path = rule(text)
            if path is not None:
                self.origin[str(Path(path))] = text.replace("\\", "/").rstrip("/").rpartition("/")[2]
                return path
        return None

    def directory(self, text):
        """Where ``cd TEXT`` leads; None where it stays in the present directory."""
        if not text or Path(text).expanduser().is_dir():
            return text or None
        path = self.replace(text)
        return path if path is not None and Path(path).is_dir() else None

    def name_of(self, path):
        """The file name under which the notebook knows ``path``."""
        path = Path(path)
        return self.origin.get(str(path)) or self.origin.get(str(path.absolute())) or path.name

    def _mapped(self, text):
        normal = _normal(text)
        for key in sorted(self.maps, key=len, reverse=True):
            target, wanted = self.maps[key], _normal(key)
            rest = None
            if normal == wanted or ("/" not in wanted and normal.rpartition("/")[2] == wanted and _pathlike(text)):
                rest = ""
            elif normal.startswith(wanted + "/"):
                rest = text.replace("\\", "/").strip("/")[-(len(normal) - len(wanted) - 1):]
            if rest is None:
                continue
            path = str(Path(target) / rest) if rest else target
            self.used.add(key)
            self.recorder.emit("mapping", text, f"{path} (--map)")
            return path
        return None

    def _placeholder(self, text):
        rest = _unmapped(text)
        if rest is None:
            return None
        path = self.work / rest if rest else self.work
        if not has_magic(rest):  # a pattern such as *.nii.gz names no file to write
            self._make_parents(path)
        # A trailing slash is kept: notebooks glue file names to it.
        shown = str(path) + ("/" if text.endswith(("/", "\\")) else "")
        self.recorder.emit("mapping", text, f"{shown} (working directory; --map '{text}=PATH' names your own)")
        return shown

    def _make_parents(self, path):
        new = [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        self.made.update(new)

    def is_missing(self, path):
        """Whether nothing is at ``path``, or an empty folder that was made only for a path below it."""
        path = Path(path)
        return not path.exists() or (path in self.made and not entries(path))

    def _missing_root(self, text):
        """An absolute path of another machine, such as /PreprocessedData/LungMask.npy."""
        parts = Path(text).parts
        if not (text.startswith("/") and len(parts) > 2 and _FILE.fullmatch(text)) or (Path("/") / parts[1]).exists():
            return None
        path = self.work.joinpath(*parts[1:])
        self._make_parents(path)
        self.recorder.emit("mapping", text, f"{path} (working directory; there is no /{parts[1]} here)")
        return str(path)

    def beside(self, text):
        """A file or folder beside the notebook, where the working directory has none of that name; else None."""
        text = str(text)
        path = self.notebook_folder / text
        if Path(text).is_absolute() or not _pathlike(text) or (self.work / text).exists() or not path.exists():
            return None
        self.recorder.emit("mapping", text, f"{path} (beside the notebook)")
        return str(path)


def _normal(text):
    """For comparison: no leading './', no trailing slash, no difference of case."""
    text = text.replace("\\", "/").strip().strip("'\"")
    while text.startswith("./"):
        text = text[2:]
    return text.rstrip("/").casefold()


def _pathlike(text):
    return "/" in text or "\\" in text or bool(_FILE.fullmatch(text))
