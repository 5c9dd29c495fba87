"""From a CT file to a mask file: geometry in millimetres for every orientation, bad cases, resuming, sides."""

import itertools
import json

import nibabel
import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.data import volumes
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.inference.inputs import Input, find_inputs
from covid3dgan.inference.lesions import LesionPredictor
from covid3dgan.inference.predict_each import predict_each

SIZE = (48, 44, 36)
SPACING = np.array([4.0, 5.0, 6.0])
LESION_MM = np.array([-45.0, 20.0, 30.0])  # in the left lung (RAS+: negative is left)


class BrightModel(LesionPredictor):
    """A stand-in for a trained network: the score is the prepared brightness itself."""

    def __init__(self, threshold=0.45, relative=False):  # 0.45: -370 HU
        super().__init__(None, presets.get("shabani/demo"), threshold, relative, {"run": "bright"})

    def scores(self, volume):
        return volume


def _ras():
    """A chest of two boxes of lung with one bright ball at LESION_MM: (CT, lungs) in RAS+ voxel order, and affine."""
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = -(np.array(SIZE) - 1) / 2 * SPACING
    x, y, z = np.meshgrid(*[affine[i, 3] + np.arange(n) * SPACING[i] for i, n in enumerate(SIZE)], indexing="ij")
    lungs = ((np.abs(np.abs(x) - 45) < 30) & (np.abs(y) < 70) & (np.abs(z) < 80)).astype(np.uint8)
    ball = ((x - LESION_MM[0])**2 + (y - LESION_MM[1])**2 + (z - LESION_MM[2])**2) < 18.0**2
    return np.where(ball, -50, np.where(lungs > 0, -850, 40)).astype(np.float32), lungs, affine


def _oriented(codes):
    """The same chest stored in the voxel order ``codes``: (ct Volume, lungs Volume)."""
    ct, lungs, affine = _ras()
    source = nibabel.orientations.axcodes2ornt("RAS")
    change = nibabel.orientations.ornt_transform(source, nibabel.orientations.axcodes2ornt(codes))
    stored = affine @ nibabel.orientations.inv_ornt_aff(change, SIZE)
    return (Volume(nibabel.orientations.apply_orientation(ct, change), stored),
            Volume(nibabel.orientations.apply_orientation(lungs, change), stored))


def _centre_mm(mask, affine):
    return nibabel.affines.apply_affine(affine, np.argwhere(mask > 0).mean(0))


ORIENTATIONS = ["".join(signed) for axes in itertools.permutations(["RL", "AP", "SI"])
                for signed in itertools.product(*axes)]


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_a_lesion_comes_back_at_its_millimetres(codes):
    ct, lungs = _oriented(codes)
    found = BrightModel().predict(ct, lungs)
    assert found.mask.shape == ct.shape
    # Half a network slice (16 slices over 160 mm) is the best that the grid can do.
    np.testing.assert_allclose(_centre_mm(found.mask, ct.affine), LESION_MM, atol=5.0)
    assert found.facts["infection_ml"] == pytest.approx(4 / 3 * np.pi * 1.8**3, rel=0.35)
    assert found.facts["right_infection_ml"] == 0 and found.facts["left_infection_ml"] > 0


def test_files_keep_the_inputs_geometry(tmp_path):
    ct, lungs = _oriented("LPS")
    volumes.write(ct, tmp_path / "ct.nii.gz")
    volumes.write(lungs, tmp_path / "lungs.nii.gz")
    results, problems = predict_each(BrightModel(), find_inputs(tmp_path / "ct.nii.gz", tmp_path / "lungs.nii.gz"),
                                       tmp_path / "out", probability=True, overlay=True)
    assert problems == [] and list(results) == ["ct"]
    a, b = nibabel.load(tmp_path / "ct.nii.gz"), nibabel.load(tmp_path / "out/ct.nii.gz")
    assert a.shape == b.shape and np.array_equal(a.affine, b.affine)
    assert [int(h["sform_code"]) for h in (a.header, b.header)] == [int(a.header["sform_code"])] * 2
    assert b.get_data_dtype() == np.uint8
    assert (tmp_path / "out/ct_scores.nii.gz").exists() and (tmp_path / "out/ct_overlay.png").stat().st_size > 10000
    about = json.loads((tmp_path / "out/ct.json").read_text())
    assert about["model"]["run"] == "bright" and about["infection_ml"] > 0 and len(about["input_sha256"]) == 64
    assert (tmp_path / "out/predictions.csv").read_text().startswith("id,infection_ml")


