"""The layers that the two TransUNets share and Keras does not have; all (B, ..., C), channels last."""

__all__ = ["ATTENTION_SCALES", "LAST_FILTERS", "ClassToken", "DropClassToken", "PositionTable", "SelfAttention",
           "StandardizedConv2D", "dense", "logits_head"]

import keras
import tensorflow as tf

from covid3dgan.errors import ArgumentError, check_choice

PACKAGE = "covid3dgan"
ATTENTION_SCALES = ("divide", "multiply")
# Filters of the last decoder in both published networks. It alone works at full resolution, without a skip: scaled
# down with the rest it would be a bottleneck of two or four channels, so small networks keep as many.
LAST_FILTERS = 16


def torch_uniform():
    """PyTorch's default for kernels: uniform in +-1 / sqrt(fan in). Keras 2 repeats itself if one is used twice."""
    return keras.initializers.VarianceScaling(scale=1 / 3, mode="fan_in", distribution="uniform")


def dense(x, units, name):
    """A dense layer with PyTorch's first weights: (B, N, E) -> (B, N, units)."""
    bound = x.shape[-1] ** -0.5
    return keras.layers.Dense(units, kernel_initializer=torch_uniform(), name=name,
                              bias_initializer=keras.initializers.RandomUniform(-bound, bound))(x)


def logits_head(x, classes, kernel):
    """The last convolution: (B, H, W, C) -> (B, H, W, classes), named ``logits``.

    Always in float32: a mixed policy would round the logits to 8 bits.
    """
    bound = (kernel**2 * x.shape[-1]) ** -0.5
    return keras.layers.Conv2D(classes, kernel, padding="same", dtype="float32", kernel_initializer=torch_uniform(),
                               bias_initializer=keras.initializers.RandomUniform(-bound, bound), name="logits")(x)


@keras.saving.register_keras_serializable(package=PACKAGE)
class ClassToken(keras.layers.Layer):
    """Puts one learned token, standard normal at first, before the others: (B, N, E) -> (B, N + 1, E)."""

    def build(self, input_shape):
        self.token = self.add_weight(name="token", shape=(1, 1, input_shape[-1]), trainable=True,
                                     initializer=keras.initializers.RandomNormal(0.0, 1.0))
        super().build(input_shape)

    def call(self, inputs):
        token = tf.cast(tf.convert_to_tensor(self.token), inputs.dtype)
        return tf.concat([tf.repeat(token, tf.shape(inputs)[0], axis=0), inputs], axis=1)

    def compute_output_shape(self, input_shape):
        batch, tokens, units = input_shape
        return (batch, tokens + 1, units)


@keras.saving.register_keras_serializable(package=PACKAGE)
class DropClassToken(keras.layers.Layer):
    """Leaves out the first token: (B, N + 1, E) -> (B, N, E)."""

    def call(self, inputs):
        return inputs[:, 1:, :]

    def compute_output_shape(self, input_shape):
        batch, tokens, units = input_shape
        return (batch, tokens - 1, units)


