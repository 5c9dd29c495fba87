"""Pseudo-masks by hand: what is subtracted, scaled, clipped and summed."""

import numpy as np
import pytest

from covid3dgan.inference import pseudo_masks
from covid3dgan.presets.stages import Pseudo

PLAIN = Pseudo(minmax=False, sign="signed", latent="fixed")
VOLUME = np.array([0.0, 0.5, 1.0, 0.25], np.float32).reshape(1, 1, 2, 2)
HEALTHY = np.array([0.0, 0.25, 0.5, 0.5], np.float32).reshape(1, 1, 2, 2)
LUNG = np.array([1, 1, 0, 1], np.float32).reshape(1, 1, 2, 2)


def _values(**options):
    return pseudo_masks.difference(VOLUME, HEALTHY, LUNG, Pseudo(**{"minmax": False, **options})).ravel().tolist()


def test_signed_and_clipped_difference():
    assert _values(sign="signed") == [0, 0.25, 0.5, -0.25]
    assert _values(sign="clipped") == [0, 0.25, 0.5, 0]


def test_only_inside_the_lung():
    assert _values(sign="signed", within_lung=True) == [0, 0.25, 0, -0.25]


def test_min_max_scales_each_volume_by_its_own_extremes():
    # healthy: 0, .25, .5, .5 -> 0, .5, 1, 1
    assert _values(minmax=True, sign="signed") == [0, 0, 0, -0.75]


def test_a_constant_volume_does_not_divide_by_zero():
    change = pseudo_masks.difference(VOLUME, np.zeros_like(VOLUME), LUNG, Pseudo(minmax=True, sign="signed"))
    np.testing.assert_allclose(change, VOLUME)


def test_slice_sums():
    change = np.arange(16, dtype=np.float32).reshape(1, 4, 2, 2)
    assert pseudo_masks.slice_sums(change).tolist() == [[6, 22, 38, 54]]


@pytest.mark.parametrize("latent, equal", [("fixed", True), ("random", False)])
def test_latent_noise_is_fixed_or_fresh_per_volume_and_repeats_with_the_seed(latent, equal):
    def generator(inputs, training):
        ct, z = inputs
        return ct * 0 + z.mean(axis=(1, 2, 3, 4)).reshape(-1, 1, 1, 1, 1)

    volumes = np.zeros((2, 16, 16, 16), np.float32)
    options = Pseudo(minmax=False, latent=latent, latent_samples=3)
    mean, spread = pseudo_masks.pseudo_healthy(generator, volumes, options, seed=1)
    assert (mean[0] == mean[1]).all() == equal
    assert (spread > 0).all()
    np.testing.assert_array_equal(mean, pseudo_masks.pseudo_healthy(generator, volumes, options, seed=1)[0])
    assert (mean != pseudo_masks.pseudo_healthy(generator, volumes, options, seed=2)[0]).all()
