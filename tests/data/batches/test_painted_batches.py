"""Batches of painted slices: a function of seed and step, untouched where asked, levelled around the lungs too."""

import dataclasses

import numpy as np
import pytest

from covid3dgan.data.batches import painted_batches as painted_module
from covid3dgan.data.batches.painted_batches import Healthy, healthy_lungs, painted_batches
from covid3dgan.data.preprocess.prepared_case import PreparedCase
from covid3dgan.data.preprocess.prepared_set import PreparedSet


@pytest.fixture
def healthy():
    mask = np.zeros((1, 16, 48, 48), bool)
    mask[:, 2:14, 6:42, 4:21] = mask[:, 2:14, 6:42, 27:44] = True
    return Healthy(np.where(mask, 0.1, 0.74).astype(np.float16), mask, ((4.0, 2.0, 2.0),))


def test_a_step_gives_the_same_batch_whatever_came_before(healthy):
    first = painted_batches([healthy], [1.0], 4, 0.25, seed=3)
    second = painted_batches([healthy], [1.0], 4, 0.25, seed=3)
    expected = [first(step) for step in range(30)]
    for step in (29, 0, 17):
        for name, value in second(step).items():
            np.testing.assert_array_equal(value, expected[step][name])
    assert expected[0]["slice"].shape == expected[0]["target"].shape == (4, 48, 48, 1)
    assert expected[0]["slice"].dtype == expected[0]["target"].dtype == np.float32
    targets = np.stack([batch["target"] for batch in expected])
    assert 0.01 < (targets > 0.5).mean() < 0.3
    assert not np.array_equal(painted_batches([healthy], [1.0], 4, 0.25, seed=4)(0)["slice"], expected[0]["slice"])


def test_untouched_lungs_have_no_target(healthy):
    batches = painted_batches([healthy], [1.0], 4, 1.0, seed=0)
    assert not any(batches(step)["target"].any() for step in range(12))


def test_a_kind_of_lungs_with_no_share_is_never_drawn(healthy):
    empty = dataclasses.replace(healthy, images=np.full_like(healthy.images, np.nan))
    batches = painted_batches([empty, healthy], [0.0, 1.0], 4, 0.5, seed=0)
    assert all(np.isfinite(batches(step)["slice"]).all() for step in range(12))


def test_what_is_around_the_lungs_is_levelled_as_they_are():
    lungs = np.zeros((2, 8, 8), np.float32)
    lungs[:, 1:7, 1:4] = 1.0
    base = np.full((2, 8, 8), 0.5, np.float32)
    added = np.linspace(-0.1, 0.1, 8, dtype=np.float32)[:, None]
    lung = np.where(lungs > 0, base + added, 0).astype(np.float32)
    case = PreparedCase("a", lung, lungs, base, None, np.eye(4), np.eye(4), (8, 8, 2), {})
    found = healthy_lungs(PreparedSet((case,), (None,)))
    expected = np.broadcast_to(0.5 + np.interp(np.arange(8), np.arange(1, 7), added[1:7, 0])[:, None], (2, 8, 8))
    np.testing.assert_allclose(found.images[0], expected, atol=1e-3)
    assert found.spacings == ((1.0, 1.0, 1.0),)
    assert found.lungs.dtype == bool and found.lungs.sum() == lungs.sum()


def test_phantoms_with_lesions_of_their_own_are_taken_as_they_are(healthy):
    extents = np.zeros_like(healthy.lungs)
    extents[:, 6:10, 20:30, 8:16] = True
    batches = painted_batches([dataclasses.replace(healthy, extents=extents)], [1.0], 4, 0.0, seed=1)
    targets = np.stack([batches(step)["target"] for step in range(12)])
    assert targets.max() == 1.0
    # 80 pixels, zoomed by at most exp(0.18) on each axis; painted lesions would take more of many slices.
    assert (targets > 0.5).sum((2, 3, 4)).max() < 80 * np.exp(0.36) * 1.1


def test_dense_healthy_pixels_weigh_more(healthy):
    images = healthy.images.copy()
    images[:, :, 20:24, 10:14] = 0.6  # a vessel
    batch = painted_batches([dataclasses.replace(healthy, images=images)], [1.0], 4, 1.0, seed=2, vessel_weight=3.0)(0)
    assert set(np.unique(batch["weight"])) == {1.0, 3.0}
    np.testing.assert_array_equal(batch["weight"] == 3.0, batch["slice"] > 0.4 / 1.4)


def test_what_levelling_takes_for_dense_lung_is_lowered_as_in_a_patient():
    lungs = np.ones((1, 40, 40), bool)
    image = np.full((1, 40, 40), 0.1, np.float32)  # -860 HU
    image[:, 20:] += 140 / 1400  # the back is ground glass
    lowered = painted_module._levelled(image, lungs, -860.0, np.random.default_rng(0))
    back, front = (float(np.median(part)) * 1400 - 1000 for part in (lowered[0, 30:], lowered[0, :10]))
    assert -860 <= back < -720 - 20  # by 20 HU at least, and never below the lungs' level
    assert abs(back - front) < 140
    np.testing.assert_allclose(painted_module._levelled(np.full_like(image, 0.1), lungs, -860.0,
                                                        np.random.default_rng(0)), 0.1, atol=1e-3)
