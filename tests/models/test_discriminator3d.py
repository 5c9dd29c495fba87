import numpy as np
import pytest

from covid3dgan import models
from covid3dgan.errors import ArgumentError


def sizes(model):
    return [tuple(layer.output.shape[1:]) for layer in model.layers if layer.name.endswith("_pool")]


def test_paper_variant_has_five_convolutions_and_four_dense_layers_all_alive():
    model = models.build_discriminator("paper", (32, 128, 128, 1), width=4)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Conv3D") == 5 and kinds.count("Dense") == 4
    # A chain: every layer feeds the next one, so none of them is dead.
    assert all(len(layer._inbound_nodes[-1].parent_nodes) == 1 for layer in model.layers[1:])
    assert sizes(model) == [(15, 63, 63, 2), (6, 30, 30, 4), (2, 14, 14, 8), (1, 7, 7, 16), (1, 3, 3, 32)]


def test_declared_variant_has_the_four_convolutions_of_the_notebook():
    model = models.build_discriminator("declared", (32, 128, 128, 1))
    assert [shape[-1] for shape in sizes(model)] == [16, 32, 64, 128]


@pytest.mark.parametrize("variant", ["published", "declared", "paper"])
@pytest.mark.parametrize("shape", [(16, 16, 16, 1), (16, 64, 64, 1)])
def test_small_inputs_build_and_give_probabilities(variant, shape):
    model = models.build_discriminator(variant, shape, width=4)
    verdict = model(np.random.default_rng(0).random((3, *shape), dtype=np.float32)).numpy()
    assert verdict.shape == (3, 2)
    np.testing.assert_allclose(verdict.sum(1), 1, rtol=1e-6)


def test_logits_are_what_the_softmax_is_taken_of():
    shape = (16, 32, 32, 1)
    plain, logits = (models.build_discriminator(input_shape=shape, width=4, return_logits=flag) for flag in (0, 1))
    logits.set_weights(plain.get_weights())
    volumes = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    exponent = np.exp(logits(volumes))
    np.testing.assert_allclose(plain(volumes), exponent / exponent.sum(1, keepdims=True), rtol=1e-5)


def test_sides_that_do_not_divide_by_16_are_refused():
    with pytest.raises(ArgumentError, match=r"discriminator input_shape: .*nearest is \(32, 128, 128\)"):
        models.build_discriminator(input_shape=(32, 128, 120, 1))
