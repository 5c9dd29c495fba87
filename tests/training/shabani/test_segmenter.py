"""The segmenter's training: what each step moves, which batches it sees, and resuming bit for bit."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, presets
from covid3dgan.data.batches.pipelines import step_dataset
from covid3dgan.data.batches.segmenter_batches import KEPT_TURNS, STEPS_PER_VOLUME, segmenter_batches
from covid3dgan.data.batches.slice_groups import group_slices
from covid3dgan.data.noise import healthy_noise
from covid3dgan.errors import InputError
from covid3dgan.inference.lesions import score_maps
from covid3dgan.presets.stages import Contrastive, Segmenter
from covid3dgan.runs.directory import Run
from covid3dgan.training import pseudo_slices
from covid3dgan.training.loop import TrainingOptions, run_training
from covid3dgan.training.shabani.segmenter import (
    build_segmenter_training,
    contrastive_learning_rate,
    learning_rate,
)
from covid3dgan.training.shabani.train_segmenter import warn_if_silent

SIDE = 16
RNG = np.random.default_rng(0)
SLICES = RNG.random((24, SIDE, SIDE)).astype(np.float32)
TARGETS = (SLICES * np.linspace(0, 1, 24)[:, None, None]).astype(np.float32)


def _preset(**segmenter):
    small = Segmenter(**{**dict(width=4, batch_size=4, steps=6, log_every=2, checkpoint_every=3, learning_rate=1e-3,
                                only_grouped_slices=False), **segmenter})
    return dataclasses.replace(presets.get("shabani/demo"), segmenter=small,
                               contrastive=Contrastive(grouping="quartiles", loss="supcon"))


def _groups(preset):
    return group_slices(TARGETS.sum((1, 2)), preset.contrastive)


def _batches(preset, seed=1):
    return segmenter_batches(SLICES, TARGETS, _groups(preset), preset.segmenter, preset.contrastive, seed)


@pytest.mark.parametrize("shared", [True, False])
def test_the_contrastive_step_reaches_the_segmenter_only_through_a_shared_encoder(shared):
    compat.seed_everything(1)
    training = build_segmenter_training(_preset(shared_encoder=shared), (SIDE, SIDE))
    before = training.segmenter.get_weights()
    batch = _batches(_preset())(0)
    training.contrastive_step(tf.constant(batch["pairs"][0]), tf.constant(batch["label"]))
    changed = any((a != b).any() for a, b in zip(before, training.segmenter.get_weights()))
    assert changed == shared  # F17


def test_a_step_is_the_two_phases_in_the_presets_order():
    """F35: the end-to-end step moves the encoder that the contrastive one sees, or the other way round."""
    preset = _preset(shared_encoder=True, dropout=0.0)
    batch = {name: tf.constant(values) for name, values in _batches(preset)(0).items()}

    def after(order, work):
        """(what ``work`` gives, the weights after it)."""
        compat.seed_everything(1)
        contrastive = dataclasses.replace(preset.contrastive, order=order, augmentation=False)
        training = build_segmenter_training(dataclasses.replace(preset, contrastive=contrastive), (SIDE, SIDE))
        given = work(training)
        return given, [*training.segmenter.get_weights(), *training.contrastive_model.get_weights()]

    def contrastive(training):
        losses = [float(training.contrastive_step(batch["pairs"][k], batch["label"])) for k in range(2)]
        return {"contrastive_loss": np.mean(losses)}

    def end_to_end(training):
        return {"loss": float(training.end_to_end_step(batch["slice"], batch["target"]))}

    found = {}
    by_hand = {"contrastive-first": lambda training: {**contrastive(training), **end_to_end(training)},
               "end-to-end-first": lambda training: {**end_to_end(training), **contrastive(training)}}
    for order, phases in by_hand.items():
        losses, weights = after(order, phases)
        _, found[order] = after(order, lambda training: training.train_step(batch))
        assert all((a == b).all() for a, b in zip(found[order], weights))
        in_a_graph, _ = after(order, lambda training: tf.function(training.train_step)(batch))
        assert list(in_a_graph) == list(losses)
        np.testing.assert_allclose([float(in_a_graph[name]) for name in losses], list(losses.values()), rtol=1e-5)
    assert max(np.abs(a - b).max() for a, b in zip(*found.values())) > 1e-5


@pytest.mark.parametrize("loss", ["npairs", "supcon"])
def test_the_contrastive_loss_of_a_step_is_the_mean_or_the_sum(loss):
    batch = _batches(_preset())(0)

    def loss_of(reduction):
        compat.seed_everything(1)
        contrastive = Contrastive(grouping="quartiles", loss=loss, reduction=reduction, augmentation=False)
        training = build_segmenter_training(dataclasses.replace(_preset(dropout=0.0), contrastive=contrastive),
                                            (SIDE, SIDE))
        return float(training.contrastive_step(tf.constant(batch["pairs"][0]), tf.constant(batch["label"])))

    assert loss_of("sum") == pytest.approx(len(batch["label"]) * loss_of("mean"), rel=1e-5)


def test_two_devices_sum_over_the_whole_batch(tmp_path):
    script = Path(__file__).parents[2] / "helpers" / "two_device_contrast.py"
    done = subprocess.run([sys.executable, str(script), str(tmp_path / "found.npz")], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "found.npz")
    for reduction, factor in (("mean", 1), ("sum", 8)):  # the batch's eight slices
        for strategy in ("none", "mirrored"):
            for name, least in (("loss", 1.0), ("moved", 1e-4)):
                expected = found[f"none_mean_{name}"]
                assert np.abs(expected).max() > least
                np.testing.assert_allclose(found[f"{strategy}_{reduction}_{name}"] / factor, expected, rtol=1e-3,
                                           atol=1e-3 * np.abs(expected).max(), err_msg=f"{strategy} {reduction}")


def test_the_end_to_end_step_leaves_the_projection_alone():
    compat.seed_everything(1)
    training = build_segmenter_training(_preset(shared_encoder=True), (SIDE, SIDE))
    projection = training.contrastive_model.get_layer("projection")
    before = projection.get_weights()
    batch = _batches(_preset())(0)
    training.end_to_end_step(tf.constant(batch["slice"]), tf.constant(batch["target"]))
    assert all((a == b).all() for a, b in zip(before, projection.get_weights()))


def test_batches_hold_half_of_each_group():
    preset = _preset(only_grouped_slices=True)
    groups = _groups(preset)
    batch = _batches(preset)(3)
    found = [int(np.flatnonzero((SLICES == s[..., 0]).all((1, 2)))[0]) for s in batch["slice"]]
    assert set(found[:2]) <= set(groups.high) and set(found[2:]) <= set(groups.low)
    assert batch["pairs"].shape == (2, 4, SIDE, SIDE, 1) and batch["label"].tolist() == [1, 1, 0, 0]
    np.testing.assert_array_equal(batch["target"][0, ..., 0], TARGETS[found[0]])


def test_without_grouping_every_slice_is_seen_once_per_pass():
    preset = _preset()
    seen = np.concatenate([_batches(preset)(step)["slice"] for step in range(6)])[..., 0]
    assert sorted(s.sum() for s in seen) == sorted(s.sum() for s in SLICES)


def test_flips_mirror_slice_and_target_together():
    preset = _preset(flip=True)
    batch = _batches(preset)(0)
    plain = _batches(_preset())(0)
    mirrored = [not np.array_equal(a, b) for a, b in zip(batch["slice"], plain["slice"])]
    assert any(mirrored) and not all(mirrored)
    for i, flipped in enumerate(mirrored):
        expected = plain["target"][i, :, ::-1] if flipped else plain["target"][i]
        np.testing.assert_array_equal(batch["target"][i], expected)


def test_a_batch_too_small_to_contrast_is_refused_before_the_first_step():
    with pytest.raises(InputError, match=r"segmenter.batch_size: expected at least 4: 2 slice\(s\) of each group for "
                                         "contrastive.loss=supcon, found 3"):
        _batches(_preset(batch_size=3))
    pairs = dataclasses.replace(_preset(batch_size=2), contrastive=Contrastive(grouping="quartiles", loss="npairs"))
    assert _batches(pairs)(0)["label"].tolist() == [1, 0]


def _painting_batches(share=0.75):
    """Batches of 8, and the 6 healthy volumes of 4 slices that are painted; the mask leaves a border out."""
    preset = _preset(batch_size=8, synthetic_share=share)
    healthy = np.random.default_rng(3).uniform(0.05, 0.2, (6, 4, SIDE, SIDE)).astype(np.float32)
    lungs = np.zeros_like(healthy)
    lungs[:, 1:, 2:-2, 2:-2] = 1
    return segmenter_batches(SLICES, TARGETS, _groups(preset), preset.segmenter, preset.contrastive, 1, healthy,
                             lungs), healthy.reshape(-1, SIDE, SIDE), lungs.reshape(-1, SIDE, SIDE)


def test_the_share_of_painted_slices_is_lesions_on_healthy_lungs_with_their_extent_as_target():
    batches, healthy, lungs = _painting_batches()
    with_lesion = 0
    for step in range(20):
        image, target = (batches(step)[name][..., 0] for name in ("slice", "target"))
        for found, mask in zip(image[:2], target[:2]):  # a quarter is COVID slices and their pseudo-masks
            index, = np.flatnonzero((SLICES == found).all((1, 2)))
            np.testing.assert_array_equal(mask, TARGETS[index])
        for found, extent in zip(image[2:], target[2:]):
            index = np.argmax((healthy == found).sum((1, 2)))  # outside of the lungs a slice stays as it was
            assert lungs[index].any() and not extent[lungs[index] == 0].any()
            np.testing.assert_array_equal(found[extent == 0], healthy[index][extent == 0])
            assert (found >= healthy[index]).all() and (found > healthy[index])[extent > 0.5].all()
            assert 0 <= extent.min() and extent.max() <= 1
            with_lesion += extent.max() > 0.5
    assert 20 < with_lesion < 100  # of 120


def test_one_volume_in_ten_is_not_painted_and_the_others_are_like_covid(monkeypatch):
    looks = []

    def everywhere(volumes, lung_masks, rng, look):
        looks.append(look)
        return volumes + lung_masks, np.copy(lung_masks)

    monkeypatch.setattr(healthy_noise, "painted_lesions", everywhere)
    batches, healthy, lungs = _painting_batches()
    volumes_drawn, untouched = 0, 0
    for step in range(0, 800, STEPS_PER_VOLUME):
        image, target = (batches(step)[name][2:, ..., 0] for name in ("slice", "target"))
        painted = {}
        for found, extent in zip(image, target):
            index = np.argmax((healthy == found).sum((1, 2)))
            np.testing.assert_array_equal(found, healthy[index] + extent)
            painted.setdefault(index // 4, set()).add(bool(extent.any()))
        assert all(len(kinds) == 1 for kinds in painted.values())  # a volume is painted, or none of its slices is
        volumes_drawn += len(painted)
        untouched += sum(kinds == {False} for kinds in painted.values())
    assert volumes_drawn > 750 and untouched / volumes_drawn == pytest.approx(0.1, abs=0.03)
    assert set(looks) == {healthy_noise.LIKE_COVID}


def test_a_painted_volume_serves_two_steps_and_no_batch_depends_on_the_ones_before(monkeypatch):
    painted = []
    paint = healthy_noise.painted_lesions

    def counted(*arguments):
        painted.append(1)
        return paint(*arguments)

    monkeypatch.setattr(healthy_noise, "painted_lesions", counted)
    steps = range(2 * (KEPT_TURNS + 2) * STEPS_PER_VOLUME)
    batches = _painting_batches()[0]
    in_order = [batches(step) for step in steps]
    assert len(painted) == len(steps) / STEPS_PER_VOLUME
    batches = _painting_batches()[0]
    for step in reversed(steps):
        for name, values in batches(step).items():
            np.testing.assert_array_equal(values, in_order[step][name])
    # Other slices of the volume, or another order of them: not the same batch twice.
    assert not np.array_equal(in_order[0]["slice"][2:], in_order[1]["slice"][2:])


def test_painting_without_healthy_cases_is_refused():
    preset = _preset(synthetic_share=0.5)
    with pytest.raises(InputError, match="segmenter.synthetic_share.*healthy cases to paint lesions into.*none"):
        _batches(preset)


CHANGED = [0.02, 0.03, 0.04, 0.06, 0.4, 0]


@pytest.fixture
def six_voxels(monkeypatch):
    """One COVID and one healthy case of six voxels, five of them lung, and the set of the kinds that are present."""
    volumes = {"covid": np.full((1, 1, 1, 6), 0.1, np.float32), "healthy": np.full((1, 1, 1, 6), 0.2, np.float32)}
    lungs = np.float32([1, 1, 1, 1, 1, 0]).reshape(1, 1, 1, 6)
    present = {"covid", "healthy"}

    class Cases:
        shape = presets.get("shabani/demo").gan.volume_shape

        def __init__(self, kind=None):
            self.kind = kind

        def __len__(self):
            return self.kind in present

        def only(self, kind):
            return Cases(kind)

        def array(self, name):
            return lungs if name == "lung_mask" else volumes[self.kind]

    def differences(generator, images, masks, pseudo, seed):
        return SimpleNamespace(difference=np.float32(CHANGED).reshape(1, 1, 1, 6))

    monkeypatch.setattr(pseudo_slices, "open_prepared", lambda *folders: Cases())
    monkeypatch.setattr(pseudo_slices, "load_generator", lambda path: (None, presets.get("shabani/demo"), 1))
    monkeypatch.setattr(pseudo_slices, "make_pseudo_masks", differences)
    return present


def _targets(**segmenter):
    return pseudo_slices.load_pseudo_slices("cases", "gan", None, 1, Segmenter(**segmenter)).targets.ravel()


def test_targets_are_the_differences_where_nothing_calibrates_them(six_voxels):
    np.testing.assert_allclose(_targets(), CHANGED)


def test_calibrated_targets_come_from_the_healthy_cases_of_the_training(six_voxels, monkeypatch):
    def calibrated(generator, volumes, lungs, healthy, healthy_lungs, pseudo, seed, steps):
        assert (seed, steps) == (1, 7) and healthy_lungs is lungs
        return volumes + healthy

    monkeypatch.setattr(pseudo_slices, "calibrated_targets", calibrated)
    np.testing.assert_allclose(_targets(calibration_steps=7), np.full(6, 0.3), rtol=1e-6)


def test_calibration_without_healthy_cases_is_refused(six_voxels):
    six_voxels.remove("healthy")
    with pytest.raises(InputError, match="segmenter.calibration_steps: expected healthy cases.*found none"):
        _targets(calibration_steps=7)


def test_learning_rate_schedule_is_used_only_where_the_preset_says_so():
    assert learning_rate(presets.get("shabani/published").segmenter) == 5e-5
    schedule = learning_rate(presets.get("shabani/paper").segmenter)
    np.testing.assert_allclose([float(schedule(s)) for s in (0, 999, 1000, 2500)], [1e-3, 1e-3, 9e-4, 8.1e-4])


def test_contrastive_rate_falls_with_the_segmenters_where_the_preset_says_so():
    """Per end-to-end step, however many contrastive ones each has."""
    assert contrastive_learning_rate(presets.get("shabani/published")) == 1e-4
    preset = presets.override(presets.get("shabani/demo"), ["contrastive.steps_per_step=2", "segmenter.decay_steps=100",
                                                            "segmenter.learning_rate=1e-3"])
    rate, other = contrastive_learning_rate(preset), learning_rate(preset.segmenter)
    for step in (0, 99, 100, 699):
        np.testing.assert_allclose(float(rate(2 * step)) / float(other(step)), 0.1, rtol=1e-5)
    constant = presets.override(preset, ["segmenter.decay_steps=none"])
    assert contrastive_learning_rate(constant) == 1e-4


def _train(folder, execution, preset):
    execution.prepare()
    run = Run.start(folder, "segmenter", preset, execution.seed, resume=execution.resume)
    training = build_segmenter_training(preset, (SIDE, SIDE))
    batches = _batches(preset)
    run_training(training, run, execution, lambda a, b: step_dataset(batches, a, b), preset.segmenter.steps, 2, 3)
    return run, training


def test_resumed_equals_uninterrupted_bit_for_bit(tmp_path):
    preset = _preset(shared_encoder=True, ema_decay=0.9, decay_steps=2)
    straight, one = _train(tmp_path / "straight", TrainingOptions(seed=3, deterministic=True), preset)
    paused, _ = _train(tmp_path / "cut", TrainingOptions(seed=3, deterministic=True, pause_after=3), preset)
    assert paused.manifest["status"] == "paused"
    resumed, two = _train(tmp_path / "cut", TrainingOptions(seed=3, deterministic=True, resume=True), preset)
    assert resumed.manifest["status"] == "done"
    a, b = straight.checkpoints.load(6).arrays, resumed.checkpoints.load(6).arrays
    assert [name for name in a if not np.array_equal(a[name], b[name])] == []
    assert (tmp_path / "straight/metrics.csv").read_text() == (tmp_path / "cut/metrics.csv").read_text()


def test_a_silent_segmenter_is_told(tmp_path, capsys):
    run, training = _train(tmp_path / "run", TrainingOptions(seed=3), _preset())
    warn_if_silent(run, score_maps(training.segmenter, SLICES))
    assert "collapse" not in run.manifest
    training.segmenter.get_layer("mask").set_weights([np.zeros((1, 1, 2, 1)), np.zeros(1)])
    warn_if_silent(run, score_maps(training.segmenter, SLICES))
    assert "segmenter.head=linear" in run.manifest["collapse"]["silent"]["message"]
    assert "the segmenter's output is the same everywhere" in capsys.readouterr().err


def test_score_maps_do_not_depend_on_the_batch():
    compat.seed_everything(1)
    training = build_segmenter_training(_preset(), (SIDE, SIDE))
    np.testing.assert_allclose(score_maps(training.segmenter, SLICES, 5), score_maps(training.segmenter, SLICES, 24),
                               atol=1e-6)
