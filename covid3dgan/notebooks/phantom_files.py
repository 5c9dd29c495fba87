"""Files that a published notebook expects, made from phantoms in the shape that it expects.

The published arrays are float64 (the authors' code fills ``numpy.zeros``), volumes (cases, 32, 128, 128), slices
(cases x 32, 128, 128, 1).
"""

__all__ = ["FOLDERS", "MODELS", "PhantomFiles"]

import re
from pathlib import Path

import numpy as np

from covid3dgan.notebooks.cells.data_sizes import role_of

SHAPE = (32, 128, 128)
# What an array is, by a word of its name; the first that fits wins.
_WORDS = ((r"loss|hist|acc|metric|score|weight|idx|ids|index|pred|result", None),
          (r"pseudo|diff", "difference"), (r"lung.?masks?|masks?.?lung", "lung_mask"),
          (r"infect|lesion|mask|label|annot|ground.?truth|_gt|gt_|(?:^|_)y(?:_|$)", "infection"), (r"base.?ct", "base"),
          (r"covid|normal|healthy|control|lung|image|img|scan|volume|slice|ct|data|train|test|val", "lung"))
FOLDERS = {"data": "ct", "images": "ct", "mask": "infection", "masks": "infection"}
_OF_MASKS = re.compile(r"mask|infect|lesion|label|seg|annot", re.I)
_OF_CTS = re.compile(r"(?:^|[\W_])ct(?:[\W_\d]|$)|scan|image|img|vol|stud|nii|covid|normal|healthy|mosmed|corona|"
                     r"radiop|uestc|patient|case|dataset|^data$|train|test|val", re.I)
# Sums of a slice's pseudo-mask that the published code looks for: high above 95, low between 65 and 80.
_HIGH, _LOW, _FAINT = 110.0, 72.0, 3.0

# A word in a model file's name -> builder in covid3dgan.models and its arguments; the first that fits wins.
MODELS = {
    r"disc|^d(?:_|$)": ("build_discriminator", {"variant": "published"}),
    r"gen|^g(?:_|$)": ("build_generator", {"variant": "published", "with_unused_input": True}),
    r"en_con|contrast|^encoder": ("build_contrastive_encoder", {"projection_units": 128}),
    r"en_de|seg|unet|bcdu": ("build_segmenter", {}),
}


def _kind_of(name):
    """Which array of a prepared case, or "difference", ``name`` is by its words; None where they say nothing."""
    stem = name.lower().partition(".")[0]
    return next((kind for words, kind in _WORDS if re.search(words, stem)), None)


class PhantomFiles:
    """Makes what is missing.

    Args:
        recorder: gets an event for every file.
        cases: phantoms of each kind.
        size: their voxels (X, Y, Z).
        seed: of the phantoms.
    """

    def __init__(self, recorder, cases=6, size=(112, 112, 40), seed=0):
        self.recorder, self.cases, self.size, self.seed = recorder, int(cases), tuple(size), int(seed)
        self._made = {}

    def can_make(self, name):
        """Whether the array that notebooks call ``name`` can be made."""
        return name.endswith(".npy") and (role_of(name) is not None or _kind_of(name) is not None)

    def make(self, name, path):
        """Writes the array that notebooks call ``name`` to ``path``."""
        array = self._array(name).astype(np.float64)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
        self.recorder.emit("phantom", name, f"{array.shape} from {self.cases} phantoms, not patients: {path}")

    def make_folder(self, name, path):
        """Fills the folder ``path`` with CTs or with infection masks, one NIfTI file per case."""
        from covid3dgan.data import volumes

        kind = FOLDERS[name.lower()]
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        for case in self._cases("coronacases-like"):
            volumes.write(case.ct if kind == "ct" else case.infection, path / f"{case.id}.nii.gz", overwrite=True)
        self.recorder.emit("phantom", f"folder {path.name}", f"{self.cases} phantoms ({kind}), not patients: {path}")

    def can_fill(self, folder):
        """Whether a folder of this name may hold CTs or masks."""
        return bool(_OF_MASKS.search(Path(folder).name) or _OF_CTS.search(Path(folder).name))

    def fill(self, folder):
        """Fills a folder that a notebook lists, by its name."""
        self.make_folder("mask" if _OF_MASKS.search(Path(folder).name) else "data", folder)

    def make_file(self, path):
        """Writes one CT, or one infection mask, as the NIfTI file ``path``; several such files are several cases."""
        from covid3dgan.data import volumes

        path = Path(path)
        kind = "infection" if _OF_MASKS.search(f"{path.parent.name}/{path.name}") else "ct"
        made = self._made.setdefault(("files", kind), [])
        case = self._cases("coronacases-like")[len(made) % self.cases]
        made.append(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        volumes.write(case.ct if kind == "ct" else case.infection, path)
        self.recorder.emit("phantom", path.name, f"one phantom ({kind}), not a patient: {path}")

    def model(self, path):
        """An untrained network of the published architecture for a model file that is not there, or None."""
        name = Path(path).name.partition(".")[0].lower()
        found = next((made for words, made in MODELS.items() if re.search(words, name)), None)
        if found is None:
            return None
        from covid3dgan import compat, models

        builder, arguments = found
        network = compat.never_xla(getattr(models, builder)(**arguments))
        self.recorder.emit("phantom", f"model {name}", "an UNTRAINED network of the published architecture: its output "
                           f"means nothing (--map '{path.name}=FILE' names yours)")
        return network

    def _array(self, name):
        if role_of(name) == "slices":
            return self._slices()["input" in name]
        kind = _kind_of(name) or "lung"
        if kind == "difference":
            without, slices = self._slices()
            return slices - without
        cohort = "healthy" if role_of(name) == "healthy" else "coronacases-like"
        array = np.stack([getattr(case, kind) for case, _ in self._prepared(cohort)])
        return array.reshape(-1, *array.shape[2:], 1) if "slice" in name.lower() else array

    def _slices(self):
        """(pseudo-healthy slices, COVID slices), each (cases x 32, 128, 128, 1).

        The difference of a phantom and its healthy twin, brought to sums that make every other slice with a lesion
        "high" and the rest "low".
        """
        pairs = self._prepared("coronacases-like")
        sick = np.concatenate([case.lung for case, _ in pairs]).astype(np.float64)
        difference = np.maximum(sick - np.concatenate([twin.lung for _, twin in pairs]), 0)
        sums = difference.sum((1, 2))
        affected = np.flatnonzero(sums > _FAINT)
        for wanted, chosen in ((_HIGH, affected[::2]), (_LOW, affected[1::2])):
            difference[chosen] *= (wanted / sums[chosen])[:, None, None]
        return (sick - difference)[..., None], sick[..., None]

    def _cases(self, cohort):
        from covid3dgan.data.phantoms import chest_ct

        if cohort not in self._made:
            print(f"covid3dgan: making {self.cases} {cohort} phantoms in the place of missing files")
            self._made[cohort] = [chest_ct.generate(cohort, case, self.seed, self.size) for case in range(self.cases)]
        return self._made[cohort]

    def _prepared(self, cohort):
        """(prepared CT, prepared healthy twin) of every case, on one grid."""
        from covid3dgan.data.preprocess import recipe
        from covid3dgan.presets.preprocessing import PreprocessOptions

        key = ("prepared", cohort)
        if key not in self._made:
            options = PreprocessOptions.paper()
            self._made[key] = [(recipe.prepare(case.ct, case.lungs, case.infection, options, case.id),
                                recipe.prepare(case.healthy, case.lungs, None, options, case.id))
                               for case in self._cases(cohort)]
        return self._made[key]
