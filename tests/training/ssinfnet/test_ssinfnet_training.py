"""The alternation of coach and network, the rates, keeping the best, resuming, and taking weights over."""

import dataclasses
import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, models, presets
from covid3dgan.data.batches import slice_batches
from covid3dgan.data.datasets import slices
from covid3dgan.errors import InputError
from covid3dgan.evaluation.mask_difficulty import mask_difficulty
from covid3dgan.inference.classes import load_network
from covid3dgan.models import from_presets
from covid3dgan.training.keep_best import BestScore, KeepBest
from covid3dgan.training.loop import TrainingOptions
from covid3dgan.training.ssinfnet import networks as ssinfnet_networks
from covid3dgan.training.ssinfnet import train_ssinfnet
from covid3dgan.training.ssinfnet.coached_inpainting import CoachedInpainting
from covid3dgan.training.ssinfnet.infnet import InfNetTraining, decayed_rate
from covid3dgan.training.ssinfnet.inpainting_plan import Moment, make_plan, rounds

PAPER, PUBLISHED = presets.get("ssinfnet/paper"), presets.get("ssinfnet/published")
TINY = presets.override(presets.get("ssinfnet/demo"), [
    "single.width=4", "single.channels=4", "single.batch_size=4", "single.epochs=2", "multi.width=2",
    "multi.batch_size=4", "multi.epochs=2", "log_every=1", "checkpoint_every=2"])
_PAINT = dataclasses.replace(TINY.single_inpainting, crop=32, batch_size=4, first_round=1, later_round=1,
                             coach_first_round=1, network_epochs=2, coach_width=4, coach_latent=3)
TINY = dataclasses.replace(TINY, slices=dataclasses.replace(TINY.slices, size=32), single_inpainting=_PAINT,
                           multi_inpainting=_PAINT)


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    labels = np.zeros((12, 32, 32), np.uint8)
    labels[:, 8:20, 8:16], labels[:, 8:20, 16:20] = 1, 2
    images = (0.3 + 0.3 * (labels > 0) + 0.2 * rng.random(labels.shape)).astype(np.float32)
    everything = slices.SliceSet(images, labels, np.array([f"p{i}" for i in range(12)]), np.arange(12).astype(str))
    return everything.take(np.arange(8)), everything.take(np.arange(8, 12))


def weights(model):
    return [np.array(w) for w in model.get_weights()]


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second))


# === Plan and rates ===

def test_paper_s_rounds():
    turns = rounds(PAPER.single_inpainting)
    assert turns[:4] == [("network", 200), ("coach", 200), ("network", 100), ("coach", 100)]
    assert turns[-1][0] == "network" and sum(e for who, e in turns if who == "network") == 2000


def test_published_rounds():
    single, multi = rounds(PUBLISHED.single_inpainting), rounds(PUBLISHED.multi_inpainting)
    assert single[:4] == [("coach", 200), ("network", 200), ("coach", 100), ("network", 100)]
    assert multi[:4] == [("network", 200), ("coach", 100), ("network", 100), ("coach", 100)]
    assert sum(e for who, e in single if who == "network") == 1200 and len(single) == 22


def test_plan_of_the_paper_starts_its_rates_anew_in_every_round():
    plan, steps = make_plan(PAPER.single_inpainting, 10)
    assert steps == 10 * sum(e for _, e in rounds(PAPER.single_inpainting))
    assert plan(0) == Moment("network", 0.1, True, True)
    assert plan(399) == Moment("network", 0.1, False, True)
    assert plan(400) == Moment("network", 0.01, True, True)
    assert plan(1999).rate == 0.0001 and plan(1999).random_mask
    assert plan(2000) == Moment("coach", 1e-5, True, False)
    assert plan(4000) == Moment("network", 0.1, True, False)


def test_plan_of_the_code_keeps_a_low_rate_after_the_first_round():
    plan, _ = make_plan(PUBLISHED.single_inpainting, 1)
    assert plan(0).who == "coach" and plan(200) == Moment("network", 0.1, True, False)
    assert plan(500) == Moment("network", 1e-5, True, False) and plan(599) == Moment("network", 1e-5, False, False)


