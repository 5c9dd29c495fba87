"""Random patches: aligned, repeatable, evenly drawn."""

import numpy as np
import pytest

from covid3dgan.data.batches.patches import patch_batches, to_network
from covid3dgan.errors import ArgumentError


@pytest.fixture
def arrays():
    images = np.random.default_rng(0).random((5, 40, 48)).astype(np.float32)
    return {"image": images, "weak": images > 0.5}


def test_patches_are_cut_at_the_same_place_and_scaled(arrays):
    batch = patch_batches(arrays, 16, 3, [1], flips=True)(7)
    assert batch["image"].shape == batch["weak"].shape == (3, 16, 16, 1)
    np.testing.assert_array_equal(batch["weak"] == 1, batch["image"] > 0)
    assert batch["weak"].dtype == np.float32 and set(np.unique(batch["weak"])) == {0.0, 1.0}


def test_a_step_is_a_pure_function_of_seed_and_step(arrays):
    at, again = patch_batches(arrays, 16, 2, [1]), patch_batches(arrays, 16, 2, [1])
    at(3)
    np.testing.assert_array_equal(at(9)["image"], again(9)["image"])
    assert not np.array_equal(at(9)["image"], at(10)["image"])
    assert not np.array_equal(at(9)["image"], patch_batches(arrays, 16, 2, [2])(9)["image"])


def test_every_image_is_used_once_an_epoch():
    marked = np.arange(6)[:, None, None] / 5 * np.ones((6, 8, 8))
    at = patch_batches({"image": marked}, 8, 2, [3])
    seen = np.concatenate([at(step)["image"][:, 0, 0, 0] for step in range(3)])
    np.testing.assert_allclose(sorted(seen), to_network(np.arange(6) / 5)[..., 0], atol=1e-6)


def test_flips_reach_all_eight_orientations():
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4) / 15
    at = patch_batches({"image": image}, 4, 1, [0], flips=True)
    assert len({at(step)["image"].tobytes() for step in range(80)}) == 8


def test_a_patch_larger_than_the_image_is_refused(arrays):
    with pytest.raises(ArgumentError, match="at most the images' size 40 x 48"):
        patch_batches(arrays, 64, 1, [0])


@pytest.mark.parametrize("patch, size, part", [(12, 32, "patch: expected a multiple of 8"),
                                               (16, 36, "images.size: expected a multiple of 8")])
def test_sides_that_the_networks_cannot_halve_are_refused(patch, size, part):
    arrays = {"image": np.zeros((2, size, 32), np.float32)}
    patch_batches(arrays, patch, 1, [0])
    with pytest.raises(ArgumentError, match=part):
        patch_batches(arrays, patch, 1, [0], halvings=3)


def test_zooming_out_shows_more_of_the_image():
    ramp = np.tile(np.arange(64, dtype=np.float32) / 63, (1, 64, 1))
    at = patch_batches({"image": ramp}, 16, 1, [0], zoom_out=3.0)
    spans = [(np.ptp(at(step)["image"]) * 63 / 2 + 1) / 16 for step in range(60)]
    assert min(spans) < 1.1 and 2.5 < max(spans) <= 3.0