def test_a_bad_case_is_reported_and_the_others_are_done(tmp_path):
    ct, lungs = _oriented("RAS")
    for name in ("a", "c"):
        volumes.write(ct, tmp_path / f"cts/{name}.nii.gz")
    (tmp_path / "cts/b.nii.gz").write_bytes(b"no gzip")
    for name in "abc":
        volumes.write(lungs, tmp_path / f"lungs/{name}.nii.gz")
    results, [problem] = predict_each(BrightModel(), find_inputs(tmp_path / "cts", tmp_path / "lungs"),
                                        tmp_path / "out")
    assert list(results) == ["a", "c"] and "b.nii.gz" in problem
    again, [same] = predict_each(BrightModel(), find_inputs(tmp_path / "cts", tmp_path / "lungs"), tmp_path / "out",
                                   resume=True)
    assert again == results and same == problem


def test_resuming_with_another_model_does_the_work_anew(tmp_path):
    ct, lungs = _oriented("RAS")
    volumes.write(ct, tmp_path / "ct.nii.gz")
    volumes.write(lungs, tmp_path / "lungs.nii.gz")
    inputs = find_inputs(tmp_path / "ct.nii.gz", tmp_path / "lungs.nii.gz")
    first, _ = predict_each(BrightModel(), inputs, tmp_path / "out")
    second, _ = predict_each(BrightModel(threshold=0.9), inputs, tmp_path / "out", resume=True)
    assert second["ct"]["infection_ml"] < first["ct"]["infection_ml"]


def test_nothing_is_overwritten_unasked(tmp_path):
    ct, lungs = _oriented("RAS")
    volumes.write(ct, tmp_path / "ct.nii.gz")
    volumes.write(lungs, tmp_path / "lungs.nii.gz")
    inputs = find_inputs(tmp_path / "ct.nii.gz", tmp_path / "lungs.nii.gz")
    predict_each(BrightModel(), inputs, tmp_path / "mask.nii.gz")
    _, [problem] = predict_each(BrightModel(), inputs, tmp_path / "mask.nii.gz")
    assert "--overwrite" in problem


def test_relative_threshold_is_the_share_of_each_slices_maximum():
    ct, lungs = _oriented("RAS")
    absolute = BrightModel(threshold=0.5).predict(ct, lungs)
    relative = BrightModel(threshold=0.5, relative=True).predict(ct, lungs)
    # Slices without the ball have a low maximum (the lungs' border), so they get a mask of their own.
    with_ball = (absolute.mask > 0).any((0, 1))
    assert not (relative.mask[:, :, ~with_ball] == 0).all()
    assert absolute.mask[:, :, ~with_ball].sum() == 0


@pytest.mark.parametrize("make, lungs, part", [
    (lambda p: None, None, "nothing at that path"),
    (lambda p: (p / "cts").mkdir(), None, "none in it"),
])
def test_unusable_inputs(tmp_path, make, lungs, part):
    make(tmp_path)
    with pytest.raises(InputError, match=part):
        find_inputs(tmp_path / "cts", lungs)


def test_lung_masks_that_fit_no_ct_are_named(tmp_path):
    ct, lungs = _oriented("RAS")
    volumes.write(ct, tmp_path / "cts/a.nii.gz")
    volumes.write(lungs, tmp_path / "lungs/b.nii.gz")
    with pytest.raises(InputError, match="a lung mask for a"):
        find_inputs(tmp_path / "cts", tmp_path / "lungs")


def test_inputs_pair_by_id(tmp_path):
    for name in ("study_1.nii.gz", "study_2.nii.gz"):
        volumes.write(_oriented("RAS")[0], tmp_path / "cts" / name)
        volumes.write(_oriented("RAS")[1], tmp_path / "lungs" / name.replace(".", "_lungs.", 1))
    found = find_inputs(tmp_path / "cts", tmp_path / "lungs")
    assert [item.lungs.name for item in found] == ["study_1_lungs.nii.gz", "study_2_lungs.nii.gz"]
    assert isinstance(found[0], Input)
