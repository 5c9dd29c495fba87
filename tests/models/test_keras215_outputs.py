"""Both environments compute what Keras 2.15 computes (fixture: tests/fixtures/make_keras215_outputs.py)."""

from pathlib import Path

import keras215_cases
import numpy as np
import pytest

from covid3dgan.models.blocks import convlstm

FIXTURE = Path(__file__).parents[1] / "fixtures" / "keras215_outputs.npz"


@pytest.mark.parametrize("name", keras215_cases.CASES)
def test_outputs_equal_those_of_keras_2_15(name):
    with np.load(FIXTURE) as stored:
        np.testing.assert_allclose(keras215_cases.run(name), stored[name], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("gate", ["sigmoid", "keras3_hard_sigmoid"])
def test_keras_3_gates_would_give_another_segmenter(gate, monkeypatch):
    monkeypatch.setitem(convlstm.GATES, "legacy_hard_sigmoid", convlstm.GATES[gate])
    with np.load(FIXTURE) as stored:
        assert np.abs(keras215_cases.run("segmenter") - stored["segmenter"]).max() > 1e-3
