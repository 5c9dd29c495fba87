"""Vessel masks: hysteresis, polarity, scales, field of view; and how good they are on synthetic fundi."""

import dataclasses

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.data.classical import coarse
from covid3dgan.data.classical.contrast import prepare_angiogram
from covid3dgan.data.datasets.field_of_view import field_of_view, without_surround
from covid3dgan.data.phantoms.angiograms import angiogram
from covid3dgan.data.phantoms.fundus import fundus
from covid3dgan.errors import ArgumentError
from covid3dgan.presets.afseg import Coarse

DEMO = presets.get("afseg/vessels/demo").coarse
PLAIN = Coarse(method="hessian", erosion=0, scales=(2.0,), vessel_filter="elongated")


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_hysteresis_keeps_faint_vessels_that_join_clear_ones():
    answer = np.zeros((7, 12))
    answer[1, 1:10] = 0.5
    answer[1, 1:3] = 1.0  # faint, and clear at one end
    answer[2, 10] = 0.5  # joined at a corner
    answer[5, 1:10] = 0.5  # faint all along
    kept = coarse._hysteresis(answer, 0.4, 0.8)
    np.testing.assert_array_equal(np.argwhere(kept), [*([1, c] for c in range(1, 10)), [2, 10]])


@pytest.fixture(scope="module")
def photograph():
    """A fundus at 384 pixels, its vessels, and the field that the program finds."""
    image, mask, _ = fundus(3, 1, 384)
    field = field_of_view(image[..., 1])
    return without_surround(image[..., 1], field), mask, field


def test_either_polarity_is_found_by_itself(photograph):
    image, _, field = photograph
    found = coarse.coarse_mask(image, DEMO, field=field)
    np.testing.assert_array_equal(coarse.coarse_mask(1.0 - image, DEMO, field=field), found)
    fixed = dataclasses.replace(DEMO, find_polarity=False)
    np.testing.assert_array_equal(coarse.coarse_mask(image, fixed, field=field), found)
    assert dice(coarse.coarse_mask(1.0 - image, fixed, field=field), found) < 0.4
    bright, mask, _ = fundus(3, 2, 384, bright=True)
    assert dice(coarse.coarse_mask(bright[..., 1], DEMO, field=field_of_view(bright[..., 1])), mask) > 0.55


@pytest.mark.parametrize("vessel_filter", ["frangi", "elongated"])
def test_relative_scales_follow_the_images_size(vessel_filter):
    rows, columns = np.mgrid[:256, :256]
    wide = 0.8 - 0.4 * np.exp(-((rows - 128) / 4.0)**2)
    options = dataclasses.replace(PLAIN, scales=(8.0,), relative_scales=True, vessel_filter=vessel_filter)
    in_pixels = dataclasses.replace(PLAIN, scales=(4.0,), vessel_filter=vessel_filter)
    np.testing.assert_array_equal(coarse.vessels(wide, options), coarse.vessels(wide, in_pixels))
    assert coarse.vessels(wide, options)[128].all()


def test_the_edge_of_the_field_is_no_vessel(photograph):
    rows, columns = np.mgrid[:128, :128] - 64.0
    disc = np.hypot(rows, columns) < 50
    image = 0.5 - 0.1 * ((np.hypot(rows, columns) > 45) & disc) - 0.3 * (abs(columns) < 2)
    edge = disc & (np.hypot(rows, columns) > 40) & (abs(columns) > 10)
    with_edge, without = (coarse.vessels(image, dataclasses.replace(PLAIN, border=border), disc)
                          for border in (0.0, 0.1))
    assert with_edge[edge].any() and not without[edge].any()
    assert without[64, 64] and not without[~disc].any()
    everywhere = coarse.vessels(image, dataclasses.replace(PLAIN, border=0.1), np.ones_like(disc))
    assert everywhere[0, 64] and everywhere[127, 64], "an image's own border is no edge of a field"


def test_trimming_takes_the_rim_of_wide_vessels_and_spares_thin_ones():
    rows, columns = np.mgrid[:256, :256]
    wide, thin = abs(rows - 80) <= 6, abs(rows - 180) <= 1
    image = 0.8 - 0.4 * wide - 0.2 * thin
    mask = (abs(rows - 80) <= 9) | (abs(rows - 180) <= 1)
    for picture in (image, 1.0 - image):
        trimmed = coarse.trim(mask, picture, 0.4)
        np.testing.assert_array_equal(trimmed[100:], mask[100:])
        assert trimmed[wide].all() and not trimmed[abs(rows - 80) == 9].any()
    assert coarse.trim(mask, image, 0.0) is mask
    options = dataclasses.replace(DEMO, trim=0.0)
    picture, _ = angiogram(5, 1, 256)
    assert (coarse.coarse_mask(picture, DEMO) <= coarse.coarse_mask(picture, options)).all(), "it only takes away"


def test_small_pieces_go_by_their_share_of_the_image():
    image = np.full((100, 100), 0.8)
    image[20:22, 10:90] = 0.3
    image[70:72, 40:48] = 0.3
    found = coarse.vessels(image, dataclasses.replace(PLAIN, scales=(1.0,), smallest_vessel=0.01))
    assert found[20:22, 20:80].all() and not found[60:80].any()


def test_fundi_and_angiograms_reach_their_goals(photograph):
    image, mask, field = photograph
    paper = presets.get("afseg/vessels").coarse
    scores = {name: dice(coarse.coarse_mask(prepare_angiogram(image, 3, 8, 2.0), options, field=field), mask)
              for name, options in (("demo", DEMO), ("paper", paper))}
    assert scores["demo"] >= 0.60 and scores["demo"] > scores["paper"] + 0.1
    image, mask = angiogram(5, 0, 384)
    assert dice(coarse.coarse_mask(prepare_angiogram(image), DEMO), mask) > 0.70


@pytest.mark.parametrize("change, sentence", [
    ({"hysteresis": (1.5, 0.8)}, "coarse.hysteresis: expected two shares above 0, the lower one first, found 1.5,0.8"),
    ({"border": 0.5}, "coarse.border: expected a share"),
    ({"trim": 1.0}, "coarse.trim"), ({"smallest_vessel": -1.0}, "coarse.smallest_vessel"),
])
def test_odd_options_are_refused(change, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        coarse.coarse_mask(np.zeros((32, 32)), dataclasses.replace(DEMO, **change))
