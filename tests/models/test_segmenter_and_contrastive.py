import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import losses, models, presets
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.models.from_presets import segmenter_network

SHAPE = (16, 24, 1)


def slices(batch=4, seed=0):
    return np.random.default_rng(seed).random((batch, *SHAPE), dtype=np.float32)


def test_a_shared_encoder_is_reached_by_the_contrastive_loss_and_the_decoder_is_not():
    """F17 as the text says it: U_e is the encoder part of U_ed."""
    encoder = models.build_encoder2d(width=4)
    segmenter = models.build_segmenter(SHAPE, width=4, encoder=encoder)
    contrastive = models.build_contrastive_encoder(8, encoder=encoder, input_shape=SHAPE)
    with tf.GradientTape() as tape:
        loss = losses.npairs_loss(contrastive(slices(), training=True), [0, 0, 1, 1])
    encoders = [layer for layer in segmenter.layers if layer.name.startswith("encoder") and layer.trainable_weights]
    decoders = [layer for layer in segmenter.layers if not layer.name.startswith("encoder")]
    assert len(encoders) == 12
    gradients = tape.gradient(loss, [[layer.trainable_weights for layer in encoders],
                                     [layer.trainable_weights for layer in decoders]])
    assert all(np.abs(kernel).max() > 0 for kernel, _ in gradients[0])
    assert all(gradient is None for layer in gradients[1] for gradient in layer)


def test_separate_encoders_are_not_reached_by_the_contrastive_loss():
    """F17 as published: the loss cannot change the segmenter."""
    segmenter = models.build_segmenter(SHAPE, width=4)
    contrastive = models.build_contrastive_encoder(8, input_shape=SHAPE, width=4)
    with tf.GradientTape() as tape:
        loss = losses.npairs_loss(contrastive(slices(), training=True), [0, 0, 1, 1])
    assert all(gradient is None for gradient in tape.gradient(loss, segmenter.trainable_weights))


def test_a_step_on_the_shared_encoder_moves_the_segmenters_output():
    encoder = models.build_encoder2d(width=4)
    segmenter = models.build_segmenter(SHAPE, width=4, encoder=encoder)
    contrastive = models.build_contrastive_encoder(8, augmentation=False, encoder=encoder, input_shape=SHAPE)
    before = segmenter(slices(), training=False).numpy()
    for weight in contrastive.trainable_weights:
        weight.assign(tf.convert_to_tensor(weight) * 1.5)
    assert np.abs(segmenter(slices(), training=False) - before).max() > 0


def test_segmenter_gives_a_signed_mask_of_the_inputs_shape():
    mask = models.build_segmenter(SHAPE, width=4)(slices(), training=False).numpy()
    assert mask.shape == (4, *SHAPE) and (np.abs(mask) < 1).all()


def test_the_dropout_of_the_third_skip_does_not_reach_the_deeper_encoder():
    """As published only the decoder's copy is thinned: without the encoder's own dropouts its bottom is repeatable."""
    segmenter = models.build_segmenter(SHAPE, width=4)
    pool = segmenter.get_layer("encoder3_pool")
    assert [node.operation.name if hasattr(node, "operation") else node.layer.name
            for node in pool._inbound_nodes[0].parent_nodes] == ["encoder3_conv2"]


def test_a_silent_relu_head_stops_learning_and_a_linear_one_does_not():
    """With both maps below zero the published head hands no gradient back."""
    def gradients(head):
        segmenter = models.build_segmenter(SHAPE, width=4, head=head)
        segmenter.get_layer("decoder1_conv3").bias.assign([-1000.0, -1000.0])
        kernel = segmenter.get_layer("mask").kernel
        kernel.assign(tf.convert_to_tensor(kernel) * 1e-4)  # keeps tanh away from its flat ends
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(segmenter(slices(), training=True) - 1.0))
        inner = segmenter.get_layer("decoder1_conv2").kernel
        return np.abs(tape.gradient(loss, inner)).max()

    assert gradients("relu") == 0
    assert gradients("linear") > 0


