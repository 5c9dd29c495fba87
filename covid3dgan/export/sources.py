"""Opens what is to be exported: a run directory of any system, a ``.keras`` file, or published HDF5 weights."""

__all__ = ["open_exportable"]

from pathlib import Path

from covid3dgan import compat, models
from covid3dgan.errors import ArgumentError, InputError, check_choice
from covid3dgan.export.legacy_h5 import is_hdf5
from covid3dgan.export.published import read_published
from covid3dgan.inference.classes import load_classes, load_network, multi_class_run
from covid3dgan.inference.exported.parts import PARTS, Cut, Exportable
from covid3dgan.inference.foreground import load_afseg_networks
from covid3dgan.inference.lesions import load_segmenter, load_transunet
from covid3dgan.inference.pseudo_masks import load_generator
from covid3dgan.inference.ssinfnet import build_predictor
from covid3dgan.models.coach import CELL
from covid3dgan.runs import state
from covid3dgan.runs.directory import open_run, recipe_of
from covid3dgan.training.ssinfnet.networks import load_inpainting

MULTIPLE = 32  # of the sides that a network leaves open


def open_exportable(source, part=None, sides=None):
    """The network of ``source`` as an :class:`Exportable`.

    Args:
        source: a run directory, the folder of ``train ssinfnet``, a ``.keras`` file or HDF5 weights as published.
        part: a name in ``PARTS``; by default what the run is for.
        sides: (rows, columns) where the network takes any; by default those of the run's preset.
    """
    source = Path(source)
    if part is not None:
        check_choice("--part", part, tuple(PARTS))
    if recipe_of(source) == "ssinfnet":
        source = multi_class_run(source)
        part = part or "ssinfnet"
    if source.is_dir():
        return _from_run(source, part, sides)
    if is_hdf5(source):
        return _from_weights(source, part, sides)
    return _from_file(source, part, sides)


def _from_run(path, part, sides):
    run, preset = open_run(path)
    kind = run.manifest["kind"]
    fitting = [name for name, spec in PARTS.items() if kind in spec.kinds]
    fitting.sort(key=lambda name: PARTS[name].kinds.index(kind))
    if not fitting:
        raise InputError(path, "a run whose network can be exported", f"kind {kind!r}", "name another run")
    part = part or fitting[0]
    if part not in fitting:
        raise ArgumentError("--part", f"{' or '.join(fitting)} for a run of kind {kind}", part, "choose one of them")
    network, cut = _LOADERS[part](path, run, preset)
    return _exportable(part, network, sides, preset, cut, path, run.manifest.get("step"))


def _from_weights(path, part, sides):
    found = read_published(path)
    if part not in (None, found.part):
        raise ArgumentError("--part", f"{found.part}, which the file holds", part, "leave it out")
    threshold = found.preset.threshold
    cut = Cut(threshold.value, threshold.relative) if PARTS[found.part].predicts else None
    return _exportable(found.part, found.network, sides, found.preset, cut, path, 0)


def _from_file(path, part, sides):
    network = models.load_model(path)
    part = part or next((name for name in sorted(PARTS, key=len, reverse=True)
                         if network.name.replace("_", "-").startswith(name)), None)
    if part is None:
        raise ArgumentError("--part", f"one of {', '.join(PARTS)} for the model {network.name!r}", "nothing",
                            "say which it is")
    if len(network.inputs) != len(PARTS[part].inputs):
        raise ArgumentError("--part", f"a part with {len(network.inputs)} inputs, as {path} has", part, "correct it")
    return _exportable(part, network, sides, None, None, path, None)


def _exportable(part, network, sides, preset, cut, source, step):
    spec = PARTS[part]
    open_sides = any(None in tensor.shape[1:] for tensor in network.inputs)
    if sides is not None and not open_sides:
        raise ArgumentError("--sides", f"no sides: this network takes {tuple(network.inputs[0].shape[1:])} alone",
                            ",".join(map(str, sides)), "leave it out")
    if open_sides:
        sides = sides or (_sides(part, preset) if preset is not None else None)
        if sides is None or any(side < MULTIPLE or side % MULTIPLE for side in sides):
            raise ArgumentError("--sides", f"ROWS,COLUMNS, multiples of {MULTIPLE}: this network takes any",
                                "nothing" if sides is None else ",".join(map(str, sides)), "choose them")
    shapes = {}
    for name, tensor in zip(spec.inputs, network.inputs):
        shape = list(tensor.shape[1:])
        if None in shape:
            shape[:2] = [side // CELL for side in sides] if name == "noise" else sides
        shapes[name] = tuple(shape)
    return Exportable(part, network, shapes, preset, cut or spec.cut, str(source), step)


def _sides(part, preset):
    """The sides at which the preset uses a network that takes any."""
    if part.startswith("infnet"):
        return (preset.slices.size,) * 2
    if part == "coach":
        return (preset.single_inpainting.crop,) * 2
    if part == "afseg-segmenter":
        return (preset.images.size,) * 2
    return (preset.synthesis.patch,) * 2


# === Loaders: (path, run, preset) -> (network, Cut or None) ===

def _generator(path, run, preset):
    return load_generator(path)[0], None


def _discriminator(path, run, preset):
    options = preset.gan
    return _filled(path, run, "discriminator", lambda: models.build_discriminator(
        options.discriminator, (*options.volume_shape, 1), width=options.discriminator_width)), None


def _segmenter(path, run, preset):
    found = load_segmenter(path) if run.manifest["kind"] == "segmenter" else load_transunet(path)
    return found.network, Cut(found.threshold, found.relative, found.sure)


def _encoder(path, run, preset):
    if run.manifest["kind"] == "segmenter" and not preset.contrastive.enabled:
        raise InputError(path, "a run with a contrastive encoder", "contrastive.enabled=False", "name another run")
    shape = (*preset.gan.volume_shape[1:], 1)
    return _filled(path, run, "contrastive", lambda: models.build_contrastive_encoder(
        run.manifest.get("projection_units", 128), preset.contrastive.augmentation, input_shape=shape,
        width=preset.segmenter.width)), None


def _infnet(path, run, preset):
    return load_network(path)[0], None


def _ssinfnet(path, run, preset):
    alone = run.manifest["kind"] == "ssinfnet-single"
    return build_predictor(load_classes(path)), Cut(preset.single.threshold) if alone else None


def _coach(path, run, preset):
    return load_inpainting(path).coach, None


def _afseg_segmenter(path, run, preset):
    chosen = run.manifest.get("threshold", {"value": preset.synthesis.threshold})  # of the validation images
    return load_afseg_networks(path)[0], Cut(chosen["value"])


def _afseg_generator(path, run, preset):
    return load_afseg_networks(path)[1], None


def _afseg_discriminator(path, run, preset):
    options = preset.synthesis
    return _filled(path, run, "discriminator", lambda: models.build_afseg_discriminator(
        (None, None, 1), options.discriminator_width, options.discriminator_levels)), None


def _filled(path, run, name, build):
    """A network with the weights that a run's checkpoint keeps under ``name``, in float32."""
    with compat.precision("float32"):
        network = build()
    state.put_weights(network, name, run.newest_checkpoint().arrays, path)
    return network


_LOADERS = {
    "generator": _generator, "discriminator": _discriminator, "segmenter": _segmenter, "encoder": _encoder,
    "transunet": _segmenter, "infnet": _infnet, "infnet-multi": _infnet, "ssinfnet": _ssinfnet, "coach": _coach,
    "afseg-segmenter": _afseg_segmenter, "afseg-generator": _afseg_generator,
    "afseg-discriminator": _afseg_discriminator,
}
