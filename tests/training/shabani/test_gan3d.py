"""The three-phase training: what each phase moves, repeatability, resuming after a kill, NaN and collapse."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, models, presets
from covid3dgan.data.batches import pipelines
from covid3dgan.data.batches.pipelines import gan_batches, step_dataset
from covid3dgan.runs.directory import Run
from covid3dgan.training.callbacks import CollapseMonitor, TrainingStopped
from covid3dgan.training.loop import TrainingOptions, run_training
from covid3dgan.training.shabani.gan3d import build_gan

SHAPE = (16, 16, 16)
RNG = np.random.default_rng(0)
HEALTHY = RNG.random((3, *SHAPE)).astype(np.float32) * 0.2
COVID = RNG.random((3, *SHAPE)).astype(np.float32) * 0.4
LUNGS = np.ones_like(HEALTHY)


def _preset(name="shabani/demo", **gan):
    preset = presets.get(name)
    small = {"volume_shape": SHAPE, "generator_width": 1, "discriminator_width": 4, "batch_size": 2, "steps": 6,
             "log_every": 2, "checkpoint_every": 2, **gan}
    return dataclasses.replace(preset, gan=dataclasses.replace(preset.gan, **small))


def _batches(preset, seed=1):
    return gan_batches(HEALTHY, COVID, LUNGS, preset.gan, seed)


def _constants(batch):
    return {name: tf.constant(value) for name, value in batch.items()}


def _weights(network):
    return {name: model.get_weights() for name, model in network.networks().items()}


def _changed(before, after):
    return {name for name in before if any((a != b).any() for a, b in zip(before[name], after[name]))}


@pytest.mark.parametrize("name", ["shabani/demo", "shabani/published", "shabani/paper"])
@pytest.mark.parametrize("phase, moved", [("reconstruction_phase", {"generator"}),
                                          ("discriminator_phase", {"discriminator"}),
                                          ("generator_phase", {"generator"})])
def test_each_phase_moves_only_its_own_network(name, phase, moved):
    compat.seed_everything(1)
    preset = _preset(name)
    network = build_gan(preset.gan)
    before = _weights(network)
    getattr(network, phase)(_constants(_batches(preset)(0)))
    assert _changed(before, _weights(network)) == moved


def test_one_adam_state_serves_both_generator_updates_where_published():
    compat.seed_everything(1)
    for name, shared in (("shabani/published", True), ("shabani/demo", False)):
        preset = _preset(name)
        network = build_gan(preset.gan)
        network.train_step(_constants(_batches(preset)(0)))
        steps = [int(compat.variable_value(network.generator_optimizer.iterations))]
        assert steps == [2 if shared else 1]  # F05
        assert ("reconstruction" in network.optimizers()) != shared


def test_the_reconstruction_loss_is_the_presets():
    found = {}
    for kind in ("mse", "mae"):
        compat.seed_everything(1)
        network = build_gan(_preset(reconstruction_loss=kind, reconstruction_focus=0.0, reconstructions=1).gan)
        batch = _constants(_batches(_preset(reconstructions=1))(0))
        errors = network.generate([batch["noisy"][0], batch["latent_reconstruction"][0]], training=True)
        errors = np.asarray(errors, np.float32) - batch["clean"][0].numpy()
        wanted = np.mean(errors ** 2 if kind == "mse" else np.abs(errors))
        found[kind] = float(network.reconstruction_phase(batch)["reconstruction_loss"])
        assert found[kind] == pytest.approx(wanted, rel=1e-4)
    assert found["mae"] > 1.1 * found["mse"]


def test_e01_a_training_step_follows_eq_2_or_table_2_of_paper_000():
    found = {}
    for kind in ("mse", "log"):
        compat.seed_everything(1)
        preset = _preset("elmourabit/paper", adversarial_loss=kind, discriminator="published")
        found[kind] = float(build_gan(preset.gan).discriminator_phase(_constants(_batches(preset)(0)))[
            "discriminator_loss"])
    # An undecided discriminator: 0.25 of squared error, log 2 of logarithm.
    assert found["mse"] == pytest.approx(0.25, abs=0.1) and found["log"] == pytest.approx(np.log(2), abs=0.2)


def test_update_order_is_the_presets():
    for order, first in (("reconstruction-first", "reconstruction_loss"),
                         ("discriminator-first", "discriminator_loss")):
        compat.seed_everything(1)
        preset = _preset(update_order=order)
        logs = build_gan(preset.gan).train_step(_constants(_batches(preset)(0)))
        assert next(iter(logs)) == first  # F07


def test_the_generators_batch_is_fresh_or_the_same():
    same = _batches(_preset(fresh_covid_batch=False))(0)
    fresh = [_batches(_preset(fresh_covid_batch=True))(step) for step in range(4)]
    np.testing.assert_array_equal(same["covid"], same["covid_again"])
    assert any((b["covid"] != b["covid_again"]).any() for b in fresh)  # F06


def test_published_noise_touches_a_quarter_of_the_slices_and_ours_the_lungs_only():
    batch = _batches(_preset(noise="published", identity_probability=0.0, reconstructions=1))(0)
    touched = (batch["noisy"] != batch["clean"])[0, ..., 0].any((2, 3))
    assert touched.sum(1).tolist() == [4, 4]  # F30: 8 of 32
    lungs = np.zeros_like(LUNGS)
    lungs[:, 4:12, 4:12, 4:12] = 1
    at = gan_batches(HEALTHY, COVID, lungs, _preset(noise="lesions", flip=False).gan, 1)
    added = np.concatenate([np.abs(at(k)["noisy"] - at(k)["clean"])[..., 0].reshape(-1, *SHAPE) for k in range(3)])
    outside = np.ones(SHAPE, bool)
    outside[4:12, 4:12, 4:12] = False
    assert added.max() > 0.05 and added[:, outside].max() == 0


def test_f39_the_reconstruction_error_is_squared_or_a_norm():
    """Of a generator that leaves its input alone, so the error is the noise itself; focus weighs it under the root."""
    for loss, expected in (
            ("mse", lambda error: np.mean(error ** 2)), ("mae", lambda error: np.mean(np.abs(error))),
            ("norm", lambda error: np.mean([np.sqrt((volume ** 2).sum()) for volume in error]))):
        preset = _preset(generator_head="signed", reconstructions=1, reconstruction_focus=0.0, reconstruction_loss=loss)
        network, batch = build_gan(preset.gan), _batches(preset)(0)
        found = network.reconstruction_phase(_constants(batch))["reconstruction_loss"]
        assert float(found) == pytest.approx(expected(batch["noisy"][0] - batch["clean"][0]), rel=1e-4)
        assert all(np.isfinite(weight).all() for weight in network.generator.get_weights())


def test_f39_a_norm_of_nothing_moves_nothing_to_nan():
    preset = _preset(generator_head="signed", reconstructions=1, reconstruction_loss="norm")
    network, batch = build_gan(preset.gan), _batches(preset)(0)
    batch["noisy"] = batch["clean"]
    assert float(network.reconstruction_phase(_constants(batch))["reconstruction_loss"]) < 1e-5
    assert all(np.isfinite(weight).all() for weight in network.generator.get_weights())


def test_f08_a_trained_generators_weights_fit_the_published_three_inputs():
    compat.seed_everything(1)
    trained = build_gan(_preset("shabani/published").gan).generator
    published = models.build_generator(input_shape=(*SHAPE, 1), width=1, with_unused_input=True)
    assert len(trained.inputs) == 2 and len(published.inputs) == 3
    published.set_weights(trained.get_weights())
    ct, noise = COVID[..., None], np.zeros((3, *[side // 16 for side in SHAPE], 10), np.float32)
    np.testing.assert_array_equal(published([ct, noise, ct]), trained([ct, noise]))


def test_moving_average_follows_the_generator():
    compat.seed_everything(1)
    network = build_gan(_preset(ema_decay=0.9).gan)
    mean = network.averaged.weights[0]
    network.generator.weights[0].assign(tf.ones_like(network.generator.weights[0]))
    mean.assign(tf.zeros_like(mean))
    network.update_average(tf.constant(0))
    np.testing.assert_allclose(compat.variable_value(mean), 0.9, rtol=1e-6)  # decay (1 + 0) / (10 + 0)
    network.update_average(tf.constant(10**6))
    np.testing.assert_allclose(compat.variable_value(mean), 0.91, rtol=1e-6)


def _train(folder, execution, preset=None):
    preset = preset or _preset()
    execution.prepare()
    run = Run.start(folder, "gan", preset, execution.seed, resume=execution.resume)
    network = build_gan(preset.gan)
    batches = _batches(preset, execution.seed)
    run_training(network, run, execution, lambda a, b: step_dataset(batches, a, b), preset.gan.steps,
                 preset.gan.log_every,
                 preset.gan.checkpoint_every, callbacks=[CollapseMonitor])
    return run


def _equal(a, b):
    a, b = a.checkpoints.load().arrays, b.checkpoints.load().arrays
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


RESUMED = {"steps": 40, "reconstructions": 2}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The run of 40 steps that nothing interrupts."""
    return _train(tmp_path_factory.mktemp("straight") / "run", TrainingOptions(seed=1, deterministic=True),
                  _preset(**RESUMED))


