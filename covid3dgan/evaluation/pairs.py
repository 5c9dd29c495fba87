"""Finding which prediction belongs to which reference, and reading a pair on one grid."""

__all__ = ["Pair", "PairArrays", "find_pairs", "read_pair"]

import dataclasses
import warnings
from pathlib import Path
from typing import Optional

import numpy as np

from covid3dgan.data import volumes
from covid3dgan.data.datasets.cases import IMAGE_SUFFIXES, VOLUME_SUFFIXES, Pairing, case_id, data_files, natural
from covid3dgan.data.datasets.opening import find_dataset
from covid3dgan.data.files import geometry, images, nifti
from covid3dgan.errors import InputError, InputWarning, sentence

_SUFFIXES = VOLUME_SUFFIXES + IMAGE_SUFFIXES
# What `predict` writes beside the mask ID on request: ID_overlay.png and so on, which are no predictions of their own.
_BESIDE_A_MASK = ("_overlay", "_scores", "_probability", "_uncertainty")

_LOWEST_SCORE = -200  # networks without a last activation give scores a little below 0; air in a CT is near -1000


@dataclasses.dataclass(frozen=True)
class Pair:
    """The files of one case.

    ``image`` is the CT that figures show behind the masks, ``window`` what its values stand for where that is not HU;
    ``trust_image_grid``: the reference has the CT's shape and a wrong affine (see ``data.datasets.cases.Case``).
    """

    case: str
    prediction: Path
    reference: Path
    lungs: Optional[Path] = None
    image: Optional[Path] = None
    window: Optional[tuple[float, float]] = None
    trust_image_grid: bool = False


@dataclasses.dataclass(frozen=True)
class PairArrays:
    """A pair as read, slices first: (slices, rows, columns), slices from the feet up, rows from the front.

    ``prediction`` keeps its values (a mask or a map of scores); the masks are bool; ``spacing`` is mm per slice, row
    and column, None for 2D pictures, which have no size in mm.
    """

    prediction: np.ndarray
    reference: np.ndarray
    lungs: Optional[np.ndarray]
    image: Optional[np.ndarray]
    spacing: Optional[tuple[float, float, float]]


def find_pairs(prediction, reference, lungs=None, ct=None):
    """Pairs files by case id.

    Args:
        prediction: a file, or a folder of NIfTI files or 2D pictures.
        reference: a file, a folder of masks, or a data set (its layouts are in docs/DATASETS.md), which brings its
            lung masks and CTs along.
        lungs, ct: a file or folder each; they win over the data set's own.

    Returns:
        (pairs in the order of their ids, problems as sentences). A reference without prediction is a problem: left
        out in silence, it would make a method look better that failed on it. A prediction without reference warns.
    """
    for what, path in (("prediction", prediction), ("reference", reference), ("lungs", lungs), ("ct", ct)):
        if path is not None and not Path(path).exists():
            raise InputError(path, f"the file or folder of the {what}", "nothing at that path", "check its name")
    prediction, reference = Path(prediction), Path(reference)
    if prediction.is_file() and reference.is_file():
        for what, path in (("lungs", lungs), ("ct", ct)):
            if path is not None and not Path(path).is_file():
                raise InputError(path, "a file, as prediction and reference are files", "a folder",
                                 f"name the {what} file of this case")
        return [Pair(case_id(reference), prediction, reference, lungs and Path(lungs), ct and Path(ct))], []
    if prediction.is_file() or reference.is_file():
        raise InputError(prediction, "two files or two folders", f"a file and a folder ({reference})",
                         "name the mask of the same case, or both folders")
    return _from_folders(prediction, reference, lungs, ct)


def _from_folders(prediction, reference, lungs, ct):
    pairing = Pairing()
    predicted = pairing.by_id(prediction, _SUFFIXES)
    if not predicted:
        data_set = find_dataset(prediction) is not None
        raise InputError(prediction, f"a folder of predictions ({', '.join(_SUFFIXES)})",
                         "a data set" if data_set else "no such file", "name the predictions first and what they are "
                         "compared with second" if data_set else "name the folder that they lie in")
    true = _references(reference, pairing)
    for role, folder in (("lungs", lungs), ("image", ct)):
        if folder is not None:
            paths = pairing.by_id(folder, _SUFFIXES)
            true = {case: dataclasses.replace(pair, **{role: paths.get(case)}) for case, pair in true.items()}
    problems = [problem.text.rstrip(".") for problem in pairing.problems if problem.level == "error"]
    for case, pair in true.items():
        if case not in predicted:
            problems.append(sentence(pair.reference, f"a prediction for case {case!r} in {prediction}", "none",
                                     "predict this case as well").rstrip("."))
    beside = {case + ending for case in predicted for ending in _BESIDE_A_MASK}
    for case in sorted(set(predicted) - set(true) - beside, key=natural):
        warnings.warn(InputWarning(sentence(predicted[case], f"a reference for case {case!r} in {reference}", "none",
                                            "it is not evaluated")), stacklevel=4)
    pairs = [dataclasses.replace(true[case], prediction=predicted[case])
             for case in sorted(set(true) & set(predicted), key=natural)]
    if not pairs:
        raise InputError(prediction, f"a file for one of the cases of {reference} ({_some(true)})", _some(predicted),
                         "give prediction and reference the same names")
    return pairs, problems


