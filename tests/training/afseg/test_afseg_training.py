"""AF-SEG's train_step: who changes when, what the losses are, schedules, runs and their resumption."""

import dataclasses

import numpy as np
import pytest

from covid3dgan import compat, presets
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.inference.foreground import load_afseg_networks
from covid3dgan.losses import afseg as losses
from covid3dgan.presets.afseg import Synthesis
from covid3dgan.runs.directory import Run
from covid3dgan.training.afseg.networks import build_afseg
from covid3dgan.training.afseg.train_afseg import (
    contrast_shares,
    epochs_in_steps,
    train_afseg,
    train_supervised,
)
from covid3dgan.training.loop import TrainingOptions
from covid3dgan.training.schedules import ConstantThenLinear

TINY = Synthesis(patch=16, batch_size=2, constant_epochs=2, decay_epochs=2, generator_width=4, generator_depth=2,
                 discriminator_width=4, discriminator_levels=1, segmenter_width=4, segmenter_depth=2, fade=0.5,
                 rim=1, flips=True, zoom_out=1.5, generator_backbone="classical", generator_head="residual",
                 log_every=1, checkpoint_every=3)
RNG = np.random.default_rng(0)
ARRAYS = {"image": RNG.random((4, 32, 32)).astype(np.float32), "weak": RNG.random((4, 32, 32)) > 0.8,
          "background": RNG.random((4, 32, 32)).astype(np.float32)}


def batch():
    made = {name: RNG.uniform(-1, 1, (2, 16, 16, 1)).astype(np.float32) for name in ("image", "background")}
    return {**made, "weak": (RNG.random((2, 16, 16, 1)) > 0.8).astype(np.float32),
            "share": np.array([1.0, 0.5], np.float32)[:, None, None, None] * np.ones((1, 16, 16, 1), np.float32)}


def snapshot(network):
    return {name: [w.copy() for w in model.get_weights()] for name, model in network.networks().items()}


def changed(before, after):
    return {name for name in before if any(not np.array_equal(a, b) for a, b in zip(before[name], after[name]))}


def test_each_phase_changes_its_own_network():
    network = build_afseg(TINY, 5, 5)
    data = batch()
    start = snapshot(network)
    _, generated = network.generator_phase(data)
    after_generator = snapshot(network)
    network.discriminator_phase(data, generated)
    after_discriminator = snapshot(network)
    network.segmenter_phase(data, generated)
    assert changed(start, after_generator) == {"generator"}
    assert changed(after_generator, after_discriminator) == {"discriminator"}
    assert changed(after_discriminator, snapshot(network)) == {"segmenter"}


def test_logged_losses_are_those_of_the_networks_before_their_update():
    network = build_afseg(TINY, 5, 5)
    data = batch()
    generated = np.asarray(network.generator(data["image"]))
    fake = network.discriminator(losses.outside(data["weak"], generated))
    logs, returned = network.generator_phase(data)
    np.testing.assert_allclose(returned, generated, atol=1e-6)
    assert float(logs["generator_loss"]) == pytest.approx(float(losses.generator_loss("nonsaturating", fake)), rel=1e-4)
    assert float(logs["shape_loss"]) == pytest.approx(0.0, abs=1e-6)  # a fresh residual generator is the identity


def test_segmentation_reaches_the_generator_only_when_asked():
    """With every other weight at 0 nothing else moves it."""
    quiet = dataclasses.replace(TINY, adversarial_weight=0.0, shape_weight=0.0, generator_head="image")
    for flag in (False, True):
        network = build_afseg(dataclasses.replace(quiet, segmentation_to_generator=flag), 5, 5)
        start = snapshot(network)
        network.generator_phase(batch())
        assert ("generator" in changed(start, snapshot(network))) == flag


@pytest.fixture
def square():
    """Two images whose label is a square of 4 x 4 pixels; flat, so that the grain is 0."""
    weak = np.zeros((2, 16, 16, 1), np.float32)
    weak[:, 6:10, 6:10] = 1
    return {**batch(), "weak": weak, "background": np.full((2, 16, 16, 1), 0.8, np.float32)}


def test_fading_mixes_foreground_and_its_rim_towards_background_and_touches_nothing_else(square):
    network, generated = build_afseg(TINY, 5, 5), np.full((2, 16, 16, 1), 0.2, np.float32)
    shown = np.asarray(network.shown(square, generated))
    np.testing.assert_allclose(shown[0], 0.2, atol=1e-6)  # share 1
    # Share 0.5: half way inside; a third less with every pixel from the label's second neighbour on.
    np.testing.assert_allclose(shown[1, 8, 3:8, 0], [0.2, 0.2 + 0.3 / 3, 0.2 + 0.3 * 2 / 3, 0.5, 0.5], atol=1e-6)


def test_faded_foreground_keeps_the_strength_of_the_noise():
    """Two independent noises mixed half and half have 0.71 of their strength; the grain makes up for it."""
    rng = np.random.default_rng(4)
    noise = {name: rng.normal(0, 0.1, (1, 64, 64, 1)).astype(np.float32) for name in ("generated", "background")}
    ones = np.ones((1, 64, 64, 1), np.float32)
    shown = build_afseg(TINY, 5, 5).shown(
        {"weak": ones, "share": 0.5 * ones, "background": noise["background"]}, noise["generated"])
    assert np.std(shown) == pytest.approx(0.1, rel=0.05)


