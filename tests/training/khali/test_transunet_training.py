"""The TransUNet's two phases: which loss counts when, and how its batches are drawn."""

import dataclasses

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.data.batches.grouped_batches import grouped_batches, published_sampler
from covid3dgan.data.batches.slice_groups import group_slices
from covid3dgan.presets.stages import Contrastive
from covid3dgan.training.khali.transunet import build_training, loss_weights, prepared_targets, transunet_scores
from covid3dgan.training.shabani.segmenter import learning_rate

PUBLISHED = presets.get("khali/published").transunet
SMALL = {"width": 8, "blocks": 1, "heads": 2, "batch_size": 8, "first_phase_steps": 3, "steps": 6}


def options(name="demo", **changes):
    return dataclasses.replace(presets.get(f"khali/{name}").transunet, **{**SMALL, **changes})


def slices(count=48):
    """Slices with one bright square each, whose size sorts them into groups."""
    rng = np.random.default_rng(0)
    images, targets = rng.random((count, 32, 32)).astype("float32") * 0.1, np.zeros((count, 32, 32), "float32")
    for index in range(count):
        side = 2 + index % 12
        targets[index, 4:4 + side, 6:6 + side] = 0.5
    return images + targets, targets


def others(step):
    """Four slices that are not contrasted."""
    return {"slice": np.ones((4, 32, 32, 1), "float32"), "target": np.full((4, 32, 32, 1), 0.25, "float32")}


def batches(chosen, seed=1):
    images, targets = slices()
    groups = group_slices(targets.sum((1, 2)), Contrastive(grouping="quartiles"))
    return grouped_batches(images, targets, groups, chosen, loss_weights(chosen), seed, others)


def test_published_steps_are_two_contrastive_ones_to_each_mse_and_then_all_three_losses():
    weights = loss_weights(PUBLISHED)
    assert [weights(step) for step in (0, 1, 2, 3)] == [(1, 0, 0), (1, 0, 0), (0, 1, 0), (1, 0, 0)]
    assert [weights(step) for step in (299, 300, 1299)] == [(0, 1, 0), (1, 1, 1), (1, 1, 1)]
    assert PUBLISHED.steps == 1300


def test_the_papers_first_phase_is_contrastive_alone():
    paper = presets.get("khali/paper").transunet
    weights = loss_weights(paper)
    assert {weights(step) for step in range(paper.first_phase_steps)} == {(1, 0, 0)}


def test_published_sampler_draws_high_slices_alone():
    (high, first), (low, second) = published_sampler(np.arange(400), 1000 + np.arange(400))
    assert high.tolist() == list(range(116)) and low.tolist() == list(range(116, 232))
    assert set(first) == set(second) == {1}


def test_balanced_batches_hold_both_groups_and_other_slices_without_a_label():
    chosen = options(only_grouped_slices=False)
    images, targets = slices()
    groups = group_slices(targets.sum((1, 2)), Contrastive(grouping="quartiles"))
    batch = grouped_batches(images, targets, groups, chosen, loss_weights(chosen), 1, others)(0)
    assert batch["label"].tolist() == [1, 1, 0, 0, -1, -1, -1, -1]
    sums = batch["target"].sum((1, 2, 3))
    assert sums[:2].min() > sums[2:4].max() and (sums[4:] == 32 * 32 * 0.25).all()
    assert options().only_grouped_slices is False and batch["image"].shape == (8, 32, 32, 1)


def test_a_batch_depends_on_seed_and_step_alone():
    again, other = batches(options(), seed=1), batches(options(), seed=2)
    for step in (0, 5):
        np.testing.assert_array_equal(batches(options())(step)["image"], again(step)["image"])
    assert not np.array_equal(again(0)["image"], other(0)["image"])


def test_published_run_has_no_contrastive_loss_and_the_balanced_one_has():
    """The flat 0.00 of the published curve: all labels are 1 (K20)."""
    found = {}
    for sampler in ("published", "balanced"):
        chosen = options("published", sampler=sampler)
        network = build_training(chosen, (32, 32))
        batch = batches(chosen)(0)
        logits, encoded = network.both(batch["image"])
        found[sampler] = float(network.losses_of(logits, encoded, batch["target"], batch["label"])[0])
    assert found["published"] == pytest.approx(0.0, abs=1e-6)
    assert found["balanced"] > 0.1


def test_learning_rate_falls_in_steps_where_the_preset_uses_its_schedule():
    schedule = learning_rate(presets.get("khali/paper").transunet)
    rates = [float(schedule(step)) for step in (0, 999, 1000, 2000)]
    assert rates == pytest.approx([5e-5, 5e-5, 4.5e-5, 4.05e-5])
    assert learning_rate(PUBLISHED) == 5e-5


def test_targets_are_raw_as_coded_or_clipped():
    raw = np.array([[[-0.5, 0.2, 0.9]]])
    np.testing.assert_allclose(prepared_targets(raw, PUBLISHED), raw)
    np.testing.assert_allclose(prepared_targets(raw, options()), [[[0.0, 0.2, 0.9]]])


def test_scores_are_logits_as_coded_or_probabilities():
    network = build_training(options(), (32, 32)).network
    images = slices(3)[0][..., None]
    logits = np.asarray(network(images))
    np.testing.assert_array_equal(transunet_scores(network, "linear")(images), logits)
    np.testing.assert_allclose(transunet_scores(network, "sigmoid")(images), 1 / (1 + np.exp(-logits)), rtol=1e-5)
