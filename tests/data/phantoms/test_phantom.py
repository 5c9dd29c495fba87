"""Phantoms: reproducible, geometrically honest, and with the infection rates of paper 001's Table 1."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from covid3dgan.data.phantoms import chest_ct
from covid3dgan.errors import ArgumentError

SMALL = (64, 64, 24)
RATES = {"mosmed-like": 1.47, "coronacases-like": 7.92, "uestc-like": 5.67, "radiopaedia-like": 10.33}


def test_same_arguments_same_voxels_and_another_seed_another_patient():
    first, again = (chest_ct.generate("uestc-like", 3, 5, SMALL) for _ in range(2))
    assert np.array_equal(first.ct.array, again.ct.array)
    assert np.array_equal(first.infection.array, again.infection.array)
    assert np.array_equal(first.ct.affine, again.ct.affine)
    other = chest_ct.generate("uestc-like", 3, 6, SMALL)
    assert not np.array_equal(first.ct.array, other.ct.array)


def test_phantoms_are_made_on_one_blas_thread_and_the_caller_keeps_its_own(monkeypatch):
    """How BLAS splits a product among threads shows in some voxel's HU."""
    def threads():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    seen, anatomy = [], chest_ct.Thorax

    def watched(rng):
        seen.append(threads())
        return anatomy(rng)

    monkeypatch.setattr(chest_ct, "Thorax", watched)
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        chest_ct.generate("healthy", 0, 1, (32, 32, 16))
        assert seen == [{1}] and threads() == before


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("cohort", RATES)
def test_drawn_infection_rates_of_twenty_cases_have_the_papers_mean(cohort, seed):
    rates = [chest_ct.infection_rate(cohort, case, seed) for case in range(20)]
    assert np.mean(rates) == pytest.approx(RATES[cohort], rel=1e-6)
    assert 0.4 < np.std(rates) / np.mean(rates) < 1.5
    assert min(rates) > 0.05 and max(rates) < 50


@pytest.mark.parametrize("cohort", RATES)
def test_the_mask_fills_the_drawn_share_of_the_lungs(cohort):
    case = chest_ct.generate(cohort, 1, 0, SMALL)
    infection, lungs = case.infection.array > 0, case.lungs.array > 0
    assert not (infection & ~lungs).any()
    assert infection.sum() / lungs.sum() == pytest.approx(chest_ct.infection_rate(cohort, 1, 0) / 100, rel=0.02,
                                                          abs=2 / lungs.sum())
    assert np.array_equal(case.lesion_classes.array > 0, infection)


def test_the_healthy_cohort_has_no_lesion():
    case = chest_ct.generate("healthy", 0, 0, SMALL)
    assert case.infection.array.sum() == 0 and case.rate == 0
    assert np.array_equal(case.ct.array, case.healthy.array)


def test_the_healthy_twin_differs_only_near_the_lesions():
    case = chest_ct.generate("radiopaedia-like", 2, 0, SMALL)
    changed = case.ct.array != case.healthy.array
    infected = case.infection.array > 0
    assert changed[infected].mean() > 0.9
    assert changed[~infected & (case.lungs.array == 0)].mean() < 0.05
    assert (case.ct.array - case.healthy.array)[infected].mean() > 100


def test_files_come_in_many_voxel_orders_and_the_affine_always_tells_where_the_patient_is():
    orders = set()
    for number in range(12):
        case = chest_ct.generate("healthy", number, 0, (48, 56, 16))
        orders.add(case.ct.orientation)
        assert case.ct.shape == (48, 56, 16)
        assert case.ct.spacing[0] == pytest.approx(case.ct.spacing[1]) and case.ct.spacing[2] > case.ct.spacing[1]
        ct, lungs = case.ct.canonical(), case.lungs.canonical().array > 0
        middle = np.argwhere(lungs).mean(0)
        bone = np.argwhere(ct.array > 350)
        assert bone[:, 1].mean() < middle[1]  # the spine lies behind the lungs' middle: canonical y runs to the front
        area = lungs.sum(axis=(0, 1))
        levels = np.flatnonzero(area)
        assert area[levels[-1]] < 0.5 * area.max()  # apices are small
        air_under_patient = ct.array[:, 0].mean()
        assert air_under_patient < -700
    assert len(orders) >= 5
    assert any(order[0] in "AP" for order in orders)


def test_the_right_lung_is_the_larger_one():
    # The heart lies on the left; canonical x runs to the patient's right, whatever the file's own order.
    larger = []
    for number in range(8):
        case = chest_ct.generate("healthy", number, 3, (48, 48, 24))
        lungs = case.lungs.canonical().array > 0
        bone = case.ct.canonical().array > 350
        spine = np.median(np.argwhere(bone)[:, 0])
        right = np.count_nonzero(lungs[int(np.ceil(spine)):])
        larger.append(right / (lungs.sum() - right))
    assert np.median(larger) > 1.0


def test_one_patient_at_two_sizes():
    small, large = (chest_ct.generate("uestc-like", 0, 0, size) for size in ((64, 64, 20), (96, 96, 40)))
    litres = [case.lungs.array.sum() * np.prod(case.ct.spacing) / 1e6 for case in (small, large)]
    assert litres[0] == pytest.approx(litres[1], rel=0.03)
    assert small.rate == pytest.approx(large.rate, rel=0.02)
    assert small.ct.orientation == large.ct.orientation


def test_healthy_anatomy_is_in_hounsfield_units():
    case = chest_ct.generate("healthy", 2, 0, (96, 96, 32))
    hu, lungs = case.ct.array, case.lungs.array > 0
    assert hu.min() >= -1024 and hu.max() <= 3071 and hu.max() > 400
    assert np.array_equal(hu, np.rint(hu))
    assert -930 < np.median(hu[lungs]) < -700
    litres = lungs.sum() * np.prod(case.ct.spacing) / 1e6
    assert 2.0 < litres < 9.0
    soft = hu[(hu > -20) & (hu < 120)].size * np.prod(case.ct.spacing) / 1e6
    assert soft > 3.0  # litres of muscle, blood and organs
    assert (case.vessels.array.astype(bool) & ~lungs).sum() == 0
    assert np.median(hu[case.vessels.array > 0]) > -500


def test_lesion_classes_have_their_own_hu_and_place():
    values, places = {1: [], 2: []}, []
    for number in range(8):
        case = chest_ct.generate("radiopaedia-like", number, 1, (80, 80, 24))
        for label in values:
            values[label].append(case.ct.array[case.lesion_classes.array == label])
        lungs = np.argwhere(case.lungs.canonical().array > 0)
        lesions = np.argwhere(case.infection.canonical().array > 0)
        places.append((lesions.mean(0) - lungs.mean(0)) / lungs.std(0))
    ground_glass, consolidation = (np.median(np.concatenate(values[label])) for label in (1, 2))
    assert -700 < ground_glass < -300
    assert -150 < consolidation < 60
    _, front, up = np.mean(places, axis=0)
    assert front < -0.1 and up < -0.1  # dorsal and basal


@pytest.mark.parametrize("arguments, found", [
    (("helthy", 0), "nearest: healthy"),
    (("healthy", -1), "case: expected"),
    (("healthy", 0, -1), "seed: expected"),
    (("healthy", 0, 0, (16, 16, 16)), "size: expected"),
])
def test_wrong_arguments_raise_one_sentence(arguments, found):
    with pytest.raises(ArgumentError, match=found):
        chest_ct.generate(*arguments)