def test_published_rate_collapses_after_fifty_epochs():
    options = PUBLISHED.single
    assert [decayed_rate(options, e) for e in (1, 49, 50, 51, 99)] == pytest.approx([1e-4, 1e-4, 1e-5, 1e-6, 1e-54])
    assert decayed_rate(options, 100) == pytest.approx(1e-56)
    assert decayed_rate(dataclasses.replace(options, decay="none"), 400) == 1e-4


# === Turns ===

def turn(who, rate=0.1, fresh=False, random_mask=False):
    options = TINY.multi_inpainting
    images = np.random.default_rng(1).random((4, 32, 32)).astype(np.float32)
    batch = slice_batches.inpainting_batches(images, images, options, lambda s: Moment(who, rate, fresh, random_mask),
                                             options.coach_latent, 1)(0)
    return {name: tf.constant(value) for name, value in batch.items()}


@pytest.fixture(scope="module")
def multi_inpainting():
    keras.utils.set_random_seed(1)
    return ssinfnet_networks.build_inpainting(TINY, "multi")


def test_each_turn_changes_its_own_network(multi_inpainting):
    network, coach = weights(multi_inpainting.painter), weights(multi_inpainting.coach)
    multi_inpainting._network_turn(turn("network"))
    assert not equal(network, weights(multi_inpainting.painter)) and equal(coach, weights(multi_inpainting.coach))
    network = weights(multi_inpainting.painter)
    multi_inpainting._coach_turn(turn("coach", 1e-3))
    assert equal(network, weights(multi_inpainting.painter)) and not equal(coach, weights(multi_inpainting.coach))


def test_fresh_turns_forget_the_momentum(multi_inpainting):
    def momenta():
        return sum(float(np.abs(compat.variable_value(v)).sum()) for v in
                   compat.optimizer_variables(multi_inpainting.network_optimizer) if v.shape.rank or len(v.shape))

    multi_inpainting._network_turn(turn("network"))
    assert momenta() > 0
    multi_inpainting._network_turn(turn("network", rate=0.0, fresh=True))
    # After a fresh step at rate 0 the momentum is -0 x gradient.
    assert momenta() == 0


def test_random_masks_come_from_the_batch(multi_inpainting):
    batch = turn("network", random_mask=True)
    mask = multi_inpainting.binary_mask(batch).numpy()[:, ::16, ::16, 0]
    kept = batch["random_scores"].numpy()[..., 0]
    for cells, scores in zip(mask, kept):  # K = int(4 x 0.75) = 3, and the third largest itself is erased
        assert cells.sum() == 2 and scores[cells == 1].min() > scores[cells == 0].max()


def test_context_of_the_last_head_alone_as_published(multi_inpainting):
    """The painter's errors add image and prior; a dict of Inf-Net's heads counts the edge's context only."""
    single = ssinfnet_networks.build_inpainting(dataclasses.replace(
        TINY, single_inpainting=dataclasses.replace(TINY.single_inpainting, context_heads="last")), "single")
    target = tf.zeros((1, 2, 2, 3))
    painted = {name: target + value for name, value in zip(("sg", "s5", "s4", "s3", "edge"), (1, 1, 1, 1, 0.5))}
    mask = tf.constant([[[[1.0], [0.0]], [[1.0], [0.0]]]])
    loss, erased, kept = single._errors(painted, {"target": target}, mask)
    assert float(erased) == pytest.approx(4 * 3 + 0.75, rel=1e-5) and float(kept) == pytest.approx(0.75, rel=1e-5)
    assert float(loss) == pytest.approx(0.99 * 12.75 + 0.01 * 0.75, rel=1e-5)


