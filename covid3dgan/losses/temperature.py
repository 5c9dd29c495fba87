"""The contrastive temperature fitted by stochastic gradient descent, as paper 002 section 3.3.2 describes.

The paper reports 0.06 and no code shows the descent, so the rate, the first guess, the features and the stopping rule
are ours (K18). The loss has no minimum inside (0, infinity) where the classes are separated, or not separated at all:
it falls towards one end, ever more slowly, and a descent just stops somewhere on the way. Hence the bounds, and beside
the result the loss over the whole range of temperatures, which shows whether there was anything to find.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from covid3dgan.errors import ArgumentError
from covid3dgan.losses.contrastive_labels import check_contrastive_labels
from covid3dgan.losses.enhanced_contrastive import anchor_losses

__all__ = ["BOUNDS", "TemperatureFit", "fit_temperature"]

BOUNDS = (0.01, 1.0)
CURVE_POINTS = 41


@dataclasses.dataclass(frozen=True)
class TemperatureFit:
    """A fitted temperature and how it was found.

    Attributes:
        temperature: the last value.
        temperatures: before each update, and the last value.
        losses: mean loss over all samples at the start and after each pass.
        stopped: "at rest", "at lower bound", "at upper bound" or "passes used up".
        curve: (temperature, mean loss over all samples) from bound to bound.
    """

    temperature: float
    temperatures: tuple[float, ...]
    losses: tuple[float, ...]
    stopped: str
    curve: tuple[tuple[float, float], ...]

    @property
    def best_on_curve(self):
        """(temperature, whether it lies inside the bounds): where the whole curve is lowest."""
        lowest = int(np.argmin([loss for _, loss in self.curve]))
        return self.curve[lowest][0], 0 < lowest < len(self.curve) - 1


def fit_temperature(features, labels, initial=0.1, rate=0.05, batch_size=8, passes=100, bounds=BOUNDS,
                    sensitivity_weight=1.5, logarithmic=True, divide_by_count=False, tolerance=1e-4, seed=0):
    """Descends the loss of ``enhanced_contrastive_loss`` (the code's form, self-pairs out) in the temperature alone.

    Each pass walks through a fresh permutation of the samples in batches; a batch's anchors are contrasted with all
    samples.

    Args:
        features: (N, ...); flattened and L2-normalised here.
        labels: (N,) integers, at least two classes of at least two samples.
        initial, rate: first temperature and step size.
        bounds: (lowest, highest) temperature.
        logarithmic: descends in log temperature, which cannot leave (0, infinity); False is the printed update.
        divide_by_count: divides each step by N as well as by the batch's size, as printed.
        tolerance: at rest when a whole pass changes the temperature by less than this share of it.

    Returns:
        :class:`TemperatureFit`.
    """
    low, high = bounds
    if not 0 < low <= initial <= high:
        raise ArgumentError("temperature bounds", "0 < lowest <= initial <= highest", f"{low}, {initial}, {high}",
                            "change the bounds or the first temperature")
    labels = np.asarray(check_contrastive_labels(labels, per_class=2)).reshape(-1)
    flat = np.asarray(features, np.float32).reshape(len(labels), -1)
    unit = tf.math.l2_normalize(tf.constant(flat), axis=1)
    similarity = tf.matmul(unit, unit, transpose_b=True)
    same, kept = tf.constant(labels[:, None] == labels[None]), tf.constant(~np.eye(len(labels), dtype=bool))

    def loss_and_slope(value, rows):
        """Mean loss of the anchors ``rows`` and its derivative, in log temperature where that is descended."""
        variable = tf.constant(np.log(value) if logarithmic else value, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            temperature = tf.exp(variable) if logarithmic else variable
            chosen = (tf.gather(matrix, rows) for matrix in (similarity, same, kept))
            loss = tf.reduce_mean(anchor_losses(*chosen, temperature, sensitivity_weight))
        return float(loss), float(tape.gradient(loss, variable))

    everyone = np.arange(len(labels))
    temperatures, losses = [float(initial)], [loss_and_slope(initial, everyone)[0]]
    stopped = "passes used up"
    for number in range(passes):
        before = temperatures[-1]
        order = np.random.default_rng([seed, number]).permutation(len(labels))
        for start in range(0, len(order), batch_size):
            value = temperatures[-1]
            slope = loss_and_slope(value, order[start:start + batch_size])[1]
            step = rate * slope / (len(labels) if divide_by_count else 1)
            moved = value * np.exp(-step) if logarithmic else value - step
            temperatures.append(float(np.clip(moved, low, high)))
        losses.append(loss_and_slope(temperatures[-1], everyone)[0])
        if abs(temperatures[-1] - before) < tolerance * before:
            stopped = {low: "at lower bound", high: "at upper bound"}.get(temperatures[-1], "at rest")
            break
    grid = [float(value) for value in np.geomspace(low, high, CURVE_POINTS)]
    curve = tuple((value, loss_and_slope(value, everyone)[0]) for value in grid)
    return TemperatureFit(temperatures[-1], tuple(temperatures), tuple(losses), stopped, curve)
