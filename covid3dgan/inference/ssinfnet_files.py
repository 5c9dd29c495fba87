"""Masks of ground glass and consolidation for files: CTs (NIfTI, DICOM) and pictures, on their own grids."""

__all__ = ["find_sources", "predict_files"]

from pathlib import Path

from covid3dgan import environment, progress
from covid3dgan.data import volumes
from covid3dgan.data.datasets.opening import find_dataset
from covid3dgan.data.datasets.slices import axial
from covid3dgan.data.files import images
from covid3dgan.errors import InputError
from covid3dgan.evaluation import metrics
from covid3dgan.files import refuse_overwrite, write_json
from covid3dgan.inference.inputs import Input, find_inputs, one_per_id
from covid3dgan.inference.predict import finished_facts, input_digest


def find_sources(path):
    """The CTs and pictures at ``path`` as inference.inputs.Input, in the order of their ids.

    Args:
        path: a CT, a picture, a DICOM series, a data set, or a folder of CTs, of series or of pictures.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() in images.SUFFIXES:
        return [Input(path.stem, path)]
    if path.is_dir():
        dataset = find_dataset(path)
        pictures = ([Input(case.id, case.image) for case in dataset if case.kind == "image"] if dataset is not None
                    else [Input(p.stem, p) for p in sorted(path.iterdir()) if p.suffix.lower() in images.SUFFIXES])
        if pictures:
            return one_per_id(pictures, path)
    return find_inputs(path)


def predict_files(predictor, inputs, out, probability=False, overlay=False, resume=False, overwrite=False,
                  command=None):
    """Writes ``out``/ID_classes.nii.gz (.png for a picture) and ID_classes.json; a bad file does not stop the others.

    Args:
        predictor: inference.ssinfnet.Predictor; its ``kinds`` are the labels 1, 2 ...
        inputs: from ``find_sources``.
        out: folder of the masks.
        probability: also write ID_KIND.nii.gz (.png) with the scores of each kind.
        overlay: also write ID_overlay.png.
        resume: leave alone what an earlier call finished with the same model and the same input.
        command: recorded in the JSON.

    Returns:
        (facts by id, list of InputError).
    """
    results, problems = {}, []
    for item in progress.bar(inputs, description="predict", unit="file"):
        picture = item.path.suffix.lower() in images.SUFFIXES
        suffix = ".png" if picture else ".nii.gz"
        paths = {"labels": Path(out) / f"{item.id}_classes{suffix}", "json": Path(out) / f"{item.id}_classes.json",
                 **({kind: Path(out) / f"{item.id}_{kind}{suffix}" for kind in predictor.kinds} if probability else {}),
                 **({"overlay": Path(out) / f"{item.id}_overlay.png"} if overlay else {})}
        try:
            if resume and (done := finished_facts(paths["json"], paths["labels"], item, predictor.described)):
                results[item.id] = done
                continue
            for path in paths.values():
                refuse_overwrite(path, overwrite or resume)
            facts = (_picture if picture else _volume)(predictor, item, paths)
            facts = {"id": item.id, **facts}
            write_json(paths["json"], {
                **facts, "labels": {0: "none", **dict(enumerate(predictor.kinds, 1))}, "input": str(item.path),
                "input_sha256": input_digest(item.path), "model": predictor.described,
                "versions": environment.versions(), "command": command,
                "note": "research software, not a medical device"})
            results[item.id] = facts
        except InputError as error:
            problems.append(error)
    return results, problems


def _volume(predictor, item, paths):
    ct = volumes.read(item.path, window=item.window)
    found = predictor.predict_volume(ct)
    volumes.write(ct.like(found.labels), paths["labels"], overwrite=True)
    for kind in predictor.kinds:
        if kind in paths:
            volumes.write(ct.like(found.scores[kind]), paths[kind], overwrite=True)
    if "overlay" in paths:
        _draw(*(axial(ct.like(array).canonical().array) for array in (ct.array, found.labels)), predictor, item, paths)
    return {f"{kind}_ml": metrics.volume_ml(found.labels == label, ct.spacing)
            for label, kind in enumerate(predictor.kinds, 1)}


def _picture(predictor, item, paths):
    image = images.read(item.path)
    found = predictor.predict_image(image)
    images.write(found.labels / 255.0, paths["labels"], overwrite=True)
    for kind in predictor.kinds:
        if kind in paths:
            images.write(found.scores[kind], paths[kind], overwrite=True)
    if "overlay" in paths:
        low, high = predictor.preset.slices.window
        _draw(image[None] * (high - low) + low, found.labels[None], predictor, item, paths)
    return {f"{kind}_pixels": int((found.labels == label).sum()) for label, kind in enumerate(predictor.kinds, 1)}


def _draw(images_hu, labels, predictor, item, paths):
    # Drawing loads matplotlib, which nothing else here needs.
    from covid3dgan.evaluation.figures.ssinfnet import prediction_figure
    from covid3dgan.evaluation.figures.style import save

    save(prediction_figure(images_hu, labels, predictor.kinds, item.id), paths["overlay"])
