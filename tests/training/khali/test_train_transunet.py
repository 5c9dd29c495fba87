"""A TransUNet run: it learns, pauses and resumes bit for bit, and is read back."""

import dataclasses

import numpy as np
import pytest

from covid3dgan import compat, presets
from covid3dgan.data.preprocess.prepared_set import PreparedSet
from covid3dgan.errors import InputError, InputWarning
from covid3dgan.inference.lesions import load_transunet
from covid3dgan.presets.stages import Contrastive
from covid3dgan.runs.directory import open_run
from covid3dgan.training.khali.train_transunet import train_on_slices
from covid3dgan.training.khali.transunet import build_training, start_at_mean
from covid3dgan.training.loop import TrainingOptions
from covid3dgan.training.pseudo_slices import PseudoSlices

STEPS, PAUSE = 60, 4


def preset(name="demo", **changes):
    chosen = presets.get(f"khali/{name}")
    small = {"width": 16, "blocks": 1, "heads": 2, "ema_decay": 0.9, "batch_size": 8, "first_phase_steps": PAUSE,
             "steps": STEPS, "learning_rate": 2e-3, "checkpoint_every": 30, **changes}
    unet = dataclasses.replace(chosen.segmenter, synthetic_share=0.0, calibration_steps=0)
    return dataclasses.replace(chosen, segmenter=unet, transunet=dataclasses.replace(chosen.transunet, **small))


def slices(count=48):
    """Slices with one bright square each, whose size sorts them into groups."""
    images, targets = np.zeros((2, count, 32, 32), "float32")
    for index in range(count):
        side = 2 + index % 12
        targets[index, 4:4 + side, 6:6 + side] = 0.5
    images = targets + np.random.default_rng(0).random(targets.shape).astype("float32") * 0.1
    return PseudoSlices(PreparedSet((), ()), 0, images, targets, np.full(count, 900), None, None)


def arrays(path):
    return open_run(path)[0].checkpoints.load().arrays


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(a run that paused after the first phase and went on, its state at the pause, an uninterrupted run)."""
    folder = tmp_path_factory.mktemp("transunet")
    broken, straight = folder / "broken", folder / "straight"
    train_on_slices(slices(), broken, preset(), TrainingOptions(seed=1, pause_after=PAUSE))
    paused = arrays(broken)
    train_on_slices(slices(), broken, preset(), TrainingOptions(seed=1, resume=True))
    train_on_slices(slices(), straight, preset(), TrainingOptions(seed=1))
    return broken, paused, straight


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(runs):
    broken, _, straight = runs
    resumed, expected = arrays(broken), arrays(straight)
    assert resumed.keys() == expected.keys()
    for name, value in resumed.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    assert (broken / "metrics.csv").read_text() == (straight / "metrics.csv").read_text()


def test_the_first_phase_moves_the_encoder_alone(runs):
    """Contrastive loss on encoded features: no gradient reaches the decoder."""
    broken, paused, _ = runs
    compat.seed_everything(1)
    training = build_training(preset().transunet, (32, 32))
    start_at_mean(training, slices().targets)
    network = training.network
    final = arrays(broken)
    decoder = {id(w) for layer in network.layers if layer.name.startswith(("decoder", "logits"))
               for w in layer.trainable_weights}
    trainable = {id(w) for w in network.trainable_weights}
    for index, weight in enumerate(network.weights):
        name, start = f"network/weights/{index:04d}", compat.variable_value(weight)
        if id(weight) in decoder:
            np.testing.assert_array_equal(start, paused[name], err_msg=weight.name)
            assert not np.array_equal(paused[name], final[name]), weight.name
        elif id(weight) in trainable and len(weight.shape) == 4:
            assert not np.array_equal(start, paused[name]), weight.name


def test_the_trained_network_finds_the_squares(runs):
    model, found = load_transunet(runs[0]), slices()
    scores = model.scores(found.slices)
    assert (model.described["step"], model.threshold, model.relative) == (STEPS, 0.2, False)
    assert scores[found.targets > 0].mean() > 2 * scores[found.targets == 0].mean()


def test_the_run_records_its_groups_and_the_published_sampler_warns(tmp_path):
    published = preset("published", steps=2)
    with pytest.warns(InputWarning, match="high infection alone"):
        train_on_slices(slices(), tmp_path / "run", published, TrainingOptions(seed=1))
    manifest = open_run(tmp_path / "run", "transunet")[0].manifest
    assert "Q3" in manifest["groups"]["rule"] and manifest["groups"]["high"] > 0 and manifest["status"] == "done"
    losses = np.genfromtxt(tmp_path / "run" / "metrics.csv", delimiter=",", names=True)
    assert float(losses["contrastive_loss"]) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("changes, sentence", [
    ({"batch_size": 6}, "a multiple of 4"),
    ({"batch_size": 4}, "at least 8"),
])
def test_batches_that_leave_a_group_with_one_slice_are_refused(changes, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        train_on_slices(slices(), tmp_path / "run", preset(**changes), TrainingOptions())


def test_healthy_slices_are_no_part_of_paper_002(tmp_path):
    healthy = dataclasses.replace(preset(), contrastive=Contrastive(pairs="healthy-high"))
    with pytest.raises(InputError, match="low-high for the TransUNet"):
        train_on_slices(slices(), tmp_path / "run", healthy, TrainingOptions())


def test_the_first_probability_is_the_mean_target():
    training = build_training(preset(ema_decay=0.0).transunet, (32, 32))
    start_at_mean(training, np.full((1, 2, 2), 0.2, "float32"))
    bias = compat.variable_value(training.network.get_layer("logits").weights[1])
    assert 1 / (1 + np.exp(-bias)) == pytest.approx(0.2)
