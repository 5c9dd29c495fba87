"""The segmenter's merge of two feature maps: a convolutional LSTM with the gates of Keras 2 in both environments."""

import keras
import tensorflow as tf

from covid3dgan.errors import check_choice

__all__ = ["GATES", "ConvLSTM2D", "legacy_hard_sigmoid"]


@keras.saving.register_keras_serializable(package="covid3dgan")
def legacy_hard_sigmoid(x):
    """Keras 2's hard sigmoid, clip(0.2 x + 0.5, 0, 1). Keras 3's is another function: relu6(x + 3) / 6.

    Written with relu6 too, whose gradient is one operation where that of clip is five.
    """
    return tf.nn.relu6(1.2 * x + 3.0) / 6.0


# F31: what "the default recurrent activation" meant in Keras 2, and what Keras 3 would make of the same code: its
# default, and its function of the same name.
GATES = {"legacy_hard_sigmoid": legacy_hard_sigmoid, "sigmoid": tf.sigmoid,
         "keras3_hard_sigmoid": lambda x: tf.nn.relu6(x + 3.0) / 6.0}


@keras.saving.register_keras_serializable(package="covid3dgan")
class ConvLSTM2D(keras.layers.Layer):
    """``keras.layers.ConvLSTM2D`` ("same" padding, last output only) for a fixed, small number of time steps.

    Weights (kernel, recurrent_kernel, bias) and results are those of the Keras 2 layer. Unrolling saves the loop, and
    the first step's recurrent convolution, whose input is all zero; it also leaves no control flow to export.

    Args:
        filters: output channels.
        kernel_size: of both convolutions.
        go_backwards: reads the last time step first.
        gate: one of GATES.

    Call: (B, T, H, W, C), T known -> (B, H, W, filters).
    """

    def __init__(self, filters, kernel_size, go_backwards=False, gate="legacy_hard_sigmoid",
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", **kwargs):
        super().__init__(**kwargs)
        self.filters = int(filters)
        self.kernel_size = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
        self.go_backwards = go_backwards
        self.gate = check_choice("gate", gate, GATES)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)

    def build(self, input_shape):
        gates = 4 * self.filters
        self.kernel = self.add_weight(name="kernel", shape=(*self.kernel_size, input_shape[-1], gates),
                                      initializer=self.kernel_initializer)
        self.recurrent_kernel = self.add_weight(name="recurrent_kernel",
                                                shape=(*self.kernel_size, self.filters, gates),
                                                initializer=self.recurrent_initializer)
        self.bias = self.add_weight(name="bias", shape=(gates,), initializer=self._open_forget_gate)
        super().build(input_shape)

    def _open_forget_gate(self, shape, dtype=None):
        """Zeros, and ones for the forget gate, which is the second of the four."""
        return tf.repeat(tf.constant([0.0, 1.0, 0.0, 0.0], dtype or tf.float32), shape[0] // 4)

    def call(self, inputs):
        frames = tf.unstack(inputs, axis=1)
        if self.go_backwards:
            frames.reverse()
        squash = GATES[self.gate]
        output = carry = None
        for frame in frames:
            gates = tf.nn.bias_add(tf.nn.conv2d(frame, self.kernel, strides=1, padding="SAME"), self.bias)
            if output is not None:
                gates += tf.nn.conv2d(output, self.recurrent_kernel, strides=1, padding="SAME")
            write, keep, candidate, read = tf.split(gates, 4, axis=-1)
            new = squash(write) * tf.tanh(candidate)
            carry = new if carry is None else squash(keep) * carry + new
            output = squash(read) * tf.tanh(carry)
        return output

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *input_shape[2:4], self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "kernel_size": self.kernel_size,
                "go_backwards": self.go_backwards, "gate": self.gate,
                "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
                "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer)}
