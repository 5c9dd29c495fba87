"""The gradients that ``covid3dgan.kernels`` puts in place of TensorFlow's, against TensorFlow's float32."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, environment, kernels
from covid3dgan.errors import InputWarning


def gradients(function, dtype, *arrays, graph=True):
    """Gradients of sum(function(arrays)^2) with respect to every array, computed in ``dtype``."""
    def run(*values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            loss = tf.reduce_sum(tf.cast(function(*values), tf.float32) ** 2)
        return [tf.cast(gradient, tf.float32) for gradient in tape.gradient(loss, values)]

    return (tf.function(run) if graph else run)(*(tf.cast(array, dtype) for array in arrays))


def assert_agree(function, *arrays, graph=True):
    # Rounded to bfloat16 first, so that both computations start from the same numbers.
    arrays = [tf.cast(tf.cast(array, tf.bfloat16), tf.float32) for array in arrays]
    exact, rounded = (gradients(function, dtype, *arrays, graph=graph) for dtype in (tf.float32, tf.bfloat16))
    for expected, found in zip(exact, rounded):
        assert np.isfinite(found).all()
        assert np.linalg.norm(found - expected) < 0.02 * np.linalg.norm(expected)


def numbers(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("graph", [True, False])
@pytest.mark.parametrize("shape", [(4, 3), (2, 64, 64, 3), (2, 16, 32, 32, 3)])
def test_bias_gradients_over_many_pixels_keep_their_sum(shape, graph):
    assert_agree(tf.nn.bias_add, numbers(*shape) + 1.0, np.float32([0.5, -0.25, 1.0]), graph=graph)


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("graph", [True, False])
@pytest.mark.parametrize("sides, kernel", [((2, 8, 8), 3), ((2, 8, 8), 5), ((2, 2, 2), 3), ((1, 1, 8), 5),
                                           ((4, 16, 16), 5), ((4, 8, 8), 3), ((1, 4, 4), 3)])
def test_kernel_gradients_of_small_volumes_are_those_of_float32(sides, kernel, graph):
    def convolve(volume, weights):
        return tf.nn.conv3d(volume, weights, [1] * 5, "SAME")

    assert_agree(convolve, numbers(2, *sides, 16), 0.05 * numbers(kernel, kernel, kernel, 16, 8), graph=graph)


@pytest.mark.usefixtures("bfloat16")
def test_a_valid_strided_convolution_keeps_its_attributes():
    def convolve(volume, weights):
        return tf.nn.conv3d(volume, weights, [1, 1, 2, 2, 1], "VALID")

    assert_agree(convolve, numbers(2, 4, 8, 9, 4), numbers(3, 3, 3, 4, 5))


@pytest.mark.usefixtures("bfloat16")
def test_sides_unknown_in_the_graph_are_taken_as_small():
    @tf.function(input_signature=[tf.TensorSpec((None, None, None, None, 4), tf.bfloat16),
                                  tf.TensorSpec((3, 3, 3, 4, 4), tf.bfloat16)])
    def kernel_gradient(volume, weights):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = tf.reduce_sum(tf.nn.conv3d(volume, weights, [1] * 5, "SAME"))
        return tape.gradient(loss, weights)

    volume = tf.ones((1, 2, 8, 8, 4), tf.bfloat16)
    # The central weight sees all 128 voxels, a corner one (2 - 1) x (8 - 1) x (8 - 1) = 49.
    gradient = tf.cast(kernel_gradient(volume, tf.zeros((3, 3, 3, 4, 4), tf.bfloat16)), tf.float32).numpy()
    assert (gradient[1, 1, 1] == 128).all() and (gradient[0, 0, 0] == 49).all()


@pytest.mark.parametrize("graph", [True, False])
@pytest.mark.parametrize("sides, kernel, options", [
    ((4, 8, 8), (3, 3, 3), {}), ((2, 3, 3), (5, 5, 5), {}), ((4, 6, 8), (4, 2, 3), {}), ((4, 8, 8), (1, 1, 1), {}),
    ((4, 8, 8), (3, 3, 3), {"padding": "VALID"}), ((5, 8, 7), (3, 3, 3), {"strides": [1, 2, 2, 2, 1]}),
    ((4, 8, 8), (3, 3, 3), {"dilations": [1, 2, 2, 2, 1]}),
])
def test_written_out_zeros_give_the_gradients_of_padding(monkeypatch, sides, kernel, options, graph):
    def convolve(volume, weights):
        return tf.nn.conv3d(volume, weights, **{"strides": [1] * 5, "padding": "SAME", **options})

    arrays = numbers(2, *sides, 3), numbers(*kernel, 3, 2)
    found = []
    for faster in (False, True):
        monkeypatch.setattr(kernels, "written_out_zeros_are_faster", lambda faster=faster: faster)
        found.append(gradients(convolve, tf.float32, *arrays, graph=graph))
    for own, others in zip(*found):
        np.testing.assert_allclose(own, others, rtol=1e-4, atol=1e-3)


def test_zeros_are_written_out_where_that_is_faster_and_there_alone(monkeypatch):
    """By what the graph holds: the result is the same either way."""
    def operations(faster):
        monkeypatch.setattr(kernels, "written_out_zeros_are_faster", lambda: faster)

        @tf.function
        def both(volume, weights):
            return tf.gradients(tf.nn.conv3d(volume, weights, [1] * 5, "SAME"), [volume, weights])

        graph = both.get_concrete_function(tf.ones((1, 4, 4, 4, 2)), tf.ones((3, 3, 3, 2, 2))).graph
        return [(operation.type, operation.get_attr("padding")) for operation in graph.get_operations()
                if operation.type == "Conv3DBackpropFilterV2"]

    assert operations(True) == [("Conv3DBackpropFilterV2", b"VALID")]
    assert operations(False) == [("Conv3DBackpropFilterV2", b"SAME")]


@pytest.mark.parametrize("instructions, onednn, gpus, written_out", [
    ("AVX2", True, [], True), ("AVX-512", True, [], False), ("AMX", True, [], False), (None, None, [], False),
    ("AVX2", False, [], False), ("AVX2", True, ["a GPU"], False), ("older than AVX2", True, [], False)])
def test_where_zeros_are_written_out(monkeypatch, instructions, onednn, gpus, written_out):
    monkeypatch.setattr(environment, "instruction_set", lambda: instructions)
    monkeypatch.setattr(kernels, "onednn_is_on", lambda: onednn)
    monkeypatch.setattr(kernels.tf.config, "list_physical_devices", lambda kind: gpus)
    assert kernels.written_out_zeros_are_faster.__wrapped__() is written_out


@pytest.mark.skipif(not environment.is_x86(), reason="oneDNN has a switch on x86 alone")
def test_without_onednn_sums_of_bfloat16_are_found_to_be_rounded():
    """What a processor without AVX-512 does; the switch is read when TensorFlow starts, hence a process of its own."""
    found = subprocess.run([sys.executable, "-c", "from covid3dgan import kernels\n"
                            "print(kernels.bfloat16_sums_are_exact())"], stdout=subprocess.PIPE, text=True, check=True,
                           env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"})
    assert found.stdout.split() == ["False"]


def test_correcting_twice_is_correcting_once():
    before = kernels.tf_ops._gradient_registry._registry["BiasAdd"]["type"]
    assert kernels.correct_gradients()
    assert kernels.tf_ops._gradient_registry._registry["BiasAdd"]["type"] is before


@pytest.mark.usefixtures("bfloat16_accepted")
def test_a_tensorflow_that_cannot_be_corrected_is_named_when_bfloat16_is_chosen(monkeypatch):
    monkeypatch.setattr(kernels.tf_ops, "_gradient_registry", None)
    assert not kernels.correct_gradients()
    monkeypatch.setattr(compat, "BFLOAT16_GRADIENTS_ARE_RIGHT", False)
    with pytest.warns(InputWarning, match="precision: expected a TensorFlow whose bfloat16 gradients"), \
            compat.precision("mixed_bfloat16"):
        pass
