"""The contrastive temperature by descent during a training (K18): when it happens, what follows, and after a resume."""

import numpy as np
import pytest
from square_slices import EVERY, PHASE, arrays, preset, train

from covid3dgan.losses.temperature import TemperatureFit
from covid3dgan.training.khali import temperature as room

STEPS = 2 * EVERY


def chosen(**changes):
    return preset(**{"steps": STEPS, "keep": "last", "temperature_by": "descent", "temperature": 0.3, "log_every": 1,
                     **changes})


@pytest.fixture(scope="module")
def descended(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs") / "run", None, chosen())


def logged(run):
    return np.genfromtxt(run.path / "metrics.csv", delimiter=",", names=True)


def test_the_descent_begins_at_the_presets_temperature_and_is_recorded(descended):
    facts = descended.manifest["temperature"]
    assert facts["began_at"] == 0.3 and facts["updates"] > 0 and 0.01 <= facts["value"] <= 1.0
    assert facts["value"] != 0.3
    assert arrays(descended)["temperature/weights/0000"] == pytest.approx(facts["value"], abs=1e-6)


def test_the_second_phase_goes_on_with_what_the_descent_found(descended, tmp_path, monkeypatch):
    """The first phase knows nothing of it; the steps after it do."""
    def as_if(features, labels, initial, seed):
        return TemperatureFit(0.7, (initial, 0.7), (0.0, 0.0), "at rest", ())

    monkeypatch.setattr(room, "fit_temperature", as_if)
    moved = train(tmp_path / "moved", None, chosen())
    losses = [logged(run)["contrastive_loss"] for run in (descended, moved)]
    np.testing.assert_allclose(losses[0][:PHASE], losses[1][:PHASE], rtol=1e-4)
    assert abs(losses[0][PHASE] / losses[1][PHASE] - 1) > 0.05
    assert moved.manifest["temperature"]["value"] == 0.7


def test_a_resumed_run_is_the_uninterrupted_one(descended, tmp_path):
    """Cut where the descent is due: the one that began before the end of the process is done again."""
    train(tmp_path / "cut", None, chosen(), pause_after=PHASE)
    resumed = train(tmp_path / "cut", None, chosen(), resume=True)
    one, other = arrays(descended), arrays(resumed)
    assert set(one) == set(other) and [name for name in one if not np.array_equal(one[name], other[name])] == []
    assert resumed.manifest["temperature"] == descended.manifest["temperature"]
