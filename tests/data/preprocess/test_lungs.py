"""Lung masks: a chest drawn by hand, phantoms, a real CT, and everything that must not pass as a lung."""

import sys
import types

import numpy as np
import pytest

from covid3dgan.data import volumes
from covid3dgan.data.files import geometry
from covid3dgan.data.phantoms import chest_ct, ct_cohorts
from covid3dgan.data.preprocess.lungs import lung_mask_for, segment_lungs
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import ArgumentError, InputError

SPACING = (3.0, 3.0, 5.0)


def dice(found, true):
    """2 |A and B| / (|A| + |B|) of two arrays, above 0 where set."""
    found, true = found > 0, true > 0
    return 2 * (found & true).sum() / (found.sum() + true.sum())


def draw_chest(spacing=SPACING, bridge=False):
    """A chest in RAS order as ``Volume`` (HU) and its lungs, trachea, wall and inner consolidation, dome, stomach gas.

    Two ellipsoids of -850 HU in an ellipse of 20 HU on a couch; the trachea ends above the heart.
    """
    size = [int(round(length / step)) for length, step in zip((360, 288, 260), spacing)]
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * step for n, step in zip(size, spacing)], indexing="ij")

    def ball(centre, radii):
        return sum(((v - c) / r) ** 2 for v, c, r in zip((x, y, z), centre, radii)) < 1

    lungs = (ball((-70, 0, 0), (55, 80, 105)) | ball((70, 0, 0), (55, 80, 105))) & ~ball((60, 0, -110), (48, 60, 60))
    parts = {
        "trachea": (np.hypot(x, y + 10) < 9) & (z > 20),
        "wall": lungs & ball((-112, -20, 10), (20, 18, 24)),
        "inner": lungs & ball((70, 10, 20), (15, 15, 15)),
        "gas": ball((70, 10, -108), (22, 20, 16)),
    }
    hu = np.full(size, -1000.0)
    hu[(x / 165) ** 2 + (y / 115) ** 2 < 1] = 20
    hu[np.abs(y + 135) < 4] = 0  # the couch
    if bridge:
        lungs |= (np.abs(x) < 30) & (np.abs(y - 40) < 4) & (np.abs(z) < 30)
    hu[lungs] = -850
    for name, value in (("trachea", -1000), ("wall", 30), ("inner", 30), ("gas", -1000)):
        hu[parts[name]] = value
    hu += np.random.default_rng(0).normal(0, 20, size)
    return Volume(hu, np.diag([*spacing, 1.0])), lungs, parts


def phantom_dice(cohort, case, size):
    """Dice of the built-in method on one phantom."""
    made = chest_ct.generate(cohort, case, 0, size)
    return dice(segment_lungs(made.ct), made.lungs.array)


def test_a_drawn_chest_has_its_lungs_with_consolidations_and_without_airway_or_gas():
    volume, lungs, parts = draw_chest()
    found = segment_lungs(volume)
    assert found.dtype == np.uint8 and found.shape == volume.shape
    assert dice(found, lungs) > 0.98
    assert found[parts["trachea"] & ~lungs].mean() < 0.05
    assert not found[parts["gas"]].any()
    assert found[parts["inner"]].all()
    assert found[parts["wall"]].mean() > 0.8


def with_disease(centre, radius, value):
    """The drawn chest with a ball of ``value`` HU in the lungs, and where it is."""
    volume, lungs, _ = draw_chest()
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * step for n, step in zip(volume.shape, SPACING)],
                          indexing="ij")
    ball = lungs & (np.hypot(np.hypot(x - centre[0], y - centre[1]), z - centre[2]) < radius)
    noise = np.random.default_rng(1).normal(0, 20, volume.shape)
    return volume.like(np.where(ball, value + noise, volume.array)), ball, lungs


@pytest.mark.parametrize("centre", [(120, 0, 0), (-70, -75, 20), (70, 80, 0), (-70, 0, -100)],
                         ids=["side", "back", "front", "diaphragm"])
def test_large_dense_ground_glass_at_the_pleura_is_kept(centre):
    volume, ball, lungs = with_disease(centre, 35, -300)
    found = segment_lungs(volume)
    assert found[ball].mean() > 0.97
    assert dice(found, lungs) > 0.97


@pytest.mark.parametrize("centre, least", [((122, 0, 0), 0.85), ((-80, -78, 0), 0.85)], ids=["side", "back"])
def test_large_consolidations_at_the_chest_wall_are_kept(centre, least):
    volume, ball, lungs = with_disease(centre, 30, 30)
    found = segment_lungs(volume)
    assert found[ball].mean() > least
    assert dice(found, lungs) > 0.97


def test_lungs_that_touch_each_other_are_closed_one_by_one():
    volume, lungs, _ = draw_chest(bridge=True)
    found = segment_lungs(volume)
    x = np.abs(np.arange(volume.shape[0]) - (volume.shape[0] - 1) / 2) * SPACING[0]
    mediastinum = ~lungs & (x < 12)[:, None, None]
    assert dice(found, lungs) > 0.98
    assert found[mediastinum].mean() < 0.01


@pytest.mark.parametrize("spacing", [(1.2, 1.2, 12.0), (12.0, 1.2, 1.2), (0.9, 0.9, 9.0), (6.0, 6.0, 2.0)])
def test_any_spacing_up_to_ten_times_anisotropic(spacing):
    volume, lungs, _ = draw_chest(spacing)
    assert dice(segment_lungs(volume), lungs) > 0.96


