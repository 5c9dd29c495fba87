"""Prepared cases in shards: cohorts beyond memory, of which training reads the volumes that a step needs.

A folder with ``shards.json`` (format, shape, the cases and their shards, sha256 of every file) and ``shard_00000.npy``,
..., each (cases, 3, slices, rows, columns) float32: lung image, lung mask, infection mask. Reading goes to any case
directly, so the order of training stays that of data.batches.pipelines.Indices, a pure function of seed and step.
"""

__all__ = ["INDEX", "ShardWriter", "ShardedSet", "ShardedVolumes", "open_shards", "write_shards"]

import collections
import dataclasses
import json
from pathlib import Path

import numpy as np

from covid3dgan import progress
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.errors import InputError
from covid3dgan.files import atomic_path, refuse_overwrite, sha256, write_json

INDEX, FORMAT = "shards.json", 1
ARRAYS = ("lung", "lung_mask", "infection")


class ShardWriter:
    """Writes cases one after the other; the memory it takes is one shard's.

    Args:
        out: the folder to make.
        shape: (slices, rows, columns) of every case.
        per_shard: cases per file.
        overwrite: replace shards that are there.
    """

    def __init__(self, out, shape, per_shard=16, overwrite=False):
        self.out, self.shape, self.per_shard = Path(out), tuple(shape), per_shard
        refuse_overwrite(self.out / INDEX, overwrite)
        self.out.mkdir(parents=True, exist_ok=True)
        self._waiting, self._cases, self._shards = [], [], []

    def add(self, name, healthy, lung, lung_mask, infection=None, options=None, lungs=None):
        """One case; ``infection`` may be missing. Arrays are (slices, rows, columns).

        ``options`` and ``lungs`` are how it was prepared and what made its lung mask, as ``PreparedCase.facts`` has
        them.
        """
        if lung.shape != self.shape:
            raise InputError(name, f"a case of shape {self.shape}", f"{lung.shape}", "preprocess all at one shape")
        self._cases.append({"id": name, "healthy": bool(healthy), "has_infection": infection is not None,
                            "options": options, "lungs": lungs})
        empty = np.zeros(self.shape, np.float32)
        self._waiting.append(np.stack([lung, lung_mask, empty if infection is None else infection]).astype(np.float32))
        if len(self._waiting) == self.per_shard:
            self._flush()

    def close(self):
        """Writes what waits, and the index: without it the folder holds no shards."""
        if self._waiting:
            self._flush()
        write_json(self.out / INDEX, {"format": FORMAT, "shape": self.shape, "arrays": ARRAYS,
                                      "per_shard": self.per_shard, "shards": self._shards, "cases": self._cases})

    def _flush(self):
        path = self.out / f"shard_{len(self._shards):05d}.npy"
        with atomic_path(path) as temporary, open(temporary, "wb") as handle:
            np.save(handle, np.stack(self._waiting), allow_pickle=False)
        self._shards.append({"file": path.name, "sha256": sha256(path)})
        self._waiting = []


@dataclasses.dataclass(frozen=True)
class ShardedSet:
    """What data.preprocess.prepared_set.PreparedSet is to cases in memory.

    Args:
        path: the folder.
        index: the content of shards.json.
        chosen: positions of the cases in it.
    """

    path: Path
    index: dict
    chosen: tuple

    def __len__(self):
        return len(self.chosen)

    @property
    def ids(self):
        """The cases' ids."""
        return [self.index["cases"][i]["id"] for i in self.chosen]

    @property
    def options(self):
        """How each was prepared, see data.preprocess.prepared_set.PreparedSet; None where the shards do not say."""
        return [self.index["cases"][i].get("options") for i in self.chosen]

    @property
    def lungs(self):
        """What made the lung masks -> number of cases, see data.preprocess.prepared_set.PreparedSet."""
        return dict(collections.Counter(self.index["cases"][i].get("lungs") or "not recorded" for i in self.chosen))

    @property
    def shape(self):
        """(slices, rows, columns)."""
        return tuple(self.index["shape"])

    def files(self):
        """The index, which holds the sha256 of every shard."""
        return [self.path / INDEX]

    def only(self, kind):
        """The "healthy" or the "covid" cases."""
        return self.take([k for k, i in enumerate(self.chosen)
                          if self.index["cases"][i]["healthy"] == (kind == "healthy")])

    def take(self, indices):
        """The cases at these positions."""
        return dataclasses.replace(self, chosen=tuple(self.chosen[k] for k in indices))

    def array(self, name):
        """``lung``, ``lung_mask`` or ``infection`` of all cases, as a :class:`ShardedVolumes`."""
        if name not in ARRAYS:
            raise InputError(self.path, f"one of {', '.join(ARRAYS)}", name, "train from the .npz cases")
        missing = [self.index["cases"][i]["id"] for i in self.chosen if not self.index["cases"][i]["has_infection"]]
        if name == "infection" and missing:
            raise InputError(missing[0], "a case with its infection mask", "one without",
                             "preprocess a data set that has the masks")
        return ShardedVolumes(self, ARRAYS.index(name))