@pytest.mark.parametrize("mean, through", [(False, True), (True, False)])
def test_coach_loss_is_the_sum_or_the_mean_and_may_pass_the_network_by(mean, through):
    """I02. The painter paints a x input, targets are 1: a soft mask m errs by (1 - a m)^2 with the gradient through
    the network, by a constant without."""
    options = dataclasses.replace(TINY.multi_inpainting, coach_sees_mean=mean, coach_through_network=through,
                                  kl_weight=0.0)
    training = coached(options, factor=0.5)
    batch = {"image": tf.ones((2, 32, 32, 6)), "target": tf.ones((2, 32, 32, 6)), "noise": tf.zeros((2, 2, 2, 3)),
             "fresh": tf.constant(False), "learning_rate": tf.constant(0.0)}
    scores = training._ask_coach(batch, training=True)["scores"]
    mask = models.erasing_mask(scores, options.keep, options.coach_sharpness)
    loss, erased, _ = training._coach_turn(batch)
    errors = 6 * (1 - 0.5 * mask) ** 2  # six channels
    expected = float(tf.reduce_sum(errors * (1 - mask)) / tf.reduce_sum(1 - mask))
    assert float(erased) == pytest.approx(expected, rel=1e-4)
    assert float(loss) == pytest.approx(1 - expected / (3 if mean else 1), rel=1e-4)

    painter, painted = training.painter, []
    training.painter = lambda image, training: painted.append(painter(image)) or painted[-1]
    batch["image"] = tf.Variable(batch["image"])
    with tf.GradientTape() as tape:
        loss = training._coach_turn(batch)[0]
    assert (tape.gradient(loss, painted[-1]) is not None) is through


def test_the_coach_learns_to_erase_what_is_painted_worst():
    """The painter leaves erased cells grey (target 0): to erase the one bright cell of 16 is the best move."""
    options = dataclasses.replace(TINY.multi_inpainting, crop=64, batch_size=8, coach_rate=0.01)
    training = coached(options, factor=1.0)
    rng = np.random.default_rng(4)
    pictures = np.full((32, 64, 64), 0.5, np.float32)
    for picture, (row, column) in zip(pictures, 16 * rng.integers(0, 4, (32, 2))):
        picture[row:row + 16, column:column + 16] = 1.0
    before = mask_difficulty(training, pictures, 1, pictures, batches=4)
    batch_at = slice_batches.inpainting_batches(
        pictures, pictures, options, lambda step: Moment("coach", 0.01, step == 0, False), options.coach_latent, 1)
    turn = tf.function(training._coach_turn)
    for step in range(60):
        turn({name: tf.constant(value) for name, value in batch_at(step).items()})
    after = mask_difficulty(training, pictures, 2, pictures, batches=4)
    assert after["difference"] > 2 * after["error95"] > 0
    assert after["coach"] > 1.5 * after["random"] and after["coach"] > before["coach"]


def coached(options, factor):
    """A CoachedInpainting whose painter paints ``factor`` times what it sees."""
    keras.utils.set_random_seed(3)

    def networks():
        image = keras.Input((None, None, 6))
        segmenter = keras.Model(image, keras.layers.Conv2D(3, 1, name="logits")(image))
        painter = keras.Model(image, keras.layers.Conv2D(6, 1, use_bias=False, name="painting")(image))
        painter.get_layer("painting").set_weights([factor * np.eye(6, dtype=np.float32)[None, None]])
        return segmenter, painter

    coach = models.build_coach(width=options.coach_width, latent=options.coach_latent, blocks=options.coach_blocks)
    training = CoachedInpainting(*networks(), CoachedInpainting.whole(*networks()), coach, options)
    training.compile()
    return training


def test_infnet_steps_once_per_scale():
    options = dataclasses.replace(TINY.single, scales=(0.75, 1.0, 1.25))
    network, best = (from_presets.infnet_or_unet(TINY) for _ in range(2))
    training = InfNetTraining(network, best, options)
    training.compile()
    seen = []
    training._step = lambda image, mask, edge: seen.append((image.shape[1], mask.shape[1], edge.shape[1])) or (0.0, 0.0)
    image = tf.zeros((1, 352, 352, 3))
    training.train_step({"image": image, "mask": image[..., :1], "edge": image[..., :1],
                         "learning_rate": tf.constant(1e-4)})
    assert seen == [(256,) * 3, (352,) * 3, (448,) * 3]


