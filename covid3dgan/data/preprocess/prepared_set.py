"""A folder of prepared cases as arrays to train on."""

__all__ = ["PreparedSet", "open_prepared", "refuse_other_preparation"]

import collections
import dataclasses
from pathlib import Path

import numpy as np

from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.shards import open_shards
from covid3dgan.errors import InputError


@dataclasses.dataclass(frozen=True)
class PreparedSet:
    """Prepared cases of one shape, in the order of their ids.

    Args:
        cases: data.preprocess.prepared_case.PreparedCase of each.
        paths: their files.
    """

    cases: tuple
    paths: tuple

    def __len__(self):
        return len(self.cases)

    @property
    def ids(self):
        """The cases' ids."""
        return [case.id for case in self.cases]

    @property
    def options(self):
        """How each was prepared, the fields of presets.preprocessing.PreprocessOptions; None where it does not say."""
        return [case.facts.get("options") for case in self.cases]

    @property
    def lungs(self):
        """What made the lung masks -> number of cases, such as {"lungmask on the original CT": 12, "given": 3}."""
        return dict(collections.Counter(case.facts.get("lung_mask", "not recorded") for case in self.cases))

    @property
    def shape(self):
        """(slices, rows, columns)."""
        return tuple(self.cases[0].shape)

    def files(self):
        """The files that the arrays came from."""
        return list(self.paths)

    def only(self, kind):
        """The healthy or the COVID cases.

        Args:
            kind: "healthy" or "covid", as data.preprocess.prepared_case.is_healthy tells them apart.
        """
        chosen = [i for i, case in enumerate(self.cases)
                  if prepared_case.is_healthy(case, self.paths[i]) == (kind == "healthy")]
        return self.take(chosen)

    def take(self, indices):
        """The cases at these positions."""
        return PreparedSet(tuple(self.cases[i] for i in indices), tuple(self.paths[i] for i in indices))

    def array(self, name):
        """``lung``, ``lung_mask``, ``base`` or ``infection`` of all cases: (N, slices, rows, columns) float32."""
        missing = [case.id for case in self.cases if getattr(case, name) is None]
        if missing:
            raise InputError(missing[0], f"a case with its {name} mask", "one without",
                             "preprocess a data set that has the masks")
        return np.stack([getattr(case, name) for case in self.cases]).astype(np.float32)


# What changes every voxel of the lung image: a network that learned from one kind is not to see the other.
# And what sets have that were made before it was an option.
ALIKE = {"lung_level": None, "lung_level_limits": (400.0, -550.0), "median": 1}


def refuse_other_preparation(cases, options):
    """Raises InputError where the lungs were prepared in another way than those of new CTs will be.

    Args:
        cases: a :class:`PreparedSet` or a data.preprocess.shards.ShardedSet.
        options: presets.preprocessing.PreprocessOptions of the training.
    """
    for name, held in zip(cases.ids, cases.options):
        for field, before in ALIKE.items() if held is not None else ():
            wanted, found = getattr(options, field), held.get(field, before)
            if found != wanted and found != list(np.atleast_1d(wanted)):
                raise InputError(name, f"lungs prepared with preprocess.{field}={wanted}", f"{found}",
                                 f"prepare them with the preset that trains, or set preprocess.{field} for the "
                                 "training")


def open_prepared(*folders):
    """All prepared cases (.npz) of one or several folders; those of one folder of shards stay on disk.

    Raises:
        InputError: no folder, no case, cases of different shapes, or two cases of one id.
    """
    sharded = [open_shards(folder) for folder in folders]
    if any(found is not None for found in sharded):
        if len(folders) > 1:
            raise InputError(folders[0], "one folder where it holds shards", f"{len(folders)} folders",
                             "write all cases into one folder of shards")
        return sharded[0]
    paths = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise InputError(folder, "a folder of prepared cases", "no such folder",
                             "make it with 'covid3dgan preprocess'")
        found = sorted(folder.rglob("*.npz"))
        if not found:
            raise InputError(folder, "prepared cases (.npz)", "none", "make them with 'covid3dgan preprocess'")
        paths += found
    cases = [prepared_case.load(path) for path in paths]
    for path, case in zip(paths, cases):
        if case.shape != cases[0].shape:
            raise InputError(path, f"a case of shape {cases[0].shape} like {paths[0].name}", f"{case.shape}",
                             "preprocess all cases at one shape")
    ids = [case.id for case in cases]
    twice = [path for path, name in zip(paths, ids) if ids.count(name) > 1]
    if twice:
        raise InputError(twice[0], "ids that occur once", f"another case called {prepared_case.load(twice[0]).id!r}",
                         "rename one of the two cases")
    return PreparedSet(tuple(cases), tuple(paths))
