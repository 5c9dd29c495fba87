"""What training on phantoms stands on: the papers' infection rates, and lesions that no threshold finds."""


import numpy as np
import pytest

from benchmarks import phantom_figure
from benchmarks.phantom_statistics import BIN_EDGES, hu_statistics
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.data.phantoms.chest_ct import PhantomCase
from covid3dgan.data.volumes import Volume

RATES = {"mosmed-like": 1.47, "coronacases-like": 7.92, "uestc-like": 5.67, "radiopaedia-like": 10.33}


def statistics_of(cohort, seed, size):
    return hu_statistics(chest_ct.generate(cohort, case, seed, size) for case in range(20))


def check_cohort(cohort, statistics):
    assert statistics.infection_rates.mean() == pytest.approx(RATES[cohort], rel=0.15)
    dice = max(statistics.threshold_dice, statistics.mean_threshold_dice, statistics.window_dice)
    assert 0.05 < dice <= 0.60
    middles = 0.5 * (BIN_EDGES[1:] + BIN_EDGES[:-1])
    median = {tissue: middles[np.searchsorted(np.cumsum(counts), counts.sum() / 2)]
              for tissue, counts in statistics.histograms.items()}
    assert -930 < median["lung"] < -720
    assert -720 < median["lesion"] < -380
    assert median["vessel"] > -480


@pytest.mark.parametrize("cohort", RATES)
def test_rates_are_the_papers_and_the_best_threshold_fails(cohort):
    check_cohort(cohort, statistics_of(cohort, 0, (64, 64, 24)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2])
@pytest.mark.parametrize("cohort", RATES)
def test_rates_and_threshold_at_full_size(cohort, seed):
    check_cohort(cohort, statistics_of(cohort, seed, chest_ct.SIZE))


def made_case(hu, infection, vessels, lungs=None):
    def volume(values, dtype):
        return Volume(np.array(values, dtype).reshape(1, 1, -1), np.eye(4))

    lungs = np.ones(len(hu)) if lungs is None else lungs
    ct = volume(hu, np.float32)
    return PhantomCase("made", ct, volume(infection, np.uint8), volume(lungs, np.uint8), ct,
                       volume(infection, np.uint8), volume(vessels, np.uint8), 0.0)


def test_statistics_of_six_voxels_by_hand():
    case = made_case(hu=[-900, -850, -600, -500, 40, 60], infection=[0, 0, 1, 1, 0, 0], vessels=[0, 0, 0, 0, 1, 0],
                     lungs=[1, 1, 1, 1, 1, 0])
    statistics = hu_statistics([case])
    assert statistics.infection_rates.tolist() == [40.0]
    assert {tissue: int(counts.sum()) for tissue, counts in statistics.histograms.items()} == {
        "lung": 2, "vessel": 1, "lesion": 2}
    # at least -600: both lesion voxels and the vessel, 2 * 2 / (3 + 2); a window leaves the vessel out
    assert statistics.threshold_dice == pytest.approx(0.8)
    assert -850 < statistics.threshold <= -600
    assert statistics.window_dice == 1.0
    assert -850 < statistics.window[0] <= -600 and -500 < statistics.window[1] <= 40
    assert np.sum(statistics.density("lesion") * np.diff(BIN_EDGES)) == pytest.approx(1.0)


def test_one_threshold_must_serve_every_case():
    dark = made_case([-900, -700], [0, 1], [0, 0])
    bright = made_case([-700, -500], [0, 1], [0, 0])
    both = hu_statistics(case for case in (dark, bright))
    assert hu_statistics([dark]).threshold_dice == hu_statistics([bright]).threshold_dice == 1.0
    assert both.threshold_dice == pytest.approx(0.8)        # 2 hits, 1 false alarm
    assert both.mean_threshold_dice == pytest.approx((1 + 2 / 3) / 2)


def test_without_lesions_no_threshold_scores():
    statistics = hu_statistics([chest_ct.generate("healthy", 0, 0, (48, 48, 16))])
    assert statistics.threshold_dice == statistics.window_dice == 0.0
    assert statistics.density("lesion").sum() == 0.0


def test_the_figure_shows_each_cohort_with_its_rate(tmp_path):
    figure = phantom_figure.draw(["healthy", "uestc-like"], cases=2, size=(48, 48, 16))
    titles = [axis.get_title() for axis in figure.axes]
    mean = np.mean([chest_ct.generate("uestc-like", case, 0, (48, 48, 16)).rate for case in range(2)])
    assert "no lesions" in titles
    assert f"infection rate {mean:.2f} % (paper: 5.67 %)" in titles
    figure.savefig(tmp_path / "figure.png", dpi=30)