# === Keeping the best ===

def test_best_weights_are_those_of_the_lowest_validation_loss():
    network, best = (keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]) for _ in range(2))

    class Recorder:
        step, last_step, saved = 0, 4, 0

        def save(self):
            self.saved += 1

    recorder, losses = Recorder(), iter([3.0, 1.0, 2.0, 5.0])
    score = BestScore()
    keeper = KeepBest(recorder, network, best, score, lambda: next(losses), every=1)
    for step in range(4):
        recorder.step = step
        keeper.on_train_batch_begin(0)
        network.set_weights([np.full((1, 1), step + 1.0), np.zeros(1)])
    recorder.step = 4
    keeper.on_train_end()
    assert best.get_weights()[0][0, 0] == 2.0 and float(score.loss.numpy()) == 1.0 and float(score.step.numpy()) == 2
    assert recorder.saved == 1


# === Whole trainings ===

def inpaint(parts, path, **execution):
    train, validation = parts
    execution = TrainingOptions(seed=1, deterministic=True, **execution)
    return train_ssinfnet.train_inpainting(train.images, path, TINY, execution, priors=train.infection,
                                           validation=(validation.images, validation.infection))


def state_of(run):
    return run.checkpoints.load().arrays


def test_resumed_inpainting_equals_an_uninterrupted_one(parts, tmp_path):
    whole = inpaint(parts, tmp_path / "whole")
    inpaint(parts, tmp_path / "cut", pause_after=3)
    cut = inpaint(parts, tmp_path / "cut", resume=True)
    first, second = state_of(whole), state_of(cut)
    assert set(first) == set(second) and [k for k in first if not np.array_equal(first[k], second[k])] == []
    assert float(first["score/weights/0000"]) < 1e29  # a validation was made
    assert (tmp_path / "whole/metrics.csv").read_text() == (tmp_path / "cut/metrics.csv").read_text()


def test_multi_training_starts_from_the_inpainting_and_loads_back(parts, tmp_path):
    start = inpaint(parts, tmp_path / "start").path
    train, validation = parts
    priors = (train.infection, validation.infection)
    run = train_ssinfnet.train_multi(train, validation, tmp_path / "multi", TINY, TrainingOptions(seed=1), priors,
                                     "SSInfNet",
                                     start)
    network, _, manifest = load_network(run.path)
    assert manifest["method"] == "SSInfNet" and network.output_shape[-1] == 3
    source = ssinfnet_networks.load_painted(start)[0]
    for transfer, taken in (("all", True), ("all-but-last", False)):
        keras.utils.set_random_seed(5)
        target = from_presets.multi_class_network(TINY, "SSInfNet")
        train_ssinfnet._take_over(target, start, "multi", transfer)
        assert equal(source.get_layer("down2_conv1").get_weights(), target.get_layer("down2_conv1").get_weights())
        assert equal(source.get_layer("logits").get_weights(), target.get_layer("logits").get_weights()) is taken


def test_lookahead_starts_at_the_weights_of_the_inpainting(parts, tmp_path):
    """Its slow weights are the pre-trained ones: five steps without gradients leave the network where it started."""
    start = inpaint(parts, tmp_path / "start").path
    training = train_ssinfnet._multi_training(
        TINY, "SSInfNet", functools.partial(from_presets.multi_class_network, TINY, "SSInfNet"), start)
    network = training.network
    before = weights(network)
    assert equal(ssinfnet_networks.load_painted(start)[0].get_layer("down2_conv1").get_weights(),
                 network.get_layer("down2_conv1").get_weights())
    for _ in range(5):
        still = [tf.zeros_like(tf.convert_to_tensor(v)) for v in network.trainable_variables]
        compat.apply_gradients(training.descent, still, network.trainable_variables)
    assert equal(before, weights(network))


