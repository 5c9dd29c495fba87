"""The Keras network out of a TFLite file computes what the file does, and what does not is refused."""

import numpy as np
import pytest

from covid3dgan import weights
from covid3dgan.errors import InputError
from covid3dgan.inference.exported import as_keras
from covid3dgan.inference.exported.network import open_exported


def test_the_network_gives_the_files_own_scores():
    file = weights.path()
    network, preset = as_keras.segmenter_of_file(file)
    exported = open_exported(file)
    rng = np.random.default_rng(5)
    slices = rng.random((3, *exported.input_shape[1:])).astype(np.float32)
    slices[1] *= slices[1] > 0.7
    slices[2] = 0
    np.testing.assert_allclose(np.asarray(network(slices, training=False)), exported(slices), atol=2e-5)
    assert preset.name == exported.metadata["preset"]["name"]


def test_weights_that_do_not_give_the_files_scores_are_refused(monkeypatch):
    read = as_keras._convolutions

    def changed(model, schema):
        found = read(model, schema)
        found[3].bias = found[3].bias + np.float32(0.5)
        return found

    monkeypatch.setattr(as_keras, "_convolutions", changed)
    with pytest.raises(InputError, match="expected weights that give the file's own scores, found scores that differ"):
        as_keras.segmenter_of_file(weights.path())


def test_a_file_with_other_weights_than_float32_names_the_way_out(monkeypatch):
    monkeypatch.setattr(as_keras, "_convolutions", lambda model, schema: None)
    with pytest.raises(InputError, match="expected a float32 TFLite file of a segmenter with segmenter.merge=concaten"
                                         "ate, .*; name the run that it was exported from"):
        as_keras.segmenter_of_file(weights.path())