def test_pausing_and_resuming_changes_nothing(straight, tmp_path):
    preset = _preset(**RESUMED)
    _train(tmp_path / "run", TrainingOptions(seed=1, deterministic=True, pause_after=3), preset)
    resumed = _train(tmp_path / "run", TrainingOptions(seed=1, deterministic=True, resume=True), preset)
    assert _equal(straight, resumed)
    assert (tmp_path / "run/metrics.csv").read_text() == (straight.path / "metrics.csv").read_text()


def test_a_seed_names_weights_and_batches():
    """What a training starts from and sees; its steps are the same in every run (above)."""
    def start(seed):
        TrainingOptions(seed=seed).prepare()
        return _weights(build_gan(_preset().gan)), _batches(_preset(), seed)(0)

    (weights, batch), (again, same), (others, other) = start(1), start(1), start(2)
    assert _changed(weights, again) == set() and "generator" in _changed(weights, others)
    assert all(np.array_equal(batch[name], same[name]) for name in batch)
    assert any(not np.array_equal(batch[name], other[name]) for name in batch)


KILLED = """
import sys
sys.path[:0] = sys.argv[2:]
import test_gan3d as t
t._train(sys.argv[1], t.TrainingOptions(seed=1, deterministic=True), t._preset(**t.RESUMED))
"""


