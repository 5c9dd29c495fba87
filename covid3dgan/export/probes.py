"""The inputs on which an exported file has to agree with its network: zeros, a phantom, extremes.

AF-SEG's networks normalise every channel of an image by its own deviation. An image that is the same everywhere has
none; the result is then the rounding error of the means, multiplied by up to 300 in every layer: a change of 1e-7 in
zeros changed the probabilities of a trained segmenter by 0.9 in Keras itself. Instead these networks see faint noise.
"""

__all__ = ["make_probes"]

import numpy as np

from covid3dgan.data.batches.patches import to_network
from covid3dgan.data.batches.slice_batches import normalised
from covid3dgan.data.files import images
from covid3dgan.data.phantoms import cells, chest_ct
from covid3dgan.data.preprocess.recipe import prepare
from covid3dgan.presets.preprocessing import PreprocessOptions

PHANTOM_SIZE = (96, 96, 32)
FAINT = 0.01
NOISE = {"generator": 0.5, "coach": 3.0}  # the largest values of the noise input, by part


def make_probes(exportable, seed=0):
    """Name -> {input name: (1, ...) float32}; the same seed gives the same numbers.

    * zeros: every input zero; AF-SEG: ``faint``, uniform noise of +-FAINT around zero;
    * phantom: a synthetic chest CT with lesions, prepared (for AF-SEG a synthetic blood smear), and random noise;
    * extremes: every voxel at one end or the other of its range, and so the noise.
    """
    spec, shapes = exportable.spec, exportable.shapes
    rng = np.random.default_rng(seed)
    first = spec.inputs[0]
    sides = shapes[first][:-1]
    pictures = {"phantom": _picture(spec.domain, sides, seed), "extremes": rng.integers(0, 2, sides).astype(np.float32)}
    if spec.domain == "signed":
        probes = {"faint": {first: rng.uniform(-FAINT, FAINT, (1, *shapes[first])).astype(np.float32)}}
    else:
        probes = {"zeros": {name: np.zeros((1, *shape), np.float32) for name, shape in shapes.items()}}
    for label, picture in pictures.items():
        probes[label] = {first: _encoded(spec.domain, picture, shapes[first][-1])[None].astype(np.float32)}
        if "noise" in shapes:
            noise = rng.uniform(-1, 1, (1, *shapes["noise"])) * NOISE[exportable.part]
            ends = np.sign(noise) * NOISE[exportable.part]
            probes[label]["noise"] = (ends if label == "extremes" else noise).astype(np.float32)
    return probes


def _picture(domain, sides, seed):
    """(sides) float32 in [0, 1]: a prepared phantom, its middle slice, or a blood smear."""
    if domain == "signed":
        smear = cells.blood_smear(seed, 0, size=max(64, min(sides)))[0]
        return images.resize(smear.astype(np.float32), sides)
    case = chest_ct.generate("coronacases-like", 0, seed, PHANTOM_SIZE)
    shape = sides if domain == "volume" else (16, *sides)
    prepared = prepare(case.ct, lung_mask=case.lungs, options=PreprocessOptions.paper(shape=shape, min_slices=2))
    return prepared.lung if domain == "volume" else prepared.lung[shape[0] // 2]


def _encoded(domain, picture, channels):
    """A picture in [0, 1] as the network takes it, with its channels."""
    if domain == "signed":
        return to_network(picture)
    if domain == "normalised":
        image = normalised(picture)
        return image if channels == 3 else np.concatenate([image, normalised((picture > 0.5).astype(np.float32))], -1)
    return picture[..., None]
