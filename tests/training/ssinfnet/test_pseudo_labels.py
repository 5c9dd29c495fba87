"""Inf-Net's semi-supervised training: its rounds, its labels, and going on after an interruption."""

import dataclasses

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.data.datasets.slices import SliceSet
from covid3dgan.errors import InputError
from covid3dgan.inference.classes import load_network
from covid3dgan.training.loop import TrainingOptions
from covid3dgan.training.ssinfnet import train_ssinfnet
from covid3dgan.training.ssinfnet.pseudo_labels import Round, make_rounds, train_pseudo_labels

PRESET = presets.override(presets.get("ssinfnet/demo"), [
    "slices.size=32", "single.width=4", "single.channels=4", "single.batch_size=4", "single.epochs=1",
    "pseudo_labels.group=3", "pseudo_labels.batch_size=4"])


def test_each_round_trains_on_all_that_has_labels():
    options = dataclasses.replace(PRESET.pseudo_labels, group=5, epochs=2, batch_size=4, images=None)
    # 10 labelled: 15, 20 and 22 slices in the rounds, 4, 5 and 6 steps an epoch.
    assert make_rounds(10, 12, options) == [Round(0, 5, 0, 8), Round(5, 10, 8, 18), Round(10, 12, 18, 30)]
    assert make_rounds(10, 12, dataclasses.replace(options, images=7))[-1] == Round(5, 7, 8, 18)
    published = presets.get("ssinfnet/published").pseudo_labels
    assert len(make_rounds(50, 6654, published)) == 320  # Inf-Net's 1600 slices in groups of 5


def some(count, labels=True):
    rng = np.random.default_rng(count)
    return SliceSet(rng.random((count, 32, 32)).astype(np.float32),
                    rng.integers(0, 3, (count, 32, 32)).astype(np.uint8) if labels else None,
                    np.arange(count).astype(str), np.arange(count).astype(str))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    path = tmp_path_factory.mktemp("start") / "run"
    return train_ssinfnet.train_single(some(4), some(3), path, PRESET, TrainingOptions(seed=1)).path


@pytest.mark.slow
def test_an_interrupted_training_goes_on_with_the_same_labels(start, tmp_path):
    def train(path, **execution):
        return train_pseudo_labels(some(4), some(3), some(5, labels=False), path, PRESET,
                                   TrainingOptions(seed=1, deterministic=True, **execution), start)

    whole = train(tmp_path / "whole")
    train(tmp_path / "cut", pause_after=3)  # within the second of two rounds
    cut = train(tmp_path / "cut", resume=True)
    assert whole.manifest["step"] == cut.manifest["step"] == 2 + 3 and cut.manifest["status"] == "done"
    first, second = whole.checkpoints.load().arrays, cut.checkpoints.load().arrays
    assert [name for name in first if not np.array_equal(first[name], second[name])] == []
    labels = np.load(tmp_path / "whole" / "round_0000.npz")["labels"]
    assert labels.shape == (3, 32, 32) and set(np.unique(labels)) <= {0, 1}
    assert load_network(whole.path)[2]["method"] == "pseudo-labels"
    with pytest.raises(InputError, match="at least one to label"):
        train_pseudo_labels(some(4), some(3), some(5, labels=False).take([]), tmp_path / "none", PRESET,
                            TrainingOptions(), start)