def test_killed_and_resumed_equals_the_straight_run(straight, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "b"), os.path.dirname(__file__)],
                               stderr=subprocess.DEVNULL)
    folder = tmp_path / "b" / "checkpoints"
    while process.poll() is None and not list(folder.glob("step_*")):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    reached = int(sorted(p.name for p in folder.glob("step_*"))[-1][5:])
    assert 0 < reached < 40, "the kill came too late to prove anything"
    resumed = _train(tmp_path / "b", TrainingOptions(seed=1, deterministic=True, resume=True), _preset(**RESUMED))
    assert _equal(straight, resumed)


def test_nan_stops_and_keeps_the_last_good_checkpoint(tmp_path):
    preset = _preset()
    TrainingOptions(seed=1).prepare()
    run = Run.start(tmp_path / "run", "gan", preset, 1)
    network = build_gan(preset.gan)
    batches = _batches(preset)

    def poisoned(step):
        batch = batches(step)
        if step == 4:
            batch["clean"] = batch["clean"] * np.float32("nan")
        return batch

    with pytest.raises(TrainingStopped, match=r"step 5: expected finite losses, found .*step 4 is kept"):
        run_training(network, run, TrainingOptions(seed=1), lambda a, b: step_dataset(poisoned, a, b), 6, 2, 2)
    assert run.checkpoints.steps() == [2, 4]
    assert run.manifest["status"] == "failed"
    assert all(np.isfinite(a).all() for a in run.checkpoints.load().arrays.values())


@pytest.mark.parametrize("logs, name", [
    ({"output_mean": 0.0, "input_mean": 0.1, "change": 0.1, "noise_removed": 0.5}, "dead"),
    ({"output_mean": 0.1, "input_mean": 0.1, "change": 1e-4, "noise_removed": 0.01}, "identity"),
    ({"output_mean": 0.1, "input_mean": 0.1, "change": 0.02, "noise_removed": 0.6}, None),
])
def test_collapse_is_named_after_three_windows(tmp_path, logs, name):
    run = Run.start(tmp_path / "run", "gan", _preset(), 1)
    recorder = dataclasses.make_dataclass("Recorder", ["run", "log_every", "step"])(run, 2, 300)
    monitor = CollapseMonitor(recorder)
    for batch in range(6):
        assert monitor.found == {}
        monitor.on_train_batch_end(batch, logs)
    assert list(monitor.found) == ([name] if name else [])
    assert list(run.manifest.get("collapse", {})) == list(monitor.found)


def test_indices_by_passes_use_every_sample_once():
    indices = pipelines.Indices(7, 3, [1], "epochs")
    seen = np.concatenate([indices.at(step) for step in range(7)])
    assert np.bincount(seen).tolist() == [3] * 7
    np.testing.assert_array_equal(indices.at(5), pipelines.Indices(7, 3, [1], "epochs").at(5))
    assert len(set(pipelines.Indices(7, 5, [1]).at(0).tolist())) == 5