def test_the_plain_unet_joins_its_skips_by_concatenation():
    """F26: the text's "2D UNet" has no ConvLSTM; the encoder is the same."""
    unet, published = (models.build_segmenter(SHAPE, width=4, merge=merge) for merge in ("concatenate", "convlstm"))
    assert not [layer for layer in unet.layers if "ConvLSTM" in type(layer).__name__]
    assert unet.get_layer("decoder1_merge").output.shape[1:] == (16, 24, 8)  # a skip and a map from below, 4 each
    assert published.get_layer("decoder1_merge").output.shape[1:] == (16, 24, 2)
    encoders = [[layer.count_params() for layer in model.layers if layer.name.startswith("encoder")]
                for model in (unet, published)]
    assert encoders[0] == encoders[1]


@pytest.mark.parametrize("preset", ["shabani/published", "shabani/paper", "shabani/demo"])
def test_f26_the_option_merge_builds_bcdu_net_or_a_plain_unet(preset):
    """BCDU-Net unless ``segmenter.merge`` says otherwise; at full size the published network's parameters."""
    built = {}
    for merge in (None, "convlstm", "concatenate"):
        asked = ["segmenter.width=4"] + ([f"segmenter.merge={merge}"] if merge else [])
        options = presets.override(presets.get(preset), asked).segmenter
        built[merge] = segmenter_network(options, SHAPE[:2])
    lstms = {merge: [layer.name for layer in network.layers if "ConvLSTM" in type(layer).__name__]
             for merge, network in built.items()}
    assert len(lstms[None]) == 3 and lstms[None] == lstms["convlstm"] and not lstms["concatenate"]
    assert built[None].count_params() == built["convlstm"].count_params() != built["concatenate"].count_params()


def test_f26_the_papers_segmenter_has_the_published_parameters():
    options = presets.get("shabani/paper").segmenter
    assert segmenter_network(options, (128, 128)).count_params() == 5_008_645


def test_features_without_projection_are_the_averaged_map():
    encoder = models.build_encoder2d(width=4)
    plain = models.build_contrastive_encoder(None, augmentation=False, encoder=encoder, input_shape=SHAPE)
    assert plain(slices(), training=False).shape == (4, 32)


def test_augmentation_changes_features_in_training_only():
    contrastive = models.build_contrastive_encoder(8, input_shape=SHAPE, width=4, dropout=0.0)
    first, second = (contrastive(slices(), training=True).numpy() for _ in range(2))
    assert np.abs(first - second).max() > 0
    first, second = (contrastive(slices(), training=False).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_adapting_the_normalization_is_the_same_as_normalising_the_slices():
    contrastive = models.build_contrastive_encoder(8, input_shape=SHAPE, width=4)
    images = slices() * 3 + 7
    expected = contrastive((images - images.mean()) / images.std(), training=False).numpy()
    models.adapt_normalization(contrastive, images)
    np.testing.assert_allclose(contrastive(images, training=False), expected, atol=1e-4)


def test_adapting_a_model_without_augmentation_is_refused():
    contrastive = models.build_contrastive_encoder(8, augmentation=False, input_shape=SHAPE, width=4)
    with pytest.raises(InputError, match="expected a model with augmentation, found one without"):
        models.adapt_normalization(contrastive, slices())


@pytest.mark.parametrize("build, options, sentence", [
    (models.build_segmenter, {"input_shape": (100, 128, 1)}, r"divide by 8, found \(100, 128\); .*\(96, 128\)"),
    (models.build_segmenter, {"width": 5}, "an even number"),
    (models.build_contrastive_encoder, {"input_shape": (128, 128)}, r"3 positive whole numbers"),
])
def test_wrong_options_are_refused_in_one_sentence(build, options, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        build(**options)


def test_an_encoder_of_another_width_is_refused():
    with pytest.raises(ArgumentError, match="found 8; the encoder has 4"):
        models.build_segmenter(SHAPE, width=8, encoder=models.build_encoder2d(width=4))
