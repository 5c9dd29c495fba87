"""Doubts about a CT: one sentence each where it is unlike what networks learn from, none for a usual one."""

import numpy as np
import pytest

from covid3dgan.data.slice_image import SliceImage
from covid3dgan.data.volumes import Volume
from covid3dgan.inference.doubts import doubts, slice_doubts

SHAPE = (80, 60, 50)


def chest(spacing=(4.0, 4.0, 5.0), noise=20.0, lung=-850.0, blood=40.0):
    """A block of tissue with two lungs of 2.6 l together at the usual spacing, and what lies between them."""
    hu = np.full(SHAPE, 20.0)
    lungs = np.zeros(SHAPE, np.uint8)
    lungs[10:30, 15:45, 10:37] = lungs[50:70, 15:45, 10:37] = 1
    hu[34:46, 20:40] = blood
    hu[lungs > 0] = lung
    hu += np.random.default_rng(0).normal(0, noise, SHAPE)
    return Volume(hu, np.diag([*spacing, 1.0])), lungs


def test_a_usual_ct_raises_no_doubt():
    assert doubts(*chest(), 5.0) == []


@pytest.mark.parametrize("changed, words", [
    ({"spacing": (2.0, 2.0, 2.0)}, "expected lungs of 1 to 9 litres, found 0.26 litres"),
    ({"spacing": (8.0, 8.0, 7.0)}, "expected lungs of 1 to 9 litres, found 14.52 litres"),
    ({"spacing": (4.0, 4.0, 8.1)}, "expected slices of at most 8 mm, found 8.1 mm"),
    ({"noise": 160.0}, "expected noise below 120 HU in the lungs, found 1"),
    ({"lung": -500.0}, "expected a quarter of the lungs darker than -550 HU, found -513 HU"),
    ({"blood": 300.0}, "expected a CT without contrast agent, found 4"),
])
def test_each_doubt_is_one_sentence_with_what_was_found(changed, words):
    [text] = doubts(*chest(**changed), 5.0)
    assert text.startswith("ct: ") and words in text


def test_half_of_the_lungs_marked_is_a_doubt():
    assert doubts(*chest(), 49.9) == []
    [text] = doubts(*chest(), 50.0)
    assert "expected less than 50 % of the lungs marked, found 50 %" in text


def test_slices_are_thick_along_the_body_whatever_the_order_of_the_voxels():
    ct, lungs = chest((9.0, 4.0, 4.0))
    turned = Volume(ct.array, np.array([[0, 4.0, 0, 0], [0, 0, 4.0, 0], [9.0, 0, 0, 0], [0, 0, 0, 1]]))
    assert any("slices of at most 8 mm, found 9 mm" in text for text in doubts(turned, lungs, 0.0))
    assert not any("slices of" in text for text in doubts(ct, lungs, 0.0))


@pytest.mark.parametrize("changed, rate, words", [
    ({}, 5.0, None),
    ({"noise": 160.0}, 5.0, "expected noise below 120 HU in the lungs, found 1"),
    ({"lung": -500.0}, 5.0, "expected a quarter of the lungs darker than -550 HU, found -51"),
    ({}, 50.0, "expected less than 50 % of the lungs marked, found 50 %"),
])
def test_a_single_slice_is_doubted_as_far_as_it_tells(changed, rate, words):
    ct, lungs = chest(**changed)
    hu, inside = ct.array[:, :, 20].T, lungs[:, :, 20].T > 0
    found = slice_doubts(SliceImage(hu, None, lambda array: array, {}, "one.png"), inside, rate)
    assert [text.startswith("one.png: ") and words in text for text in found] == ([True] if words else [])
