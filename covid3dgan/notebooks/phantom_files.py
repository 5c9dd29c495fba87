"""Files that a published notebook expects, made from phantoms in the shape that it expects.

The published arrays are float64 (the authors' code fills ``numpy.zeros``), volumes (cases, 32, 128, 128), slices
(cases x 32, 128, 128, 1).
"""

__all__ = ["FOLDERS", "MODELS", "PhantomFiles"]

from pathlib import Path

import numpy as np

from covid3dgan.notebooks.cells.data_sizes import role_of

SHAPE = (32, 128, 128)
_PREPARED = {"LungImages.npy": "lung", "InfectionMasks.npy": "infection", "LungMask.npy": "lung_mask",
             "BaseCTImages.npy": "base"}
FOLDERS = {"data": "ct", "images": "ct", "mask": "infection", "masks": "infection"}
# Sums of a slice's pseudo-mask that the published code looks for: high above 95, low between 65 and 80.
_HIGH, _LOW, _FAINT = 110.0, 72.0, 3.0

# Model file -> builder in covid3dgan.models and its arguments.
MODELS = {
    "generator_model": ("build_generator", {"variant": "published", "with_unused_input": True}),
    "discriminator_model": ("build_discriminator", {"variant": "published"}),
    "my_en_de": ("build_segmenter", {}),
    "my_train_en_con": ("build_contrastive_encoder", {"projection_units": 128}),
}


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
        return name in _PREPARED or (name.endswith(".npy") and role_of(name) is not None)

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
        self.recorder.emit("phantom", f"folder {name}", f"{self.cases} phantoms ({kind}), not patients: {path}")

    def model(self, path):
        """An untrained network of the published architecture for a model file that is not there, or None."""
        name = Path(path).name.partition(".")[0]
        if name not in MODELS:
            return None
        from covid3dgan import compat, models

        builder, arguments = MODELS[name]
        network = compat.never_xla(getattr(models, builder)(**arguments))
        self.recorder.emit("phantom", f"model {name}", "an UNTRAINED network of the published architecture: its output "
                           f"means nothing (--map '{path.name}=FILE' names yours)")
        return network

    def _array(self, name):
        if name in _PREPARED:
            return np.stack([getattr(case, _PREPARED[name]) for case, _ in self._prepared("coronacases-like")])
        role = role_of(name)
        if role == "slices":
            return self._slices()["input" in name]
        cohort = {"healthy": "healthy", "covid": "coronacases-like"}[role]
        return np.stack([case.lung for case, _ in self._prepared(cohort)])

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
