"""covid3dgan.segment and load_predictor: every form of a CT gives the same mask, at its place, without TensorFlow."""

import gc
import json
import os
import subprocess
import sys
import tracemalloc

import nibabel
import numpy as np
import pytest

import covid3dgan
from covid3dgan.data import volumes
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError, InputWarning
from covid3dgan.inference.ct_objects import as_ct, as_mask
from covid3dgan.quiet_start import without_information

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def ct():
    """A chest of two boxes of lung with a grey lump, oblique and in another voxel order than RAS."""
    random = np.random.default_rng(0)
    array = np.full((48, 40, 30), 40.0)
    array[6:20, 10:34, 4:26] = array[28:42, 10:34, 4:26] = -850.0
    array[30:38, 14:22, 10:18] = -300.0
    array = np.round(array + random.normal(0, 10, array.shape)).astype(np.float32)
    affine = np.array([[-6.0, 0.3, 0, 140], [0.3, -6.0, 0, 120], [0, 0, 8.0, -100], [0, 0, 0, 1]])
    return Volume(array, affine)


@pytest.fixture(scope="module")
def lungs(ct):
    array = np.zeros(ct.shape, np.uint8)
    array[6:20, 10:34, 4:26] = array[28:42, 10:34, 4:26] = 1
    return ct.like(array)


class ItkImage:
    """What SimpleITK and ITK have in common: index (i, j, k), an array (k, j, i), a world of left, posterior, up."""

    def __init__(self, array, spacing, direction, origin):
        self._array, self._facts = array, (spacing, direction, origin)

    def GetSpacing(self):
        return self._facts[0]

    def GetDirection(self):
        return self._facts[1]

    def GetOrigin(self):
        return self._facts[2]

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._array, dtype)


def as_itk(volume):
    affine = np.diag([-1, -1, 1, 1]) @ volume.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    return ItkImage(volume.array.T, tuple(spacing), tuple((affine[:3, :3] / spacing).ravel()), tuple(affine[:3, 3]))


def test_every_form_of_a_ct_gives_the_same_mask(ct, lungs, tmp_path):
    volumes.write(ct, tmp_path / "ct.nii.gz")
    predictor = covid3dgan.load_predictor()
    first = predictor.predict(ct, lungs)
    assert isinstance(first, covid3dgan.Prediction) and 0 < first.mask.sum() < lungs.array.sum()
    assert first.mask.shape == first.scores.shape == first.lungs.shape == ct.shape
    for form in (str(tmp_path / "ct.nii.gz"), tmp_path / "ct.nii.gz", (ct.array, ct.affine), as_itk(ct),
                 nibabel.Nifti1Image(ct.array, ct.affine)):
        np.testing.assert_array_equal(predictor.predict(form, lungs).mask, first.mask)
    np.testing.assert_array_equal(covid3dgan.segment(ct, lungs=as_itk(lungs)).mask, first.mask)


def test_an_itk_image_turns_from_left_posterior_to_right_anterior():
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 1000  # (k, j, i)
    # Index i runs up, j to the left, k to the front.
    image = ItkImage(array, (2.0, 3.0, 5.0), (0, 1, 0, 0, 0, -1, 1, 0, 0), (10.0, 20.0, 30.0))
    ct = as_ct(image)
    assert ct.shape == (4, 3, 2) and ct.array[3, 2, 1] == array[1, 2, 3]
    np.testing.assert_array_equal(ct.affine, [[0, -3, 0, -10], [0, 0, 5, -20], [2, 0, 0, 30], [0, 0, 0, 1]])
    assert ct.orientation == "SLA" and ct.spacing == (2, 3, 5)


def test_simpleitk_itself_is_read_alike():
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 1000)
    image.SetSpacing((2.0, 3.0, 5.0))
    image.SetDirection((0, 1, 0, 0, 0, -1, 1, 0, 0))
    image.SetOrigin((10.0, 20.0, 30.0))
    ct = as_ct(image)
    for index in ((0, 0, 0), (3, 2, 1)):
        left, posterior, up = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((ct.affine @ [*index, 1])[:3], [-left, -posterior, up])
        assert ct.array[index] == image.GetPixel(index)


