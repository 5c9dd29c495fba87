"""Masks for whole 2D images of any size, in the image's own pixels."""

__all__ = ["predict_image", "predict_images"]

from pathlib import Path

import numpy as np

from covid3dgan import environment, progress
from covid3dgan.data.batches.patches import to_network
from covid3dgan.data.datasets import image_sets
from covid3dgan.data.files import images
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.files import refuse_overwrite, write_json
from covid3dgan.inference.inputs import Input
from covid3dgan.inference.predict import finished_facts, input_digest


def predict_image(segmenter, image, preset, name="the image"):
    """Probabilities for one image.

    Args:
        segmenter: of an AF-SEG or supervised run, or exported from one.
        image: (H, W) in [0, 1]; its shorter side is brought to the preset's working size.
        preset: presets.afseg.System.
        name: what an error calls the image.

    Returns:
        (H, W) float32 in [0, 1].
    """
    scale = preset.images.size / min(image.shape)
    shape = tuple(max(round(side * scale), 1) for side in image.shape)
    small = image_sets.prepare(images.resize(image, shape), preset.images)
    divisor = 2**preset.synthesis.segmenter_depth
    padded = np.pad(small, [(0, -side % divisor) for side in shape], mode="symmetric")
    takes = tuple(segmenter.input_shape[1:3])
    if None not in takes and takes != padded.shape:
        raise InputError(name, f"{takes[0]}x{takes[1]} pixels once its shorter side has {preset.images.size}, which is "
                         "all that this file takes", f"{padded.shape[0]}x{padded.shape[1]}",
                         "use the run or its SavedModel, which take any size")
    scores = np.asarray(segmenter(to_network(padded[None]), training=False))[0, :shape[0], :shape[1], 0]
    return np.clip(images.resize(scores, image.shape), 0.0, 1.0)


def predict_images(segmenter, preset, sources, out, threshold=None, probability=False, overlay=False, resume=False,
                   overwrite=False, described=None, command=None):
    """Writes ``out``/NAME_mask.png and NAME_mask.json for every image; a bad image does not stop the others.

    Args:
        segmenter, preset: as ``training.afseg.train_afseg.load_segmenter`` gives them.
        sources: image files and folders of them.
        out: folder of the masks.
        threshold: of the probability; the preset's by default.
        probability: also write NAME_probability.png.
        overlay: also write NAME_overlay.png, the image beside its mask.
        resume: leave alone what an earlier call finished with the same model, threshold and image.
        described: what the JSON says of the model.
        command: recorded in the JSON.

    Returns:
        (facts by name, list of InputError).
    """
    threshold = preset.synthesis.threshold if threshold is None else threshold
    if not 0.0 < threshold < 1.0:
        raise ArgumentError("--threshold", "a number between 0 and 1", f"{threshold}", "use for example 0.5")
    described = {**(described or {}), "preset": preset.name, "threshold": threshold}
    files = [path for source in sources for path in _expand(Path(source))]
    names = [path.stem for path in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError("inputs", "files of different names", f"{', '.join(twice)} more than once",
                         "predict them into different folders")
    wanted = ["mask", *(["probability"] if probability else []), *(["overlay"] if overlay else [])]
    results, problems = {}, []
    for item in progress.bar([Input(path.stem, path) for path in files], description="predict", unit="image"):
        paths = {what: Path(out) / f"{item.id}_{what}.png" for what in wanted}
        facts_path = Path(out) / f"{item.id}_mask.json"
        try:
            if resume and (done := finished_facts(facts_path, paths["mask"], item, described)):
                results[item.id] = done
                continue
            for path in (*paths.values(), facts_path):
                refuse_overwrite(path, overwrite or resume)
            results[item.id] = _predict_file(segmenter, preset, item, threshold, paths)
            write_json(facts_path, {
                **results[item.id], "input": str(item.path), "input_sha256": input_digest(item.path),
                "model": described, "versions": environment.versions(), "command": command,
                "note": "research software, not a medical device"})
        except InputError as error:
            problems.append(error)
    return results, problems


def _predict_file(segmenter, preset, item, threshold, paths):
    image = images.read(item.path, preset.images.channel)
    scores = predict_image(segmenter, image, preset, item.path)
    mask = scores > threshold
    images.write_mask(mask, paths["mask"], overwrite=True)
    if "probability" in paths:
        images.write(scores, paths["probability"], overwrite=True)
    if "overlay" in paths:
        # Drawing loads matplotlib, which nothing else here needs.
        from covid3dgan.evaluation.figures.afseg import segmentation_figure
        from covid3dgan.evaluation.figures.style import save

        save(segmentation_figure(image[None], {"found": mask[None]}, {}), paths["overlay"])
    return {"id": item.id, "foreground_pixels": int(mask.sum()), "foreground_percent": 100.0 * float(mask.mean())}


def _expand(source):
    if not source.is_dir():
        return [source]
    found = sorted(p for p in source.iterdir() if p.suffix.lower() in images.SUFFIXES and not _is_result(p))
    if not found:
        raise InputError(source, f"images ({', '.join(images.SUFFIXES)})", "none", "name another folder")
    return found


def _is_result(path):
    """Whether the picture is a mask, or what an earlier call wrote beside one and its record."""
    name, _, what = path.stem.rpartition("_")
    return what == "mask" or what in ("probability", "overlay") and path.with_name(f"{name}_mask.json").is_file()
