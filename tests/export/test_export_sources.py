"""Every kind of run gives its networks to an export: with its own weights, sides and threshold."""

import dataclasses

import numpy as np
import pytest

from covid3dgan import compat, presets
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.export.probes import make_probes
from covid3dgan.export.sources import open_exportable
from covid3dgan.inference.exported.parts import Cut
from covid3dgan.runs import state
from covid3dgan.runs.directory import Run


def made(path, kind, preset, networks, **details):
    """A run directory whose checkpoint holds these networks."""
    run = Run.start(path, kind, preset, seed=0, details=details)
    run.checkpoints.save(7, state.capture(networks, {}))
    run.finish("done", step=7)
    return path


def with_stage(preset, stage, **changes):
    return dataclasses.replace(preset, **{stage: dataclasses.replace(getattr(preset, stage), **changes)})


def same_weights(model, other):
    ours, theirs = model.get_weights(), other.get_weights()
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def shabani():
    small = with_stage(presets.get("shabani/demo"), "gan", volume_shape=(16, 32, 32), generator_width=1,
                       discriminator_width=4, ema_decay=0.9)
    return with_stage(small, "segmenter", width=4, ema_decay=0.9)


def test_gan(shabani, tmp_path):
    from covid3dgan.training.shabani.gan3d import build_gan

    network = build_gan(shabani.gan)
    network.averaged.set_weights([weight + 0.5 for weight in network.averaged.get_weights()])
    path = made(tmp_path / "run", "gan", shabani, network.networks())
    generator = open_exportable(path)
    assert generator.shapes == {"ct": (16, 32, 32, 1), "noise": (1, 2, 2, 10)} and generator.step == 7
    same_weights(generator.network, network.averaged)
    judge = open_exportable(path, "discriminator")
    assert judge.shapes == {"volume": (16, 32, 32, 1)}
    same_weights(judge.network, network.discriminator)


def test_segmenter_and_encoder(shabani, tmp_path):
    from covid3dgan.training.shabani.segmenter import build_segmenter_training

    training = build_segmenter_training(shabani, (32, 32))
    path = made(tmp_path / "run", "segmenter", shabani, training.networks(),
                threshold={"value": 0.34, "relative": False})
    found = open_exportable(path)
    assert (found.part, found.cut, found.shapes) == ("segmenter", Cut(0.34, False), {"slice": (32, 32, 1)})
    same_weights(found.network, training.averaged)
    same_weights(open_exportable(path, "encoder").network, training.contrastive_model)


def test_transunet(tmp_path):
    from covid3dgan.training.khali.transunet import build_training

    preset = with_stage(presets.get("khali/demo"), "transunet", width=16, blocks=1, heads=2, ema_decay=0.0)
    training = build_training(preset.transunet, (32, 32))
    path = made(tmp_path / "run", "transunet", preset, training.networks(), sides=[32, 32],
                threshold={"value": 0.4, "relative": True})
    found = open_exportable(path)
    assert (found.part, found.cut) == ("transunet", Cut(0.4, True))
    # What is exported is the probability, as the preset says, not the logit.
    x = np.random.default_rng(0).random((1, 32, 32, 1), dtype=np.float32)
    logits = np.asarray(training.network(x, training=False))
    np.testing.assert_allclose(found.network(x, training=False), 1 / (1 + np.exp(-logits)), atol=1e-6)


@pytest.mark.slow  # two painters and their optimizers are built twice
def test_coach_and_what_it_coached(tmp_path):
    from covid3dgan.training.ssinfnet.networks import build_inpainting

    preset = with_stage(presets.get("ssinfnet/demo"), "multi", width=4)
    training = build_inpainting(preset, "multi")
    path = made(tmp_path / "run", "ssinfnet-inpainting", preset, training.networks(), pre_trains="multi")
    found = open_exportable(path)
    assert (found.part, found.shapes) == ("coach", {"image": (96, 96, 3), "noise": (6, 6, 16)})
    same_weights(found.network, training.coach)
    probes = make_probes(open_exportable(path, sides=(64, 32)))
    assert {name: probe["image"].shape for name, probe in probes.items()} == dict.fromkeys(probes, (1, 64, 32, 3))
    assert {probe["noise"].shape for probe in probes.values()} == {(1, 4, 2, 16)}
    with pytest.raises(ArgumentError, match="multiples of 32"):
        open_exportable(path, sides=(64, 40))


def test_the_three_networks_of_afseg(tmp_path):
    from covid3dgan.training.afseg.networks import build_afseg

    preset = with_stage(presets.get("afseg/cells/demo"), "synthesis", generator_width=4, segmenter_width=4,
                        discriminator_width=4)
    with compat.precision("float32"):
        network = build_afseg(preset.synthesis, 1, 1)
    path = made(tmp_path / "run", "afseg", preset, network.networks())
    for part, model in (("afseg-segmenter", network.segmenter), ("afseg-generator", network.generator),
                        ("afseg-discriminator", network.discriminator)):
        found = open_exportable(path, None if part == "afseg-segmenter" else part)
        assert found.part == part
        same_weights(found.network, model)
    probes = make_probes(open_exportable(path))
    # A constant image has no deviation to be divided by: what comes out would be rounding errors.
    assert list(probes) == ["faint", "phantom", "extremes"] and 0.005 < probes["faint"]["image"].std() < 0.01
    picture = probes["phantom"]["image"]
    assert picture.shape == (1, 256, 256, 1) and -1 <= picture.min() < 0 < picture.max() <= 1


def test_what_holds_no_network_is_named(tmp_path):
    run = Run.start(tmp_path / "run", "preprocessing", presets.get("shabani/demo"), seed=0)
    with pytest.raises(InputError, match="whose network can be exported, found kind 'preprocessing'"):
        open_exportable(run.path)
    empty = Run.start(tmp_path / "empty", "gan", presets.get("shabani/demo"), seed=0)
    with pytest.raises(InputError, match="a run with a checkpoint"):
        open_exportable(empty.path)
    with pytest.raises(InputError, match="a saved model, found no file"):
        open_exportable(tmp_path / "nothing")
