"""The published networks out of their HDF5 files: which one it is, whether everything fits, and a run made of it."""

__all__ = ["Published", "import_weights", "read_published"]

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from covid3dgan import compat, models, presets, progress
from covid3dgan.errors import InputError
from covid3dgan.export.legacy_h5 import open_legacy
from covid3dgan.models.weight_files.backbone_weights import weight_kind
from covid3dgan.runs import state
from covid3dgan.runs.directory import Run

PRESET = "shabani/published"
# Convolutions of the discriminator -> (variant, its first filters at width 32).
DISCRIMINATORS = {3: ("published", 32), 4: ("declared", 16), 5: ("paper", 16)}
# Part -> (kind of its run, name of its weights in a checkpoint).
RUNS = {"generator": ("gan", "generator"), "discriminator": ("discriminator", "discriminator"),
        "segmenter": ("segmenter", "segmenter"), "encoder": ("encoder", "contrastive")}
# Every layer that the four networks are made of.
KNOWN_LAYERS = {
    "Activation", "AdaptedNormalization", "Add", "BatchNormalization", "Concatenate", "Conv2D", "Conv2DTranspose",
    "Conv3D", "Conv3DTranspose", "ConvLSTM2D", "Dense", "Dropout", "Functional", "GlobalAveragePooling2D",
    "GlobalAveragePooling3D", "InputLayer", "LeakyReLU", "MaxPooling2D", "MaxPooling3D", "Model", "Normalization",
    "RandomFlip", "RandomHeight", "RandomRotation", "RandomWidth", "Reshape", "Sequential",
}
# The settings of layers without weights that change what a network computes.
PUBLISHED_SETTINGS = {"LeakyReLU": {"alpha": float(np.float32(0.3))}, "Activation": {"activation": "relu"}}
# What else a layer's config decides; compared with ours where the file says it.
COMPARED = ("activation", "strides", "padding", "dilation_rate", "go_backwards", "epsilon")


@dataclasses.dataclass(frozen=True)
class Published:
    """A network that was read: its part, the filled ``keras.Model``, a preset that builds it, and where it is from."""

    part: str
    network: Any
    preset: Any
    facts: dict


def read_published(path, shape=None):
    """The network in an HDF5 file of the published notebooks, or of the same architecture at another width.

    Args:
        path: full model or weights alone, as Keras 2 wrote them, under any name.
        shape: (slices, rows, columns) that the network is to take, where the file does not say; the published 32, 128,
            128 by default.

    Returns:
        :class:`Published`.

    Raises:
        InputError: the file is damaged, foreign, or something in it does not fit; the sentence names it.
    """
    with open_legacy(path) as file:
        _refuse_unknown_layers(file)
        part, build, changes = _identify(file)
        volume = shape or _volume_shape(file, part)
        with compat.precision("float32"):
            network = build(tuple(volume))
        _fill(network, part, file)
        facts = {"path": str(path), "part": part, "form": file.form, "keras_version": file.keras_version,
                 "layers": len(file.layers), "parameters": network.count_params()}
        if part == "encoder":
            facts["projection_units"] = changes.pop("projection_units")
    preset = presets.get(PRESET)
    preset = dataclasses.replace(preset, gan=dataclasses.replace(preset.gan, volume_shape=tuple(volume)))
    for stage, fields in changes.items():
        preset = dataclasses.replace(preset, **{stage: dataclasses.replace(getattr(preset, stage), **fields)})
    return Published(part, network, preset, facts)


def import_weights(path, out=None, shape=None, overwrite=False):
    """Makes a run directory of an HDF5 file, with the same network as a ``.keras`` file in it.

    Args:
        path, shape: see :func:`read_published`.
        out: the run directory to make; by default saved_models/<name of the file>_imported.

    Returns:
        (Run, Published). A segmenter's run has the published threshold rule and goes straight into ``predict``.
    """
    path = Path(path)
    found = read_published(path, shape)
    kind, name = RUNS[found.part]
    run = Run.start(out or Path("saved_models") / f"{path.stem}_imported", kind, found.preset, seed=0, inputs=[path],
                    overwrite=overwrite, details={"imported": found.facts, "precision": "float32"})
    run.checkpoints.save(0, state.capture({name: found.network}, {}), {"imported": str(path)})
    found.network.save(run.path / f"{found.part}.keras")
    if found.part == "segmenter":
        threshold = found.preset.threshold
        run.update(threshold={"value": threshold.value, "relative": threshold.relative, "tuned": False})
    if found.part == "encoder":
        run.update(projection_units=found.facts["projection_units"])
    run.finish("imported", step=0)
    progress.say(f"{found.part}: {found.facts['layers']} layers, {found.facts['parameters']:,} parameters "
                 f"({found.facts['form']}, Keras {found.facts['keras_version']})")
    return run, found


# === Which network? ===

