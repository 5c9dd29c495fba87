"""Paper 004's networks as a preset shapes them, fresh or with the weights of a run."""

__all__ = ["build_inpainting", "build_multi", "build_single", "load_inpainting", "load_network", "multi_class_run"]

from pathlib import Path

from covid3dgan import compat, models
from covid3dgan.errors import InputError
from covid3dgan.runs import state
from covid3dgan.runs.directory import open_run
from covid3dgan.training.ssinfnet.coached_inpainting import CoachedInpainting


def build_single(preset, method="SInfNet"):
    """Inf-Net: (B, H, W, 3) -> dict of maps; or the U-Net: (B, H, W, 3) -> (B, H, W, 1) logits."""
    if method == "U-Net":
        return models.build_infnet_multi("published", (None, None, 3), preset.multi.width, classes=1)
    options = preset.single
    return models.build_infnet(options.backbone, channels=options.channels, width=options.width, blocks=options.blocks)


def build_multi(preset, method):
    """The multi-class network of SInfNet or SSInfNet, which sees a prior, or the U-Net, which sees the image alone.

    Returns:
        ``keras.Model``: (B, H, W, 6, or 3 for the U-Net) -> (B, H, W, 3) logits.
    """
    channels = 3 if method == "U-Net" else 6
    variant = preset.multi.variant if method == "SSInfNet" else "published"
    return models.build_infnet_multi(variant, (None, None, channels), preset.multi.width)


def _build_painter(preset, target):
    """(segmenter, painter) that share their layers, for the inpainting that pre-trains ``target``: single or multi."""
    if target == "single":
        segmenter = build_single(preset)
        return segmenter, models.add_inpainting_heads(segmenter, preset.single_inpainting.activation)
    segmenter = build_multi(preset, "SSInfNet")
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


def load_network(path):
    """The trained network of a run: (model, preset, run.json); the best weights where the preset keeps those.

    Of an inpainting run it is the network that was pre-trained. It computes in float32, whatever it was trained in.
    """
    run, preset = open_run(path)
    kind, method = run.manifest["kind"], run.manifest.get("method")
    with compat.precision("float32"):
        if kind == "ssinfnet-inpainting":
            network, painter = _build_painter(preset, run.manifest["pre_trains"])
            whole, kept = CoachedInpainting.whole(network, painter), "best"
        elif kind == "ssinfnet-single":
            network = whole = build_single(preset, method)
            kept = preset.single.keep
        elif kind == "ssinfnet-multi":
            network = whole = build_multi(preset, method)
            kept = preset.multi.keep
        else:
            raise InputError(path, "a run of SSInfNet", f"one of kind {kind!r}", "name another run")
    _put_kept(whole, kept, run.newest_checkpoint().arrays, path)
    return network, preset, run.manifest


def multi_class_run(folder, method="SSInfNet"):
    """The run of a method's multi-class network in the folder of paper 004's recipe."""
    return Path(folder) / f"multi_{method}"


def load_inpainting(path):
    """The CoachedInpainting of a run: painter with its best weights, and coach; in float32."""
    run, preset = open_run(path, "ssinfnet-inpainting")
    found = run.newest_checkpoint()
    with compat.precision("float32"):
        training = build_inpainting(preset, run.manifest["pre_trains"])
    _put_kept(training.network, "best", found.arrays, path)
    state.put_weights(training.coach, "coach", found.arrays, path)
    return training


def _put_kept(network, keep, arrays, path):
    """The best weights where they are wanted and a validation has chosen any, else the last."""
    chosen = keep == "best" and float(arrays["score/weights/0001"]) > 0
    state.put_weights(network, "best" if chosen else "network", arrays, path)