@keras.saving.register_keras_serializable(package=PACKAGE)
class PositionTable(keras.layers.Layer):
    """Adds a learned vector to every token: (B, N, E) -> (B, N, E); ties the network to its input size.

    Args:
        initializer: "uniform" in [0, 1) as the khali variant has it, or "zeros".
    """

    def __init__(self, initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.initializer = initializer

    def build(self, input_shape):
        made = {"uniform": keras.initializers.RandomUniform(0.0, 1.0), "zeros": keras.initializers.Zeros()}
        self.table = self.add_weight(name="table", shape=(1, *input_shape[1:]), trainable=True,
                                     initializer=made[self.initializer])
        super().build(input_shape)

    def call(self, inputs):
        return inputs + tf.cast(tf.convert_to_tensor(self.table), inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "initializer": self.initializer}


@keras.saving.register_keras_serializable(package=PACKAGE)
class SelfAttention(keras.layers.Layer):
    """Multi-head self-attention with one joint projection: (B, N, E) -> (B, N, E).

    The joint kernel is (E, 3E), its columns ordered as query, key, value, each as heads of E / heads columns.

    Args:
        heads: number of heads; must divide E.
        scale: "divide" the logits by the square root of a head's size (Vaswani et al. 2017), or "multiply" them by
            it, as the code behind paper 002 does: logits larger by the head's size, attention nearly one-hot.
        use_bias: of both projections.
    """

    def __init__(self, heads, scale="divide", use_bias=False, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.use_bias = heads, use_bias
        self.scale = check_choice("attention scale", scale, ATTENTION_SCALES)

    def build(self, input_shape):
        units = input_shape[-1]
        if units % self.heads:
            raise ArgumentError("heads", f"a divisor of the {units} units of a token", str(self.heads), "change either")
        self.head_size = units // self.heads
        self.joint_kernel = self._weight("joint_kernel", (units, 3 * units), torch_uniform())
        self.output_kernel = self._weight("output_kernel", (units, units), torch_uniform())
        if self.use_bias:
            self.joint_bias = self._weight("joint_bias", (3 * units,), keras.initializers.Zeros())
            self.output_bias = self._weight("output_bias", (units,), keras.initializers.Zeros())
        super().build(input_shape)

    def _weight(self, name, shape, initializer):
        return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=True)

    def call(self, inputs):
        tokens, units = inputs.shape[1], inputs.shape[2]
        joint = tf.matmul(inputs, tf.convert_to_tensor(self.joint_kernel))
        if self.use_bias:
            joint += tf.convert_to_tensor(self.joint_bias)
        joint = tf.reshape(joint, [-1, tokens, 3 * self.heads, self.head_size])
        query, key, value = tf.split(tf.transpose(joint, [0, 2, 1, 3]), 3, axis=1)  # each (B, heads, N, E / heads)
        factor = self.head_size ** (0.5 if self.scale == "multiply" else -0.5)
        weights = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) * tf.cast(factor, query.dtype))
        merged = tf.reshape(tf.transpose(tf.matmul(weights, value), [0, 2, 1, 3]), [-1, tokens, units])
        merged = tf.matmul(merged, tf.convert_to_tensor(self.output_kernel))
        return merged + tf.convert_to_tensor(self.output_bias) if self.use_bias else merged

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "heads": self.heads, "scale": self.scale, "use_bias": self.use_bias}


@keras.saving.register_keras_serializable(package=PACKAGE)
class StandardizedConv2D(keras.layers.Layer):
    """Convolution without bias whose filters have mean 0 and variance 1 whatever their weights (Qiao et al. 2019).

    (B, H, W, C) -> (B, H', W', filters).

    Args:
        filters, kernel_size, strides, padding: as in ``keras.layers.Conv2D``, square.
    """

    EPSILON = 1e-5

    def __init__(self, filters, kernel_size, strides=1, padding="valid", **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides, self.padding = filters, kernel_size, strides, padding

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", initializer=torch_uniform(), trainable=True,
                                      shape=(self.kernel_size, self.kernel_size, input_shape[-1], self.filters))
        super().build(input_shape)

    def call(self, inputs):
        # In float32 under mixed precision too: a variance of bfloat16 numbers is too coarse.
        kernel = tf.cast(tf.convert_to_tensor(self.kernel), tf.float32)
        mean, variance = tf.nn.moments(kernel, [0, 1, 2], keepdims=True)
        kernel = (kernel - mean) * tf.math.rsqrt(variance + self.EPSILON)
        return tf.nn.conv2d(inputs, tf.cast(kernel, inputs.dtype), self.strides, self.padding.upper())

    def compute_output_shape(self, input_shape):
        def side(length):
            if length is None:
                return None
            reach = length if self.padding == "same" else length - self.kernel_size + 1
            return -(-reach // self.strides)

        return (input_shape[0], side(input_shape[1]), side(input_shape[2]), self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "kernel_size": self.kernel_size,
                "strides": self.strides, "padding": self.padding}
