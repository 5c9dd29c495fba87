"""Deep Image Prior inpainting (Ulyanov et al. 2018): one small optimisation per image, no data."""

__all__ = ["inpaint"]

import keras
import numpy as np
import tensorflow as tf

from covid3dgan import compat, models, progress
from covid3dgan.errors import InputError
from covid3dgan.models.dip import DIP_VARIANTS

MESHGRID_CHANNELS = 2  # the "vase" variant feeds coordinates, the others noise
INPUT_SCALE = 0.1
# As the notebooks of DIP have them for inpainting: Adam's rate, and the standard deviation of what is added to the
# network's fixed input at each step.
LEARNING_RATE, INPUT_NOISE = 0.01, 0.03


def inpaint(image, hole, variant="kate", steps=6001, paste=True, seed=(0,), description="inpainting"):
    """``image`` with the hole filled by what the network draws there while it is fitted to the rest.

    Args:
        image: (H, W) in [0, 1]; mirrored at the far edges to the sides that the network needs.
        hole: (H, W) bool; what is under it is not read.
        variant: of ``models.build_dip``.
        paste: keep known pixels; otherwise everything is the network's drawing.
        seed: sequence of ints.
        description: of the progress bar.

    Returns:
        (H, W) float32 in [0, 1].
    """
    image, hole = np.asarray(image, np.float32), np.asarray(hole, bool)
    if hole.all():
        raise InputError("inpainting mask", "some known pixels", "none",
                         "lower background.area_multiple or background.dilation")
    divisor = 2**len(DIP_VARIANTS[variant].filters)
    margin = [(0, -side % divisor) for side in image.shape]
    target = np.pad(image, margin, mode="symmetric")[None, ..., None]
    known = np.pad(~hole, margin, mode="symmetric")[None, ..., None].astype(np.float32)
    rng = np.random.default_rng(list(seed))
    keras.utils.set_random_seed(int(rng.integers(2**31)))
    network = models.build_dip(variant, target.shape[1:3])
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    compat.build_optimizer(optimizer, network.trainable_variables)
    fixed = _input(rng, network.input_shape[1:])
    step = _fitting_step(network, optimizer, target * known, known)
    drawing = None
    for _ in progress.bar(range(steps), description=description, unit="step"):
        noisy = fixed + INPUT_NOISE * rng.standard_normal(fixed.shape).astype(np.float32)
        drawing = step(tf.constant(noisy))
    drawing = np.asarray(drawing)[0, :image.shape[0], :image.shape[1], 0]
    return np.where(hole, drawing, image) if paste else drawing


def _input(rng, shape):
    if shape[-1] == MESHGRID_CHANNELS:
        rows, columns = np.meshgrid(*(np.linspace(0, 1, side) for side in shape[:2]), indexing="ij")
        return np.stack([columns, rows], -1)[None].astype(np.float32)
    return (INPUT_SCALE * rng.random((1, *shape))).astype(np.float32)


def _fitting_step(network, optimizer, target, known):
    """A compiled function: one update on the mean squared error of the known pixels; returns the drawing before it."""
    target, known = tf.constant(target), tf.constant(known)

    @tf.function
    def step(noise):
        with tf.GradientTape() as tape:
            drawing = network(noise, training=True)
            loss = tf.reduce_mean(tf.square(known * drawing - target))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables))
        return drawing

    return step