@pytest.mark.parametrize("form, expected", [
    (np.zeros((4, 4, 4)), r"ct: expected a path, .* found ndarray without an affine; say where"),
    (ItkImage(np.zeros((4, 4)), (1, 1), (1, 0, 0, 1), (0, 0)), "ct: expected an image of 3 dimensions, found one of 2"),
    ((np.full((4, 4, 4), np.nan), np.eye(4)), "ct: expected finite values, found 64 NaN"),
    ((np.zeros((4, 4)), np.eye(4)), r"ct: expected an array with 3 axes, found the shape \(4, 4\)")])
def test_what_is_no_ct_has_its_sentence(form, expected):
    with pytest.raises(InputError, match=expected):
        as_ct(form)


def test_values_that_are_no_hu_are_a_doubt():
    with pytest.warns(InputWarning, match="ct: expected Hounsfield units.*an 8-bit image"):
        as_ct((np.arange(27.0).reshape(3, 3, 3), np.eye(4)))


def test_a_label_map_is_a_mask_above_zero():
    np.testing.assert_array_equal(as_mask((np.array([[[0, 1, 2]]]), np.eye(4))).array, [[[0, 1, 1]]])


def test_a_network_that_finds_no_lesions_is_refused(tmp_path, ct):
    with pytest.raises(InputError, match="nowhere: expected"):
        covid3dgan.segment(ct, model=tmp_path / "nowhere")


CODE = """
import json, sys
import covid3dgan
heavy = ("numpy", "scipy", "nibabel", "pydicom", "tensorflow", "keras")
at_import = [name for name in heavy if name in sys.modules]
from covid3dgan.cli.main import main
code = main(["predict", *sys.argv[1:3], "--lungs", sys.argv[3], "--probability", "--overlay"])
mask = covid3dgan.segment(sys.argv[1], lungs=sys.argv[3]).mask
print(json.dumps([at_import, code, int(mask.sum()), [name for name in sys.modules if name.split(".")[0] in
      ("tensorflow", "keras", "tensorflow_addons")]]))
"""


def test_predict_without_a_model_never_imports_tensorflow(ct, lungs, tmp_path):
    volumes.write(ct, tmp_path / "ct.nii.gz")
    volumes.write(lungs, tmp_path / "lungs.nii.gz")
    found = subprocess.run([sys.executable, "-c", CODE, tmp_path / "ct.nii.gz", tmp_path / "out",
                            tmp_path / "lungs.nii.gz"], capture_output=True, text=True, check=True)
    at_import, code, voxels, loaded = json.loads(found.stdout.splitlines()[-1])
    assert (at_import, code, loaded) == ([], 0, [])
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "ct.json", "ct.nii.gz", "ct_overlay.png", "ct_scores.nii.gz", "predictions.csv"]
    mask = nibabel.load(tmp_path / "out" / "ct.nii.gz")
    assert int((np.asarray(mask.dataobj) > 0).sum()) == voxels > 0
    np.testing.assert_allclose(mask.affine, ct.affine, atol=1e-5)
    assert json.loads((tmp_path / "out" / "ct.json").read_text())["model"]["file"].endswith("lesions.tflite")


@pytest.mark.filterwarnings("ignore::covid3dgan.errors.InputWarning")
def test_memory_stays_flat_over_many_cts(ct, lungs, tmp_path):
    volumes.write(ct, tmp_path / "ct.nii.gz")
    volumes.write(lungs, tmp_path / "lungs.nii.gz")
    predictor = covid3dgan.load_predictor()
    [item] = predictor.find(tmp_path / "ct.nii.gz", tmp_path / "lungs.nii.gz")
    out, held, peaks = tmp_path / "out", [], []
    out.mkdir()
    tracemalloc.start()
    try:
        for _ in range(8):
            tracemalloc.reset_peak()
            predictor.predict_file(item, predictor.paths(item, out, False, False))
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    one = ct.array.nbytes  # of a single array that somebody keeps
    assert held[-1] - held[2] < one / 2 and peaks[-1] - peaks[2] < one / 2, (held, peaks)


def test_nothing_is_printed_while_a_network_is_opened_and_runs():
    code = ("import numpy as np, covid3dgan\n"
            "covid3dgan.load_predictor().scores(np.zeros((1, 128, 128), np.float32))\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_errors_of_native_code_are_printed_and_its_information_is_not(capfd):
    with without_information():
        os.write(2, b"INFO: Created a delegate.\nERROR: no memory\n")
    assert capfd.readouterr().err == "ERROR: no memory\n"
