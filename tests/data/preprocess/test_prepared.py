"""prepared: the way back to the CT's grid, and files."""

import numpy as np
import pytest

from covid3dgan.data.phantoms import chest_ct
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.recipe import PreprocessOptions, prepare
from covid3dgan.errors import InputError

OPTIONS = {
    "published": PreprocessOptions.published(),
    "paper": PreprocessOptions.paper(min_slices=8),
    "demo": PreprocessOptions.paper(shape=(16, 64, 64), min_slices=8),
}


def dice(a, b):
    return 2 * np.sum(a & b) / (a.sum() + b.sum())


@pytest.fixture(scope="module", params=["healthy", "coronacases-like", "uestc-like"])
def case(request):
    return chest_ct.generate(request.param, 3, size=(80, 80, 28))


@pytest.mark.parametrize("recipe, least", [("published", 0.97), ("paper", 0.97), ("demo", 0.95)])
def test_a_lung_mask_comes_back(case, recipe, least):
    there = prepare(case.ct, case.lungs, options=OPTIONS[recipe])
    back = prepared_case.restore(there, there.lung_mask, order=1)
    assert back.shape == case.ct.shape and back.dtype == np.float32
    assert dice(back >= 0.5, case.lungs.array > 0) >= least


@pytest.mark.parametrize("recipe", OPTIONS)
def test_places_come_back(case, recipe):
    """A map that holds its own world coordinates holds the voxels' world coordinates on the CT's grid."""
    there = prepare(case.ct, case.lungs, options=OPTIONS[recipe])
    indices = np.stack([*np.indices(there.shape).astype(float), np.ones(there.shape)])
    world = np.tensordot(there.affine[:3], indices, axes=1)
    voxels = np.argwhere(case.lungs.array)[::997]
    wanted = voxels @ case.ct.affine[:3, :3].T + case.ct.affine[:3, 3]
    steps = np.array(there.spacing)
    for axis in range(3):
        back = prepared_case.restore(there, world[axis])
        away = np.abs(back[tuple(voxels.T)] - wanted[:, axis])
        inside = back[tuple(voxels.T)] != 0  # the published crop loses a slice, a row and a column
        assert inside.mean() > 0.9 and away[inside].max() <= 0.51 * steps.max()
        assert np.median(away[inside]) < 1e-2


def test_outside_of_the_crop_is_zero_and_labels_stay_labels(case):
    there = prepare(case.ct, case.lungs, options=OPTIONS["demo"])
    back = prepared_case.restore(there, np.full(there.shape, 3.0), order=0)
    assert set(np.unique(back)) == {0.0, 3.0}
    assert (back[case.lungs.array > 0] == 3).all()
    assert (back == 3).mean() < 0.9


def test_a_map_of_another_shape_is_refused(case):
    there = prepare(case.ct, case.lungs, options=OPTIONS["demo"], case_id="case 7")
    with pytest.raises(InputError, match=r"case 7: expected a map of the prepared shape \(16, 64, 64\)"):
        prepared_case.restore(there, there.lung[..., None])


def test_files_hold_everything(case, tmp_path):
    there = prepare(case.ct, case.lungs, case.infection, OPTIONS["demo"], case_id="case 7")
    prepared_case.save(there, tmp_path / "a.npz")
    read = prepared_case.load(tmp_path / "a.npz")
    assert read.id == "case 7" and read.ct_shape == there.ct_shape
    assert read.facts["options"]["orientation"] == "affine" and read.facts["lung_mask"] == "given"
    for name in ("lung", "lung_mask", "base", "infection", "to_voxel", "ct_affine"):
        np.testing.assert_array_equal(getattr(read, name), getattr(there, name))
    np.testing.assert_array_equal(prepared_case.restore(read, read.lung), prepared_case.restore(there, there.lung))


def test_a_missing_infection_mask_stays_missing(case, tmp_path):
    prepared_case.save(prepare(case.ct, case.lungs, options=OPTIONS["demo"]), tmp_path / "a.npz")
    assert prepared_case.load(tmp_path / "a.npz").infection is None


def test_files_are_not_overwritten_by_themselves(case, tmp_path):
    there = prepare(case.ct, case.lungs, options=OPTIONS["demo"])
    prepared_case.save(there, tmp_path / "a.npz")
    with pytest.raises(InputError, match="expected a path that does not exist yet"):
        prepared_case.save(there, tmp_path / "a.npz")
    prepared_case.save(there, tmp_path / "a.npz", overwrite=True)


def test_damaged_files_are_named(case, tmp_path):
    path = tmp_path / "a.npz"
    prepared_case.save(prepare(case.ct, case.lungs, options=OPTIONS["demo"]), path)
    whole = path.read_bytes()
    for damaged in (whole[:1000], b"", b"no zip at all", whole[:-2000]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"a\.npz: expected a prepared case \(\.npz\)"):
            prepared_case.load(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(InputError, match="expected a prepared case"):
        prepared_case.load(path)
    with pytest.raises(InputError, match="nothing at that path"):
        prepared_case.load(tmp_path / "b.npz")


def test_pickles_are_not_opened(tmp_path):
    np.savez(tmp_path / "a.npz", about=np.array([{"format": 1}], dtype=object))
    with pytest.raises(InputError, match="expected a prepared case"):
        prepared_case.load(tmp_path / "a.npz")