def test_wrong_starts_are_refused(parts, tmp_path):
    train, validation = parts
    with pytest.raises(InputError, match="an inpainting run for SSInfNet and none for the others"):
        train_ssinfnet.train_single(train, validation, tmp_path / "a", TINY, TrainingOptions(), "SSInfNet")
    start = inpaint(parts, tmp_path / "start", pause_after=1).path
    with pytest.raises(InputError, match="an inpainting run that pre-trains the single network"):
        train_ssinfnet.train_single(train, validation, tmp_path / "b", TINY, TrainingOptions(), "SSInfNet", start)
    with pytest.raises(InputError, match="none for the plain U-Net"):
        train_ssinfnet.train_multi(train, validation, tmp_path / "c", TINY, TrainingOptions(), None, "SInfNet")


def test_focal_loss_and_lookahead_are_those_of_the_method_or_of_all():
    """I12, I24: as published they are SSInfNet's alone, and the U-Net has another optimizer than Inf-Net."""
    for alike, method in itertools.product((False, True), train_ssinfnet.METHODS):
        preset = dataclasses.replace(TINY, alike=alike)
        training = train_ssinfnet._multi_training(
            preset, method, functools.partial(from_presets.multi_class_network, preset, method))
        own = alike or method == "SSInfNet"
        assert training.kind == ("focal" if own else "bce")
        assert isinstance(training.descent, compat.Lookahead) is own


def test_the_multi_class_networks_optimizer_is_the_presets():
    """I25; either one inside Lookahead, which the checkpoint's names do not hide."""
    for kind, rate in (("sgd", 0.01), ("adam", 0.002)):
        preset = dataclasses.replace(TINY, alike=True, multi=dataclasses.replace(TINY.multi, optimizer=kind,
                                                                                 learning_rate=rate))
        training = train_ssinfnet._multi_training(
            preset, "SInfNet", functools.partial(from_presets.multi_class_network, preset, "SInfNet"))
        assert list(training.optimizers()) == [kind]
        slots = len(compat.optimizer_variables(training.optimizers()[kind]))
        weights = len(training.network.trainable_variables)
        # Lookahead's slow copy of every weight beside one momentum, or Adam's two moments.
        assert slots // weights == {"sgd": 2, "adam": 3}[kind]


def test_a_unet_is_trained_like_infnet_where_all_are_alike(parts, tmp_path):
    preset = dataclasses.replace(TINY, alike=True, single=dataclasses.replace(TINY.single, epochs=1))
    run = train_ssinfnet.train_single(*parts, tmp_path / "run", preset, TrainingOptions(seed=1), "U-Net")
    arrays = state_of(run)
    assert any(name.startswith("adam/optimizer") for name in arrays)
    # IoU and cross-entropy of one map: at the start about 0.9 + ln 2.
    assert 0.5 < float(arrays["score/weights/0000"]) < 2.5
    assert load_network(run.path)[0].output_shape[-1] == 1


@pytest.mark.slow
@pytest.mark.parametrize("network, method", [("single", "U-Net"), ("single", "SInfNet"), ("multi", "SInfNet")])
def test_resumed_training_equals_an_uninterrupted_one(parts, tmp_path, network, method):
    """The multi-class one with focal loss and Lookahead, whose slow weights travel in the checkpoints too."""
    def train(path, **execution):
        execution = TrainingOptions(seed=1, deterministic=True, **execution)
        if network == "single":
            return train_ssinfnet.train_single(*parts, path, TINY, execution, method)
        priors = tuple(part.infection for part in parts)
        return train_ssinfnet.train_multi(*parts, path, dataclasses.replace(TINY, alike=True), execution, priors,
                                          method)

    whole = train(tmp_path / "whole")
    train(tmp_path / "cut", pause_after=3)
    first, second = state_of(whole), state_of(train(tmp_path / "cut", resume=True))
    assert [k for k in first if not np.array_equal(first[k], second[k])] == []
