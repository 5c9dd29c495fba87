"""Phantoms of many scanners: what each of a scan's own does to it, and that other cohorts stay as they were."""

import numpy as np

from covid3dgan.data.phantoms.chest_ct import generate
from covid3dgan.data.phantoms.grid import Grid, Tubes
from covid3dgan.data.phantoms.variety import PLAIN, Variety, draw_variety

SIZE = (64, 64, 24)
GRID = Grid((0, 0, 0), (2.0, 2.0, 4.0), (16, 16, 12))


def test_wide_hila_widen_large_vessels_alone():
    tubes = Tubes(np.zeros((3, 3)), np.ones((3, 3)), np.array([0.5, 2.75, 6.0]), np.array([0.5, 2.75, 6.0]))
    np.testing.assert_allclose(Variety(hilum=2.0).vessels(tubes).start_radius, [0.5, 2.75 * 1.5, 12.0])
    np.testing.assert_array_equal(PLAIN.vessels(tubes).end_radius, tubes.end_radius)


def test_kernels_and_thickness_act_on_the_grid():
    point = np.zeros(GRID.shape, np.float32)
    point[8, 8, 6] = 1000.0
    np.testing.assert_array_equal(PLAIN.scanned(point, GRID), point)
    soft = Variety(smooth=2.0).scanned(point, GRID)
    assert 100 < soft[8, 8, 6] < 200 and soft[8, 8, 5] == 0  # 1 / (2 pi) of it for a standard deviation of one pixel
    assert Variety(sharp=1.0).scanned(point, GRID)[8, 8, 6] > 1500
    thick = Variety(thickness=8.0).scanned(point, GRID)
    np.testing.assert_allclose(thick.sum(), 1000, rtol=1e-4)
    assert thick[8, 8, 5] > 150 and thick[7, 8, 6] == 0
    moved = Variety(motion=2.0).scanned(point, GRID)
    np.testing.assert_allclose([moved[8, 8, 6], moved[9, 9, 6]], [500, 500], rtol=1e-4)


def test_contrast_agent_brightens_the_vessels_of_a_varied_phantom():
    cases = [generate("varied-healthy", number, 1, SIZE) for number in range(6)]
    blood = [np.percentile(case.ct.array[case.vessels.array > 0], 90) for case in cases]
    assert max(blood) - min(blood) > 60
    assert all(not case.infection.array.any() and case.rate == 0 for case in cases)
    assert generate("varied-covid", 0, 1, SIZE).infection.array.any()


def test_every_scan_of_a_seed_is_drawn_anew_and_the_same():
    drawn = [draw_variety(np.random.default_rng(seed)) for seed in range(40)]
    assert drawn[3] == draw_variety(np.random.default_rng(3))
    assert 8 <= sum(variety.agent > 0 for variety in drawn) <= 24
    assert not any(variety.smooth and variety.sharp for variety in drawn)