class ShardedVolumes:
    """Volumes on disk that read like an array (N, slices, rows, columns); each access reads what it asks for."""

    ndim, dtype = 4, np.dtype(np.float32)

    def __init__(self, cases, number):
        self.cases, self.number = cases, number
        self.shape = (len(cases), *cases.shape)

    def __len__(self):
        return len(self.cases)

    def __getitem__(self, key):
        if isinstance(key, (int, np.integer)):
            return self._read(range(len(self))[key])
        picked = np.arange(len(self))[key]
        return np.stack([self._read(k) for k in picked]) if len(picked) else np.zeros((0, *self.shape[1:]), np.float32)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self[:], dtype)

    def _read(self, position):
        index = self.cases.index
        shard, row = divmod(self.cases.chosen[position], index["per_shard"])
        path = self.cases.path / index["shards"][shard]["file"]
        size = int(np.prod(index["shape"]))
        with open(path, "rb") as handle:
            np.lib.format.read_magic(handle)
            np.lib.format.read_array_header_1_0(handle)
            start = handle.tell() + 4 * size * (row * len(ARRAYS) + self.number)
        # Read, not mapped: mapped pages would count as this process's memory until the whole cohort is in it.
        found = np.fromfile(path, "<f4", size, offset=start)
        if found.size != size:
            raise InputError(path, "a whole shard", "one that ends early", "write the shards again")
        return found.reshape(index["shape"])


def open_shards(folder):
    """The cases of a folder of shards as a :class:`ShardedSet`; None where the folder holds none."""
    folder = Path(folder)
    if not (folder / INDEX).is_file():
        return None
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if index["format"] != FORMAT or tuple(index["arrays"]) != ARRAYS:
            raise KeyError("format")
        counts = [len(index["cases"]) - k * index["per_shard"] for k in range(len(index["shards"]))]
        missing = [shard["file"] for shard in index["shards"] if not (folder / shard["file"]).is_file()]
        if missing or not counts or not 0 < counts[-1] <= index["per_shard"]:
            raise InputError(folder, f"all {len(index['shards'])} shards of {INDEX}", f"no {(missing or ['case'])[0]}",
                             "write the shards again")
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(folder / INDEX, "an index of shards", "something else", "write the shards again") from error
    return ShardedSet(folder, index, tuple(range(len(index["cases"]))))


def write_shards(folder, out, per_shard=16, overwrite=False):
    """Writes the prepared cases (.npz) of ``folder`` as shards, one in memory at a time; returns their number."""
    paths = sorted(Path(folder).glob("*.npz"))
    if not paths:
        raise InputError(folder, "prepared cases (.npz)", "none", "make them with 'covid3dgan preprocess'")
    writer = None
    for path in progress.bar(paths, description="shards", unit="case"):
        case = prepared_case.load(path)
        writer = writer or ShardWriter(out, case.shape, per_shard, overwrite)
        writer.add(case.id, prepared_case.is_healthy(case, path), case.lung, case.lung_mask, case.infection,
                   case.facts.get("options"), case.facts.get("lung_mask"))
    writer.close()
    return len(paths)