def _references(folder, pairing):
    """case -> Pair without its prediction, from a folder of masks or a data set."""
    if data_files(folder, _SUFFIXES):
        return {case: Pair(case, None, path) for case, path in pairing.by_id(folder, _SUFFIXES).items()}
    dataset = find_dataset(folder)
    annotated = dataset.select(annotated=True) if dataset is not None else ()
    if not annotated:
        raise InputError(folder, f"masks ({', '.join(_SUFFIXES)}) or a data set with infection masks", "neither",
                         "name the folder that holds the reference masks")
    return {case.id: Pair(case.id, None, case.infection, case.lungs, case.image, case.window, case.trust_image_grid)
            for case in annotated}


def _some(paths):
    names = sorted(paths, key=natural)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "none"


def read_pair(pair, with_image=False):
    """Reads the files of a pair; one that lies on another grid than the reference is an error that names both."""
    if str(pair.reference).lower().endswith(IMAGE_SUFFIXES):
        return _read_pictures(pair, with_image)
    reference = volumes.read_mask(pair.reference)
    if pair.trust_image_grid:
        reference = volumes.read(pair.image, window=pair.window).like(reference.array)
    axes = (reference.affine, reference.shape)
    spacing = tuple(reversed(geometry.spacing(geometry.canonical_affine(*axes))))
    prediction = _slices_first(_on_grid(_read_map(pair.prediction), reference))
    lungs = pair.lungs and _slices_first(_on_grid(volumes.read_mask(pair.lungs), reference)) > 0
    image = None
    if with_image and pair.image is not None:
        image = _slices_first(_on_grid(volumes.read(pair.image, window=pair.window), reference))
    return PairArrays(prediction, _slices_first(reference) > 0, lungs, image, spacing)


def _read_map(path):
    """A NIfTI volume whose values may be anything finite: labels, or a map of scores."""
    if str(path).lower().endswith(IMAGE_SUFFIXES):
        raise InputError(path, "a NIfTI volume, as its reference is one", "a 2D picture", "predict whole volumes")
    array, header = nifti.read_nifti(path)
    if not np.isfinite(array).all():
        raise InputError(path, "finite values", "NaN or Inf", "repair the prediction")
    low, high = float(array.min()), float(array.max())
    if low < _LOWEST_SCORE:
        raise InputError(path, "a mask or a map of scores", f"values from {low:g} to {high:g}, as a CT in HU has them",
                         "name the prediction, not its CT")
    return volumes.Volume(array, header.get_best_affine(), source=str(path))


def _on_grid(volume, reference):
    if not geometry.same_grid(reference.shape, reference.affine, volume.shape, volume.affine):
        raise InputError(volume.source, f"the grid of {reference.source}, {_grid(reference)}", _grid(volume),
                         "bring both to one grid")
    return volume


def _grid(volume):
    return geometry.describe_grid(volume.shape, volume.affine)


def _slices_first(volume):
    """Canonical (right, anterior, superior) voxel order as (slices from the feet, rows from the front, columns)."""
    canonical = geometry.to_canonical(volume.array, volume.affine)
    return np.transpose(canonical, (2, 1, 0))[:, ::-1, ::-1]


def _read_pictures(pair, with_image):
    reference = images.read_mask(pair.reference)
    prediction = _read_scores(pair.prediction)
    if prediction.shape != reference.shape:
        raise InputError(pair.prediction, f"the size of {pair.reference}, {_pixels(reference)}", _pixels(prediction),
                         "bring both to one size")
    lungs = None if pair.lungs is None else images.read_mask(pair.lungs, reference.shape)[None]
    image = images.read(pair.image)[None] if with_image and pair.image is not None else None
    return PairArrays(prediction[None], reference[None], lungs, image, None)


def _read_scores(path):
    """A 2D map of scores in [0, 1]; a picture of two grey values is a mask, whatever its values are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)  # an empty prediction is no doubtful photograph
        scores = images.read(path)
        return images.read_mask(path).astype(np.float32) if len(np.unique(scores)) <= 2 else scores


def _pixels(array):
    return f"{array.shape[1]} x {array.shape[0]} pixels"
