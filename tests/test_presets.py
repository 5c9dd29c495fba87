"""Presets: values of the papers, overriding, hints, the round trip through run.json, and that every field is read."""

import ast
import dataclasses
import json
import re
import typing
from pathlib import Path

import numpy as np
import pytest

import covid3dgan
from covid3dgan import presets
from covid3dgan.errors import ArgumentError
from covid3dgan.evaluation.ledger import ledgers


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


# === every field is read, every option of the ledger changes something ===

PACKAGE = Path(covid3dgan.__file__).parent


def stages():
    """Class of a stage -> the names that systems give it."""
    found = {}
    for name in presets.names():
        preset = presets.get(name)
        for field in dataclasses.fields(preset):
            if dataclasses.is_dataclass(getattr(preset, field.name)):
                found.setdefault(type(getattr(preset, field.name)), set()).add(field.name)
    return found


def uses(path):
    """(attributes read as (what they are read of, name), words of the text, strings and attributes) of a source."""
    text = path.read_text(encoding="utf-8")
    read, named = set(), set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            named.add(node.attr)
            owner = node.value
            if isinstance(owner, ast.Call):
                owner = owner.func.id if isinstance(owner.func, ast.Name) else ""  # getattr(preset, stage).field
            else:
                owner = getattr(owner, "attr", getattr(owner, "id", ""))
            read.add((owner, node.attr))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named.add(node.value)
    return read, set(re.findall(r"\w+", text)), named


@pytest.fixture(scope="module")
def sources():
    """What each file of the package uses, but for presets, ledger and quotations, which act on no field."""
    return [uses(path) for path in PACKAGE.rglob("*.py")
            if not {"presets", "ledger", "quotations"} & set(path.relative_to(PACKAGE).parts)]


def is_read(cls, names, field, sources):
    """Whether a file reads ``field`` of a stage: by the stage's name, or of ``options`` where it knows the stage."""
    for read, words, named in sources:
        if any((name, field) in read for name in names):
            return True
        # f"{kind}_inpainting" names both inpainting stages.
        endings = {f"_{name.partition('_')[2]}" for name in names if "_" in name}
        knows = cls.__name__ in words or named & (names | endings)
        if knows and any((owner, field) in read for owner in ("options", "getattr")):
            return True
    return False


@pytest.mark.parametrize("cls", list(stages()), ids=lambda cls: cls.__name__)
def test_every_field_of_a_stage_is_read_by_some_code(cls, sources):
    assert not [field.name for field in dataclasses.fields(cls) if not is_read(cls, stages()[cls], field.name, sources)]


def test_every_field_of_a_system_is_read_by_some_code(sources):
    for preset in map(presets.get, presets.names()):
        for field in dataclasses.fields(preset):
            assert any(("preset", field.name) in read or field.name in named for read, _, named in sources), field.name


def another(value, hint):
    """The text of another allowed value of a field."""
    choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
    if typing.get_origin(hint) is typing.Literal:
        return str(next(choice for choice in choices if choice != value))
    if isinstance(value, bool):
        return str(not value)
    if value == ():
        return "CT-1"
    if isinstance(value, tuple):
        return ",".join("0.5" if isinstance(part, float) or part is None else str(part + 16) for part in value)
    if value is None:
        return "4"
    return str(value + 1) if isinstance(value, int) else str(value / 2 + 0.01)


LINES = [(ledger.presets[0], option) for ledger in ledgers() for line in ledger.lines for option in line.options]


@pytest.mark.parametrize("name, option", sorted(set(LINES)))
def test_every_option_of_the_ledger_can_be_set_and_is_read(name, option, sources):
    preset = presets.get(name)
    value = dict(presets.registry.fields_of(preset))[option]
    stage, _, field = option.rpartition(".")
    owner = getattr(preset, stage) if stage else preset
    hint = typing.get_type_hints(type(owner))[field]
    changed = presets.override(preset, [f"{option}={another(value, hint)}"])
    assert dict(presets.registry.fields_of(changed))[option] != value
    assert not stage or is_read(type(owner), {stage}, field, sources)


SMALL = {
    "gan": ("shabani/published", "gan_generator", ("gan.volume_shape=16,32,32", "gan.generator_width=2"), ()),
    "segmenter": ("shabani/published", "segmenter_network", ("segmenter.width=4",), ((32, 32),)),
    "transunet": ("khali/published", "transunet_network", ("transunet.width=8", "transunet.heads=2",
                                                           "transunet.blocks=1"), ((32, 32),)),
    "synthesis": ("afseg/cells", "afseg_generator", ("synthesis.generator_width=4", "synthesis.generator_depth=3"),
                  ((32, 32, 1),)),
}


@pytest.mark.parametrize("setting", [
    "gan.generator=unetpp", "gan.generator_head=signed", "segmenter.merge=concatenate", "segmenter.gate=sigmoid",
    "segmenter.head=linear", "transunet.variant=r50_vit_b16", "synthesis.generator_backbone=classical",
    "synthesis.generator_head=residual"])
def test_an_option_changes_what_the_network_gives(setting):
    pytest.importorskip("tensorflow")
    from covid3dgan import compat
    from covid3dgan.models import from_presets

    stage = setting.partition(".")[0]
    name, builder, small, arguments = SMALL[stage]

    def output(*settings):
        options = getattr(presets.override(presets.get(name), [*small, *settings]), stage)
        compat.seed_everything(1)
        network = getattr(from_presets, builder)(options, *arguments)
        rng = np.random.default_rng(1)
        inputs = [rng.random((1, *entry.shape[1:])).astype(np.float32) for entry in network.inputs]
        return np.asarray(network(inputs if len(inputs) > 1 else inputs[0], training=False))

    plain = output()
    np.testing.assert_array_equal(plain, output())
    assert not np.array_equal(plain, output(setting))
