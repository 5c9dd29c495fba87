"""Keeping the TransUNet's best weights (K24): what validation cases chose stays, is loaded, and resumes bit for bit."""

import dataclasses

import numpy as np
import pytest
from square_slices import CUT, EVERY, PHASE, STEPS, arrays, preset, slices, train

from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.inference.lesions import load_transunet
from covid3dgan.presets.stages import Threshold
from covid3dgan.training.shabani.train_segmenter import validation_curve


@pytest.fixture(scope="module")
def validation(tmp_path_factory):
    """A case whose lesions are all that the training calls healthy: the more it learns, the worse it scores."""
    folder, found = tmp_path_factory.mktemp("validation"), slices(12)
    lungs = np.ones_like(found.slices)
    shape = found.slices.shape
    case = prepared_case.PreparedCase("case", found.slices, lungs, found.slices, 1.0 - found.targets, np.eye(4),
                                      np.eye(4), shape, {"group": "covid"})
    prepared_case.save(case, folder / "case.npz")
    return folder


def weights(found, name):
    return [value for key, value in sorted(found.items()) if key.startswith(f"{name}/weights/")]


@pytest.fixture(scope="module")
def straight(tmp_path_factory, validation):
    return train(tmp_path_factory.mktemp("runs") / "straight", validation)


def test_weights_that_got_worse_are_not_kept(straight, validation, tmp_path):
    kept = straight.manifest["kept"]
    assert PHASE < kept["step"] < STEPS and kept["step"] % EVERY == 0
    found = arrays(straight)
    earlier = train(tmp_path / "earlier", validation, pause_after=kept["step"])  # ends where the best were seen
    for best, then in zip(weights(found, "best"), weights(arrays(earlier), "network")):
        np.testing.assert_array_equal(best, then)

    def dice():
        threshold = Threshold(relative=False, grid=(CUT,))
        chosen = dataclasses.replace(preset(), threshold=threshold)
        return validation_curve(network, open_prepared(validation), chosen).dice[0]

    model = load_transunet(straight.path)
    network = model.network
    assert model.described["step"] == kept["step"]
    assert dice() == pytest.approx(kept["dice"], abs=1e-5)
    network.set_weights(weights(found, "network"))
    assert dice() < kept["dice"] - 0.05


def test_the_first_phase_is_not_judged(tmp_path, validation):
    run = train(tmp_path / "run", validation, preset(steps=EVERY, first_phase_steps=EVERY))
    assert "kept" not in run.manifest and arrays(run)["score/weights/0001"] == 0


def test_a_resumed_run_keeps_what_an_uninterrupted_one_keeps(straight, validation, tmp_path):
    train(tmp_path / "cut", validation, pause_after=EVERY + 2)
    middle = train(tmp_path / "cut", validation, resume=True, pause_after=2 * EVERY - 2)
    assert middle.manifest["status"] == "paused" and middle.manifest["step"] == 3 * EVERY
    resumed = train(tmp_path / "cut", validation, resume=True)
    one, other = arrays(straight), arrays(resumed)
    assert set(one) == set(other) and [name for name in one if not np.array_equal(one[name], other[name])] == []
    assert resumed.manifest["kept"] == straight.manifest["kept"]


def test_without_validation_cases_the_last_weights_stay_and_are_told(tmp_path, capsys):
    run = train(tmp_path / "run", None, preset(steps=5))
    assert "no validation cases: the last weights are kept, not the best" in capsys.readouterr().err
    assert "kept" not in run.manifest
    loaded = load_transunet(run.path).network.get_weights()
    for ours, stored in zip(loaded, weights(arrays(run), "network")):
        np.testing.assert_array_equal(ours, stored)


def test_the_moving_average_is_what_is_judged_where_there_is_one(tmp_path, validation):
    run = train(tmp_path / "run", validation, preset(steps=EVERY, ema_decay=0.9))
    found = arrays(run)
    assert run.manifest["kept"]["step"] == EVERY
    for best, averaged in zip(weights(found, "best"), weights(found, "averaged")):
        np.testing.assert_array_equal(best, averaged)
