"""The networks of paper 004's inpainting: segmenter, painter and coach, fresh or with the weights of a run."""

__all__ = ["build_inpainting", "load_inpainting", "load_painted"]

from covid3dgan import compat, models
from covid3dgan.models.from_presets import infnet_or_unet, multi_class_network
from covid3dgan.runs import state
from covid3dgan.runs.directory import open_run
from covid3dgan.training.ssinfnet.coached_inpainting import CoachedInpainting


def _build_painter(preset, target):
    """(segmenter, painter) that share their layers, for the inpainting that pre-trains ``target``: single or multi."""
    if target == "single":
        segmenter = infnet_or_unet(preset)
        return segmenter, models.add_inpainting_heads(segmenter, preset.single_inpainting.activation)
    segmenter = multi_class_network(preset, "SSInfNet")
    return segmenter, models.add_multi_inpainting(segmenter, preset.multi_inpainting.activation)


def build_inpainting(preset, target):
    """The CoachedInpainting of a preset, compiled; its ``best`` weights are a fresh copy's."""
    options = preset.single_inpainting if target == "single" else preset.multi_inpainting
    segmenter, painter = _build_painter(preset, target)
    best = CoachedInpainting.whole(*_build_painter(preset, target))
    coach = models.build_coach(width=options.coach_width, latent=options.coach_latent, blocks=options.coach_blocks)
    training = CoachedInpainting(segmenter, painter, best, coach, options)
    training.compile()
    return training


def load_painted(path):
    """The network that an inpainting run pre-trained: (model, what it pre-trains: single or multi).

    It has the best weights, and computes in float32, whatever it was trained in.
    """
    run, preset = open_run(path, "ssinfnet-inpainting")
    target = run.manifest["pre_trains"]
    with compat.precision("float32"):
        network, painter = _build_painter(preset, target)
        whole = CoachedInpainting.whole(network, painter)
    state.put_kept_weights(whole, "best", run.newest_checkpoint().arrays, path)
    return network, target


def load_inpainting(path):
    """The CoachedInpainting of a run: painter with its best weights, and coach; in float32."""
    run, preset = open_run(path, "ssinfnet-inpainting")
    found = run.newest_checkpoint()
    with compat.precision("float32"):
        training = build_inpainting(preset, run.manifest["pre_trains"])
    state.put_kept_weights(training.network, "best", found.arrays, path)
    state.put_weights(training.coach, "coach", found.arrays, path)
    return training
