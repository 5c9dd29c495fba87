"""Calibrated pseudo-masks: how much lesion there is, voxel by voxel, learned on lesions painted into healthy lungs.

The generator's difference says that something was brighter than a healthy lung would be, not how far a lesion reaches:
it is fainter in faint lesions, and spills over where the generator smooths what lies around one. Lesions of known
extent, put through the same generator, tell what its differences mean. No annotation is involved.
"""

__all__ = ["calibrated_targets", "voxel_features"]

import keras
import numpy as np
import tensorflow as tf
from scipy import ndimage

from covid3dgan import compat, streams
from covid3dgan.data.noise import healthy_noise
from covid3dgan.inference.pseudo_masks import make_pseudo_masks
from covid3dgan.training.updates import minimise

UNITS = 32
BATCH, RATE = 6144, 2e-3
VOXELS_PER_VOLUME = 40000  # of each painted lung at most
FEATURES = 9
CHUNK = 1 << 18  # voxels read at once
NEAR, AROUND = (1, 3, 3), (3, 5, 5)  # slices, rows, columns
TOUCHING = (3, 3, 3)


def calibrated_targets(generator, volumes, lungs, healthy, healthy_lungs, pseudo, seed, steps):
    """The extent of lesions in ``volumes`` as the generator's differences and the densities tell it.

    Every healthy lung gets painted lesions once (data.noise.healthy_noise.LIKE_COVID) and goes through the generator; a
    small network learns their extent from what :func:`voxel_features` says of a voxel, and reads ``volumes``.

    Args:
        generator: (ct, latent) -> pseudo-healthy.
        volumes, lungs: (N, D, H, W) float32 in [0, 1], and their lung masks.
        healthy, healthy_lungs: (M, D, H, W) likewise, of healthy cases.
        pseudo: presets.stages.Pseudo.
        seed: seeds the painting, the latent noise, the network and its batches.
        steps: training steps of the network.

    Returns:
        (N, D, H, W) float32 in [0, 1], 0 outside of the lungs.
    """
    rng = np.random.default_rng([seed, streams.CALIBRATION])
    painted, extent = healthy_noise.painted_lesions(healthy, healthy_lungs, rng, healthy_noise.LIKE_COVID)
    changes = make_pseudo_masks(generator, painted, healthy_lungs, pseudo, seed).difference
    features, known = [], []
    for volume, change, lung, truth in zip(painted, changes, np.asarray(healthy_lungs) > 0.5, extent):
        drawn = rng.permutation(np.count_nonzero(lung))[:VOXELS_PER_VOLUME]
        features.append(voxel_features(volume, change, lung)[drawn])
        known.append(truth[lung][drawn])
    read = _learned(np.concatenate(features), np.concatenate(known), steps, rng)

    changes = make_pseudo_masks(generator, volumes, lungs, pseudo, seed).difference
    targets = np.zeros(volumes.shape, np.float32)
    for target, volume, change, lung in zip(targets, volumes, changes, np.asarray(lungs) > 0.5):
        target[lung] = read(voxel_features(volume, change, lung))
    return targets


def voxel_features(volume, change, lung):
    """What is known of each voxel of a lung: (D, H, W) density, (D, H, W) difference, mask -> (voxels, 9) float32.

    Of the difference: itself, its averages in the slice and around, the largest next to it. Of the density the same,
    and the smallest. What lies outside of the lung counts in none of them.
    """
    lung = np.asarray(lung, bool)
    found = []
    for values in (change, volume):
        inside = np.where(lung, values, 0).astype(np.float32)
        found += [inside, _average(inside, lung, NEAR), _average(inside, lung, AROUND),
                  ndimage.maximum_filter(inside, TOUCHING)]
    found.append(ndimage.minimum_filter(np.where(lung, volume, 1).astype(np.float32), TOUCHING))
    return np.stack([feature[lung] for feature in found], axis=1)


def _average(inside, lung, size):
    """Of what a box of ``size`` around each voxel holds of the lung, (D, H, W); ``inside`` is 0 elsewhere."""
    share = ndimage.uniform_filter(lung.astype(np.float32), size, mode="constant")
    return ndimage.uniform_filter(inside, size, mode="constant") / np.maximum(share, 1e-3)


def _learned(features, extent, steps, rng):
    """A function (voxels, 9) -> (voxels,) extent in [0, 1], learned from voxels of known extent."""
    centre, scale = features.mean(0), np.maximum(features.std(0), 1e-6)
    with compat.precision("float32"):
        network = _network(rng)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, steps))
    compat.build_optimizer(optimizer, network.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(inputs, truth):
        def objective():
            return tf.reduce_mean(tf.square(network(inputs, training=True)[:, 0] - truth)), None

        return minimise(optimizer, network.trainable_variables, objective)[0]

    for _ in range(steps):
        drawn = rng.integers(0, len(features), BATCH)
        step(tf.constant((features[drawn] - centre) / scale), tf.constant(extent[drawn]))

    def read(voxels):
        scaled = (voxels - centre) / scale
        return np.concatenate([np.asarray(network(scaled[i:i + CHUNK], training=False))[:, 0]
                               for i in range(0, len(scaled), CHUNK)] or [np.zeros(0, np.float32)])

    return read


def _network(rng):
    """(B, 9) -> (B, 1) in [0, 1]: two layers of ``UNITS``."""
    def dense(units, activation):
        start = keras.initializers.GlorotUniform(seed=int(rng.integers(2**31)))
        return keras.layers.Dense(units, activation=activation, kernel_initializer=start)

    inputs = keras.Input((FEATURES,))
    hidden = dense(UNITS, "swish")(dense(UNITS, "swish")(inputs))
    return keras.Model(inputs, dense(1, "sigmoid")(hidden), name="calibration")
