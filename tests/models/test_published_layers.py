"""Layer by layer, our published variants are the networks that the notebooks printed."""

import numpy as np
import pytest
from wiring import PUBLISHED, model_wiring, published_wiring

from covid3dgan import models

BUILDERS = {
    "generator": lambda: models.build_generator("published", with_unused_input=True),
    "discriminator": lambda: models.build_discriminator("published"),
    "segmenter": models.build_segmenter,
    "contrastive_encoder": lambda: models.build_contrastive_encoder(None),
    "contrastive_encoder_with_head": models.build_contrastive_encoder,
}


@pytest.mark.parametrize("name", BUILDERS)
def test_every_layer_shape_parameter_count_and_connection_is_the_published_one(name):
    model = BUILDERS[name]()
    ours, published = model_wiring(model), published_wiring(name)
    assert ours - published == published - ours
    assert model.count_params() == PUBLISHED[name]["total_params"]
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trainable == PUBLISHED[name]["trainable_params"]


def test_the_comparison_sees_a_skip_that_is_wired_to_another_layer():
    rows = PUBLISHED["generator"]["layers"]
    wrong = next(row for row in rows if row["name"] == "concatenate_16")
    right = list(wrong["inputs"])
    try:
        wrong["inputs"] = ["conv3d_transpose_2", "leaky_re_lu_2"]  # the same shape, one activation too early
        rewired = published_wiring("generator")
    finally:
        wrong["inputs"] = right
    assert rewired != published_wiring("generator")


def test_the_two_input_generator_has_the_same_weights_as_the_published_three_input_one():
    assert models.build_generator().count_params() == 7_861_643