def test_inpainted_backgrounds_replace_all_but_the_foreground(square):
    options = dataclasses.replace(TINY, fade=1.0, segmenter_background="inpainted")
    shown = np.asarray(build_afseg(options, 5, 5).shown(square, np.full((2, 16, 16, 1), 0.2, np.float32)))
    np.testing.assert_allclose(shown[0, 8, 3:8, 0], [0.8, 0.6, 0.4, 0.2, 0.2], atol=1e-6)
    hard = build_afseg(dataclasses.replace(options, rim=0), 5, 5)
    shown = np.asarray(hard.shown(square, np.full((2, 16, 16, 1), 0.2, np.float32)))
    np.testing.assert_allclose(shown[0, 8, 3:8, 0], [0.8, 0.8, 0.8, 0.2, 0.2], atol=1e-6)
    paper = build_afseg(Synthesis(generator_width=4, generator_depth=2, discriminator_width=4, discriminator_levels=1,
                                  segmenter_width=4, segmenter_depth=2), 5, 5)
    assert paper.shown(square, "the generated images") == "the generated images"


def test_contrast_shares_vary_within_a_patch_between_the_weakest_and_full():
    shares = contrast_shares(np.random.default_rng(0), 0.2, 3, 96)
    assert shares.shape == (3, 96, 96, 1) and shares.dtype == np.float32
    assert 0.2 <= shares.min() < 0.3 and 0.9 < shares.max() <= 1.0
    assert np.abs(np.diff(shares, axis=1)).max() < 0.1 < shares.std((1, 2)).min()
    assert (contrast_shares(np.random.default_rng(0), 1.0, 2, 16) == 1.0).all()
    with pytest.raises(ArgumentError, match="synthesis.fade: expected a share above 0"):
        contrast_shares(np.random.default_rng(0), 0.0, 2, 16)


def test_learning_rate_is_constant_then_linear():
    schedule = ConstantThenLinear(2e-4, 50, 50)
    assert [float(schedule(step)) for step in (0, 50, 75, 100, 200)] == pytest.approx([2e-4, 2e-4, 1e-4, 0, 0])
    assert ConstantThenLinear.from_config(schedule.get_config()).get_config() == schedule.get_config()


def test_epochs_in_steps():
    assert epochs_in_steps(154, Synthesis()) == (7700, 7700)
    assert epochs_in_steps(4, TINY) == (4, 4)


@pytest.fixture
def preset():
    return dataclasses.replace(presets.get("afseg/cells/demo"), synthesis=TINY)


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, preset):
    whole = train_afseg(ARRAYS, tmp_path / "whole", preset, TrainingOptions(seed=3))
    train_afseg(ARRAYS, tmp_path / "parts", preset, TrainingOptions(seed=3, pause_after=5))
    parts = train_afseg(ARRAYS, tmp_path / "parts", preset, TrainingOptions(seed=3, resume=True))
    first, second = (run.checkpoints.load() for run in (whole, parts))
    assert first.step == second.step == 8 and set(first.arrays) == set(second.arrays)
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name], err_msg=name)
    metrics = [(tmp_path / name / "metrics.csv").read_text() for name in ("whole", "parts")]
    assert metrics[0] == metrics[1]


def test_networks_come_back_from_their_run(tmp_path, preset):
    run = train_afseg(ARRAYS, tmp_path / "run", preset, TrainingOptions(seed=1))
    segmenter, generator, loaded = load_afseg_networks(run.path)
    assert loaded == preset
    stored = run.checkpoints.load().arrays
    for name, model in (("segmenter", segmenter), ("generator", generator)):
        for index, weight in enumerate(model.get_weights()):
            np.testing.assert_array_equal(weight, stored[f"{name}/weights/{index:04d}"])


def test_supervised_training_beats_every_constant_prediction(tmp_path, preset):
    truth = ARRAYS["image"] > 0.6
    longer = dataclasses.replace(preset, synthesis=dataclasses.replace(TINY, constant_epochs=20, decay_epochs=0,
                                                                       learning_rate=5e-3, log_every=5))
    run = train_supervised({"image": ARRAYS["image"], "label": truth}, tmp_path / "run", longer,
                           TrainingOptions(seed=1))
    rows = (run.path / "metrics.csv").read_text().splitlines()[1:]
    share = truth.mean()
    best_constant = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    assert float(rows[-1].split(",")[1]) < 0.8 * best_constant


def test_other_runs_are_refused(tmp_path, preset):
    Run.start(tmp_path / "gan", "gan", preset, 0)
    with pytest.raises(InputError, match="expected a run of kind 'afseg' or 'afseg-supervised', found kind 'gan'"):
        load_afseg_networks(tmp_path / "gan")
    Run.start(tmp_path / "empty", "afseg", preset, 0)
    with pytest.raises(InputError, match="train it first"):
        load_afseg_networks(tmp_path / "empty")


def test_no_xla():
    assert compat.compile_kwargs() == {"jit_compile": False}
    assert not build_afseg(TINY, 1, 1).jit_compile