def _identify(file):
    """(part, function from the volume's shape to the empty network, changes to the preset by stage)."""
    kernels = [tuple(layer.weights["kernel"].shape) for layer in file.layers if "kernel" in layer.weights]
    ranks = [len(kernel) for kernel in kernels]
    recurrent = any("recurrent_kernel" in layer.weights for layer in file.layers)
    width = kernels[0][-1] if kernels else 0
    if recurrent and 4 in ranks:
        return "segmenter", lambda shape: models.build_segmenter((*shape[1:], 1), width=width), \
            {"segmenter": {"width": width}}
    if 5 in ranks and 2 in ranks and ranks.count(5) in DISCRIMINATORS:
        variant, first = DISCRIMINATORS[ranks.count(5)]
        width = 32 * width // first
        return "discriminator", lambda shape: models.build_discriminator(variant, (*shape, 1), width=width), \
            {"gan": {"discriminator": variant, "discriminator_width": width}}
    if ranks and set(ranks) == {5}:
        return "generator", lambda shape: models.build_generator(input_shape=(*shape, 1), width=width), \
            {"gan": {"generator_width": width}}
    if 4 in ranks and set(ranks) <= {4, 2}:
        units = kernels[-1][-1] if ranks[-1] == 2 else None
        augmentation = any("variance" in layer.weights for layer in file.layers)
        return "encoder", lambda shape: models.build_contrastive_encoder(
            units, augmentation, input_shape=(*shape[1:], 1), width=width), \
            {"segmenter": {"width": width}, "contrastive": {"augmentation": augmentation}, "projection_units": units}
    raise InputError(file.path, "the published generator, discriminator, segmenter or contrastive model",
                     f"{len(kernels)} kernels of {sorted(set(ranks))} axes", "pass a file of the published notebooks")


def _volume_shape(file, part):
    """(slices, rows, columns) out of the input layer of the CT, else as published."""
    published = presets.get(PRESET).gan.volume_shape
    for config in file.configs:
        shape = config.get("batch_input_shape")
        if config["class_name"] == "InputLayer" and shape and shape[-1] == 1 and None not in shape[1:]:
            return (*published[:5 - len(shape)], *shape[1:-1])
    return published


def _refuse_unknown_layers(file):
    for config in file.configs:
        kind = str(config["class_name"]).replace("covid3dgan>", "")
        if kind not in KNOWN_LAYERS:
            raise InputError(file.path, "the layers of the published networks alone",
                             f"{config['name']!r} of class {kind}, which is not run", "pass a file of the notebooks")
        for key, published in PUBLISHED_SETTINGS.get(kind, {}).items():
            if key in config and config[key] != published:
                raise InputError(file.path, f"{key}={published!r} in {config['name']!r} as published",
                                 f"{config[key]!r}", "pass a file of the notebooks")


# === Does everything fit? ===

def _fill(network, part, file):
    """Puts every weight of the file into the layer at the same place, after all of them were found to fit."""
    ours = [layer for layer in network.layers if layer.weights]
    problems = []
    if len(ours) != len(file.layers):
        problems.append(f"{len(file.layers)} layers with weights instead of {len(ours)}")
    for layer, theirs in zip(ours, file.layers):
        problems += _misfits(layer, theirs)
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise InputError(file.path, f"the weights of the published {part}", "; ".join(problems[:3]) + more,
                         "pass a file of the published notebooks")
    for layer, theirs in zip(ours, file.layers):
        layer.set_weights([theirs.read(weight_kind(weight), weight.shape) for weight in layer.weights])


def _misfits(layer, theirs):
    """What does not fit between our layer and the file's at the same place."""
    wanted = {weight_kind(weight): tuple(weight.shape) for weight in layer.weights}
    found = {kind: tuple(dataset.shape) for kind, dataset in theirs.weights.items()}
    problems = [f"{theirs.name} (our {layer.name}) has {kind} {found.get(kind, 'missing')} instead of {shape}"
                for kind, shape in wanted.items() if found.get(kind) != shape]
    problems += [f"{theirs.name} (our {layer.name}) has {kind} {shape}, which ours has not"
                 for kind, shape in found.items() if kind not in wanted]
    ours = layer.get_config()
    for key in COMPARED:
        if key in theirs.config and key in ours and _plain(theirs.config[key]) != _plain(ours[key]):
            problems.append(f"{theirs.name} (our {layer.name}) has {key} {theirs.config[key]!r} "
                            f"instead of {ours[key]!r}")
    gate = theirs.config.get("recurrent_activation", "hard_sigmoid")
    if gate != "hard_sigmoid":  # F31
        problems.append(f"{theirs.name} has the gate {gate!r} instead of Keras 2's 'hard_sigmoid'")
    return problems


def _plain(value):
    """Configs say sides as a list, a tuple or one number."""
    if isinstance(value, (list, tuple)):
        return set(value).pop() if len(set(value)) == 1 else tuple(value)
    return round(value, 9) if isinstance(value, float) else value
