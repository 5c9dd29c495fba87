"""Dropout whose masks come from outside, as a pure function of the step.

Keras draws a mask for whatever batch a layer is shown, so a batch that is split over devices, or over time, would meet
other masks than the whole one. Drawn for the whole batch first and cut with it, they are the same (and a resumed run
needs no saved random state to meet them again).
"""

import keras
import tensorflow as tf

from covid3dgan.models.fast.rebuild import rebuild

__all__ = ["GivenDropout"]


class GivenDropout:
    """``model`` with the masks of its dropout layers as further inputs; the weights are shared.

    Args:
        model: a functional keras.Model, none of whose layers needs arguments other than its inputs.
        stream: a number of its own for every model that is trained under one seed.
    """

    def __init__(self, model, stream=0):
        self.model, self.dropouts, self.stream = model, [], stream
        masks = []

        def given(layer, inputs, again):
            if not isinstance(layer, keras.layers.Dropout):
                return None
            shape, features = tuple(inputs[0].shape[1:]), again(inputs[0])  # first: it may meet other dropouts
            masks.append(keras.Input(shape, dtype=inputs[0].dtype, name=f"{layer.name}_mask"))
            self.dropouts.append((shape, layer.rate))
            return keras.layers.Multiply(name=f"{layer.name}_given")([features, masks[-1]])

        self.with_masks = rebuild(model, given, f"{model.name}_given", masks)

    def masks(self, rows, key):
        """One mask per dropout layer for ``rows`` samples, float32: 0, or one over the share that is kept.

        Args:
            key: int (2,), seed and step.
        """
        found = []
        for number, (shape, rate) in enumerate(self.dropouts):
            seed = tf.stack([key[0] * 1000 + 10 * self.stream + number, key[1]])
            kept = tf.random.stateless_uniform((rows, *shape), tf.cast(seed, tf.int32)) >= rate
            found.append(tf.cast(kept, tf.float32) / (1.0 - rate))
        return found

    def __call__(self, inputs, masks, training=True):
        """The model's output; ``inputs`` and ``masks`` are lists of tensors of equally many samples."""
        inputs = [*inputs, *(tf.cast(mask, tensor.dtype) for mask, tensor in
                             zip(masks, self.with_masks.inputs[len(inputs):]))]
        return self.with_masks(inputs if len(inputs) > 1 else inputs[0], training=training)