@pytest.mark.parametrize("order", ["LPS", "PRI", "SAL"])
def test_the_voxel_order_of_the_file_changes_nothing(order):
    volume, _, _ = draw_chest()
    signs = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, letter in enumerate(order):
        world, sign = signs[letter]
        affine[world, axis] = sign * SPACING[world]
    turned = Volume(geometry.from_canonical(volume.array, affine), affine)
    assert turned.orientation == order
    assert np.array_equal(turned.canonical().array, volume.array)
    found = segment_lungs(turned)
    assert np.array_equal(geometry.to_canonical(found, affine), segment_lungs(volume))


@pytest.mark.parametrize("cohort, case", [("healthy", 1), ("coronacases-like", 0), ("radiopaedia-like", 2)])
def test_small_phantoms(cohort, case):
    assert phantom_dice(cohort, case, (96, 96, 24)) >= 0.97


def test_the_real_ct(shared_data):
    found = segment_lungs(volumes.read(shared_data / "chest_ct_64.nii.gz"))
    true = volumes.read_mask(shared_data / "chest_ct_64_lungs.nii.gz").array
    assert dice(found, true) >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("cohort", sorted(chest_ct.COHORTS))
def test_every_cohort_on_average_and_in_the_worst_case(cohort):
    scores = [phantom_dice(cohort, case, chest_ct.SIZE) for case in range(ct_cohorts.BLOCK)]
    assert np.mean(scores) >= 0.97
    assert min(scores) >= 0.93


def bottle(hu_inside=0.0):
    """A water phantom: a cylinder in air."""
    x, y = np.meshgrid(np.arange(64) - 31.5, np.arange(64) - 31.5, indexing="ij")
    array = np.full((64, 64, 12), -1000.0)
    array[np.hypot(x, y) < 25] = hu_inside
    return Volume(array, np.diag([4.0, 4.0, 8.0, 1.0]))


def with_hollow():
    """A water phantom with an empty hollow in it, as large as a lung."""
    volume = bottle()
    volume.array[20:44, 20:44, 3:9] = -1000
    return volume


@pytest.mark.parametrize("volume", [
    bottle(), bottle(-1000.0), with_hollow(), Volume(np.zeros((32, 32, 8)), np.eye(4)),
    draw_chest()[0].like((draw_chest()[0].array + 1000) / 2000)], ids=["water", "air", "hollow", "tissue", "not HU"])
def test_a_ct_without_lungs_is_refused(volume):
    with pytest.raises(InputError, match="expected a chest CT in HU with air-filled lungs, found no lungs"):
        segment_lungs(volume)


def test_a_single_slice_is_enough():
    volume, lungs, _ = draw_chest()
    one = Volume(volume.array[:, :, 20:21], volume.affine)
    assert dice(segment_lungs(one), lungs[:, :, 20:21]) > 0.95


def test_a_given_mask_wins():
    volume = bottle()
    mask = np.zeros(volume.shape)
    mask[10:20, 10:20] = 2
    found = lung_mask_for(volume, volume.like(mask))
    assert found.dtype == np.uint8
    assert np.array_equal(found, mask > 0)


def test_without_a_mask_the_method_decides():
    volume, _, _ = draw_chest()
    assert np.array_equal(lung_mask_for(volume), segment_lungs(volume))


def test_a_mask_of_another_grid_or_without_voxels_is_refused():
    volume = bottle()
    full = np.ones(volume.shape, np.uint8)
    with pytest.raises(InputError, match=r"expected the CT's shape \(64, 64, 12\), found \(64, 64, 11\)"):
        lung_mask_for(volume, Volume(full[:, :, 1:], volume.affine))
    moved = volume.affine.copy()
    moved[0, 3] += 8
    with pytest.raises(InputError, match="the CT's grid, 64 x 64 x 12 voxels of .*, found 64 x 64 x 12 voxels of"):
        lung_mask_for(volume, Volume(full, moved))
    with pytest.raises(InputError, match="no voxel above 0"):
        lung_mask_for(volume, volume.like(0 * full))


def test_an_unknown_method_names_the_known_ones():
    with pytest.raises(ArgumentError, match="one of threshold, lungmask, lungmask-if-installed, found 'lungmsk'"):
        segment_lungs(bottle(), "lungmsk")


def test_lungmask_that_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "lungmask", None)
    with pytest.raises(InputError, match=r"pip install 'covid3dgan\[lungmask\]'"):
        segment_lungs(bottle(), "lungmask")


def fake_lungmask(monkeypatch, apply):
    """Puts a module ``lungmask`` in place whose network is ``apply``."""
    class LMInferer:
        def __init__(self, modelname="R231", tqdm_disable=False):
            assert modelname == "R231"

        def apply(self, image):
            return apply(image)

    module = types.ModuleType("lungmask")
    module.LMInferer = LMInferer
    monkeypatch.setitem(sys.modules, "lungmask", module)


def test_lungmask_gets_slices_seen_from_the_feet_and_its_labels_come_back_in_place(monkeypatch):
    volume = bottle()
    marked = volume.array.copy()
    marked[40, 20, 3] = 777  # canonical RAS: to the right, to the back
    lps = Volume(marked[::-1, ::-1], volume.affine @ np.diag([-1, -1, 1, 1]))
    seen = []  # slices, rows from the front, columns from the patient's right

    def apply(image):
        seen.append(image)
        return np.where(image == 777, 2, 0).astype(np.uint8)

    fake_lungmask(monkeypatch, apply)
    found = segment_lungs(lps, "lungmask")
    assert seen[0].shape == (12, 64, 64)
    assert np.argwhere(seen[0] == 777).tolist() == [[3, 63 - 20, 63 - 40]]
    assert np.array_equal(found, lps.array == 777)


def test_weights_that_cannot_be_loaded_are_named(monkeypatch):
    def apply(image):
        raise OSError("no route to host")

    fake_lungmask(monkeypatch, apply)
    with pytest.raises(InputError, match=r"R231, found no way to load them \(no route to host\)"):
        segment_lungs(bottle(), "lungmask")
