"""Masks for whole 2D images of any size, in the image's own pixels."""

__all__ = ["predict_image", "predict_images"]

from pathlib import Path

import numpy as np

from covid3dgan import progress
from covid3dgan.data import image_sets, images
from covid3dgan.data.patches import to_network
from covid3dgan.errors import ArgumentError, InputError


def predict_image(segmenter, image, preset):
    """Probabilities for one image.

    Args:
        segmenter: of an AF-SEG or supervised run.
        image: (H, W) in [0, 1]; its shorter side is brought to the preset's working size.
        preset: presets.afseg.System.

    Returns:
        (H, W) float32 in [0, 1].
    """
    scale = preset.images.size / min(image.shape)
    shape = tuple(max(round(side * scale), 1) for side in image.shape)
    small = image_sets.prepare(images.resize(image, shape), preset.images)
    divisor = 2**preset.synthesis.segmenter_depth
    padded = np.pad(small, [(0, -side % divisor) for side in shape], mode="symmetric")
    scores = np.asarray(segmenter(to_network(padded[None]), training=False))[0, :shape[0], :shape[1], 0]
    return np.clip(images.resize(scores, image.shape), 0.0, 1.0)


def predict_images(segmenter, preset, sources, out, threshold=None, overwrite=False):
    """Writes ``out``/NAME_mask.png for every image; a bad image is reported and the others are done.

    Args:
        segmenter, preset: as ``training.train_afseg.load_segmenter`` gives them.
        sources: image files and folders of them.
        out: folder of the masks.
        threshold: of the probability; the preset's by default.

    Returns:
        (written paths, list of InputError).
    """
    threshold = preset.synthesis.threshold if threshold is None else threshold
    if not 0.0 < threshold < 1.0:
        raise ArgumentError("--threshold", "a number between 0 and 1", f"{threshold}", "use for example 0.5")
    files = [path for source in sources for path in _expand(Path(source))]
    names = [path.stem for path in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError("inputs", "files of different names", f"{', '.join(twice)} more than once",
                         "predict them into different folders")
    written, problems = [], []
    for path in progress.bar(files, description="predict", unit="image"):
        target = Path(out) / f"{path.stem}_mask.png"
        try:
            scores = predict_image(segmenter, images.read(path, preset.images.channel), preset)
            images.write_mask(scores > threshold, target, overwrite)
            written.append(target)
        except InputError as error:
            problems.append(error)
    return written, problems


def _expand(source):
    if not source.is_dir():
        return [source]
    found = sorted(p for p in source.iterdir() if p.suffix.lower() in images.SUFFIXES and not p.stem.endswith("_mask"))
    if not found:
        raise InputError(source, f"images ({', '.join(images.SUFFIXES)})", "none", "name another folder")
    return found
