"""A trained segmenter learns on: from its own weights, its normalisation fixed, resumable, its threshold the best."""

import dataclasses

import keras
import numpy as np
import pytest

from covid3dgan import compat, presets
from covid3dgan.data.batches.corrected_batches import Corrected, corrected_batches
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.prepared_case import PreparedCase
from covid3dgan.inference.lesions import LesionPredictor, load_segmenter
from covid3dgan.models.from_presets import segmenter_network
from covid3dgan.presets.stages import Gan, Segmenter, Threshold
from covid3dgan.training.loop import TrainingOptions
from covid3dgan.training.shabani.fine_tune import best_threshold, fine_tune

SHAPE = (6, 32, 32)
PRESET = dataclasses.replace(
    presets.get("shabani/finetune"), gan=Gan(volume_shape=SHAPE),
    segmenter=Segmenter(width=4, merge="concatenate", head="linear", dropout=0.1, batch_size=4, steps=4, log_every=1,
                        checkpoint_every=2, learning_rate=1e-3, ema_decay=0.9, only_grouped_slices=False))


@pytest.fixture(scope="module")
def start():
    compat.seed_everything(3)
    network = segmenter_network(PRESET.segmenter, SHAPE[1:])
    rng = np.random.default_rng(0)
    for layer in network.layers:  # as a trained network's: of data
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return network


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    for number in range(2):
        lungs = np.zeros(SHAPE, np.float32)
        lungs[:, 4:28, 3:14] = lungs[:, 4:28, 18:29] = 1
        infection = np.zeros(SHAPE, np.float32)
        infection[2:4, 8 + number:16, 5:10] = 1
        base = np.where(lungs > 0, 0.1 + 0.3 * infection, 0.7).astype(np.float32)
        prepared_case.save(PreparedCase(f"c{number}", base * lungs, lungs, base, infection, np.eye(4), np.eye(4),
                                        (32, 32, 6), {}), folder / f"c{number}.npz")
    return sorted(folder.glob("*.npz"))


def weights_of(path):
    return load_segmenter(path).network.get_weights()


def test_it_learns_with_its_normalisation_fixed_and_resumes_bit_for_bit(start, files, tmp_path):
    options = TrainingOptions(seed=1, deterministic=True)
    run = fine_tune(files, start, tmp_path / "whole", PRESET, options, sure=0.9, details={"held_out": ["c9"]})
    assert run.manifest["cases"] == ["c0", "c1"] and run.manifest["held_out"] == ["c9"]
    assert load_segmenter(run.path).sure == 0.9  # it is cut as the network that it started from
    fine_tune(files, start, tmp_path / "parts", PRESET, dataclasses.replace(options, pause_after=2))
    fine_tune(files, start, tmp_path / "parts", PRESET, dataclasses.replace(options, resume=True))
    whole, parts = weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts")
    assert all((a == b).all() for a, b in zip(whole, parts))
    learned = segmenter_network(PRESET.segmenter, SHAPE[1:])
    learned.set_weights(whole)
    for layer, before in zip(learned.layers, start.layers):
        same = [np.allclose(a, b, rtol=1e-6) for a, b in zip(layer.get_weights(), before.get_weights())]
        assert all(same) if isinstance(layer, keras.layers.BatchNormalization) else not same or not all(same)


class Known(LesionPredictor):
    """0.4 in the lesion (0.4 in the image), 0.25 where ``described`` says."""

    def cut_scores(self, volume):
        lesion = volume > 0.3
        return np.where(lesion, 0.4, np.where(self.described["beside"](lesion), 0.25, 0)).astype(np.float32)


def test_the_threshold_is_the_best_of_the_cases_with_a_lesion(files):
    cases = [prepared_case.load(file) for file in files]
    empty = dataclasses.replace(cases[0], infection=np.zeros(SHAPE, np.float32))
    predictor = Known(None, PRESET, 0.5, False, {"beside": lambda lesion: np.roll(lesion, 1, 0)})
    found = best_threshold(predictor, [*cases, empty], Threshold(relative=False, grid=(0.2, 0.3, 0.5)))
    assert found["value"] == 0.3 and found["cases"] == ["c0", "c1"] and "sure" not in found
    np.testing.assert_allclose(found["dice"], [2 / 2.5, 1.0, 0.0])  # at 0.2 one false voxel to two right ones


def test_pieces_that_the_network_is_not_sure_of_do_not_raise_the_threshold(files):
    case = prepared_case.load(files[0])
    beside = np.zeros(SHAPE, bool)
    beside[:, 20:24, 22:25] = True
    found = best_threshold(Known(None, PRESET, 0.5, False, {"beside": lambda lesion: beside}, sure=0.3), [case],
                           Threshold(relative=False, grid=(0.2, 0.3, 0.5)))
    assert found["value"] == 0.2 and found["dice"] == [1.0, 1.0, 0.0] and found["sure"] == 0.3


def test_batches_are_a_function_of_the_step_and_show_every_case():
    lungs = np.ones((4, 32, 32), bool)
    cases = [Corrected(np.full((4, 32, 32), 0.2 * number, np.float16), lungs, np.full((4, 32, 32), number == 2))
             for number in (1, 2, 3)]
    batches = corrected_batches(cases, 4, seed=5)
    expected = [batches(step) for step in range(10)]
    again = corrected_batches(cases, 4, seed=5)
    for step in (9, 0, 4):
        for name, value in again(step).items():
            np.testing.assert_array_equal(value, expected[step][name])
    target = np.concatenate([batch["target"] for batch in expected])
    assert target.shape == (40, 32, 32, 1) and target.dtype == np.float32
    infected = (target > 0.5).mean((1, 2, 3)) > 0.5
    assert 0.1 < infected.mean() < 0.7  # one case in three
    assert not (target[~infected] > 0).any()
