"""Presets: values of the papers, overriding, hints, and the round trip through run.json."""

import json

import pytest

from covid3dgan import presets
from covid3dgan.errors import ArgumentError


def test_published_preset_holds_the_notebooks_values():
    gan = presets.get("shabani/published").gan
    assert (gan.batch_size, gan.generator_learning_rate, gan.discriminator_learning_rate) == (5, 5e-5, 1e-3)
    assert gan.shared_optimizer and gan.fresh_covid_batch and gan.noise == "published"
    contrastive = presets.get("shabani/published").contrastive
    assert (contrastive.high_above, contrastive.low_between, contrastive.temperature) == (95, (65, 80), 0.05)


def test_every_preset_survives_json():
    for name in presets.names():
        content = json.loads(json.dumps(presets.as_dict(presets.get(name))))
        assert presets.from_dict(content) == presets.get(name)


def test_overrides_survive_json():
    changed = presets.override(presets.get("shabani/demo"), ["gan.volume_shape=32,96,96", "pairs=healthy-low"])
    assert changed.gan.volume_shape == (32, 96, 96)
    assert presets.from_dict(presets.as_dict(changed)) == changed


@pytest.mark.parametrize("setting, value", [
    ("gan.batch_size=3", 3), ("gan.generator_learning_rate=1e-3", 1e-3), ("gan.shared_optimizer=false", False),
    ("gan.noise=published", "published"), ("segmenter.decay_steps=none", None), ("segmenter.decay_steps=7", 7),
    ("threshold.grid=0.1,0.4", (0.1, 0.4)),
])
def test_override_parses_by_the_fields_type(setting, value):
    changed = presets.override(presets.get("shabani/demo"), [setting])
    assert dict(presets.registry.fields_of(changed))[setting.split("=")[0]] == value


@pytest.mark.parametrize("setting, part", [
    ("gan.batchsize=3", "nearest: gan.batch_size"),
    ("noise", "expected field=value"),
    ("batch_size=3", "write the stage as well"),
    ("gan.batch_size=many", "expected a whole number, found 'many'"),
    ("gan.shared_optimizer=yes", "expected true or false"),
    ("gan.noise=perlin", "expected published or lesions"),
    ("gan.volume_shape=16,64", "expected 3 values"),
])
def test_override_refuses_with_one_sentence(setting, part):
    with pytest.raises(ArgumentError) as caught:
        presets.override(presets.get("shabani/demo"), [setting])
    assert part in str(caught.value)
    assert caught.value.exit_code == 2


def test_unknown_preset_names_the_nearest():
    with pytest.raises(ArgumentError, match="nearest: shabani/published"):
        presets.get("shabani/publised")


def test_a_run_of_another_versions_fields_is_refused():
    content = presets.as_dict(presets.get("shabani/demo"))
    content["gan"]["momentum"] = 0.5
    with pytest.raises(ArgumentError, match="gan.momentum"):
        presets.from_dict(content)


def test_a_run_opens_where_a_removed_field_holds_what_is_built_in_now():
    content = presets.as_dict(presets.get("shabani/demo"))
    content["segmenter"]["target_quantile"] = None
    assert presets.from_dict(content) == presets.get("shabani/demo")
    content["segmenter"]["target_quantile"] = 0.9
    with pytest.raises(ArgumentError, match="segmenter.target_quantile"):
        presets.from_dict(content)


def test_a_run_from_before_an_option_keeps_what_the_code_did_then():
    """Not what today's preset of that name asks for."""
    content = presets.as_dict(presets.get("shabani/demo"))
    assert content["segmenter"].pop("shared_encoder") is True
    assert presets.from_dict(content).segmenter.shared_encoder is False
