"""Lesion masks for CTs: preprocess, score every slice, come back to the CT's own grid, cut."""

__all__ = ["Prediction", "finished_facts", "input_digest", "predict_case", "predict_folder"]

import csv
import dataclasses
import io
import json
import time
from pathlib import Path

import numpy as np

from covid3dgan import environment, progress
from covid3dgan.data import volumes
from covid3dgan.data.preprocess import lungs, prepared_case
from covid3dgan.data.preprocess.recipe import prepare
from covid3dgan.errors import InputError
from covid3dgan.evaluation import metrics
from covid3dgan.files import atomic_write_text, refuse_overwrite, sha256, write_json


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the model says of one CT, on the CT's grid.

    ``mask`` uint8, ``scores`` float32 and ``lungs`` uint8 are (X, Y, Z); ``facts`` holds volumes in ml and infection
    rates in percent of the lung, in all and per side.
    """

    mask: np.ndarray
    scores: np.ndarray
    lungs: np.ndarray
    facts: dict


def predict_case(model, ct, lung_mask=None, lung_method="threshold"):
    """Segments one CT.

    Args:
        model: something with ``preset``, ``threshold``, ``relative`` and ``scores(volume (D, H, W)) -> (D, H, W)``.
        ct: data.volumes.Volume in HU.
        lung_mask: Volume on the CT's grid; it wins over ``lung_method``.

    Returns:
        Prediction.
    """
    lung_array = lungs.lung_mask_for(ct, lung_mask, lung_method)
    options = dataclasses.replace(model.preset.preprocess, shape=tuple(model.preset.gan.volume_shape), min_slices=1)
    case = prepare(ct, lung_mask=ct.like(lung_array), options=options)
    scores = model.scores(case.lung)
    if model.relative:
        # F23: the share of each network slice's own maximum.
        scores = scores / np.maximum(scores.max((1, 2), keepdims=True), 1e-12)
    on_ct = prepared_case.restore(case, scores, order=1)
    mask = ((on_ct > model.threshold) & (lung_array > 0)).astype(np.uint8)
    return Prediction(mask, on_ct, lung_array, _sizes(ct, mask, lung_array))


def _sizes(ct, mask, lung_array):
    """Volumes in ml and infection rates, in all and per side (sides split halfway between the lungs' outer edges)."""
    spacing = ct.spacing
    canonical = ct.like(lung_array).canonical().array > 0
    infected = ct.like(mask).canonical().array > 0
    columns = np.flatnonzero(canonical.any((1, 2)))
    middle = int(columns.mean().round()) if len(columns) else canonical.shape[0] // 2
    facts = {"infection_ml": metrics.volume_ml(mask > 0, spacing),
             "lung_ml": metrics.volume_ml(lung_array > 0, spacing)}
    facts["infection_rate_percent"] = _rate(infected, canonical)
    # In RAS+ the first axis runs from the patient's left to the right.
    for side, part in (("left", slice(0, middle)), ("right", slice(middle, None))):
        facts[f"{side}_infection_ml"] = metrics.volume_ml(infected[part], spacing)
        facts[f"{side}_infection_rate_percent"] = _rate(infected[part], canonical[part])
    return facts


def _rate(infected, lung):
    return 100.0 * np.count_nonzero(infected & lung) / max(1, np.count_nonzero(lung))


def predict_folder(model, inputs, out, probability=False, overlay=False, lung_method="threshold", resume=False,
                   overwrite=False, command=None):
    """Segments many CTs; a bad one is reported and the others are done.

    Args:
        model: see :func:`predict_case`; also ``describe() -> dict``.
        inputs: inference.inputs.Input of each.
        out: folder for <id>.nii.gz, <id>.json, predictions.csv; or the mask's file name where there is one input.
        probability: also write <id>_scores.nii.gz.
        overlay: also write <id>_overlay.png.
        resume: leave alone what an earlier call finished with the same model and the same input.
        command: recorded in the JSON.

    Returns:
        (results, problems): facts by id, and one sentence per failed CT.
    """
    out = Path(out)
    single = out.name.lower().endswith((".nii", ".nii.gz"))
    if single and len(inputs) > 1:
        raise InputError(out, f"a folder for {len(inputs)} masks", "a file name", "name a folder")
    described = model.describe()
    results, problems = {}, []
    for item in progress.bar(inputs, description="predict", unit="CT"):
        mask_path = out if single else out / f"{item.id}.nii.gz"
        json_path = mask_path.with_name(mask_path.name.replace(".nii.gz", "").replace(".nii", "") + ".json")
        try:
            if resume and (done := finished_facts(json_path, mask_path, item, described)):
                results[item.id] = done
                continue
            for path in (mask_path, json_path):
                refuse_overwrite(path, overwrite or resume)
            started = time.perf_counter()
            ct = volumes.read(item.path, window=item.window)
            given = volumes.read_mask(item.lungs) if item.lungs else None
            found = predict_case(model, ct, given, lung_method)
            _write(found, ct, mask_path, probability, overlay, overwrite or resume)
            facts = {"id": item.id, **found.facts, "seconds": round(time.perf_counter() - started, 2)}
            write_json(json_path, {**facts, "input": str(item.path), "input_sha256": input_digest(item.path),
                                   "lungs": str(item.lungs) if item.lungs else lung_method, "model": described,
                                   "versions": environment.versions(), "command": command,
                                   "note": "research software, not a medical device"})
            results[item.id] = facts
        except InputError as error:
            problems.append(str(error))
    if results and not single:
        _write_csv(out / "predictions.csv", list(results.values()))
    return results, problems


def _write(found, ct, mask_path, probability, overlay, overwrite):
    base = mask_path.name.replace(".nii.gz", "").replace(".nii", "")
    volumes.write(ct.like(found.mask), mask_path, overwrite=overwrite)
    if probability:
        volumes.write(ct.like(found.scores), mask_path.with_name(f"{base}_scores.nii.gz"), overwrite=overwrite)
    if overlay:
        # Drawing loads matplotlib, which nothing else here needs.
        from covid3dgan.evaluation.figures.prediction import contact_sheet
        from covid3dgan.evaluation.figures.style import save

        path = mask_path.with_name(f"{base}_overlay.png")
        refuse_overwrite(path, overwrite)
        save(contact_sheet(ct, found, base), path)


def finished_facts(json_path, mask_path, item, described):
    """The facts of an earlier, finished call on the same input with the same model, or None."""
    if not (json_path.is_file() and mask_path.is_file()):
        return None
    try:
        earlier = json.loads(json_path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    same_model = earlier.get("model") == json.loads(json.dumps(described))
    if not same_model or earlier.get("input_sha256") != input_digest(item.path):
        return None
    return {key: earlier[key] for key in earlier if key not in
            ("input", "input_sha256", "labels", "lungs", "model", "versions", "command", "note")}


def input_digest(path):
    """sha256 of a file; of a folder the digests of its files by name."""
    path = Path(path)
    if path.is_file():
        return sha256(path)
    return {p.name: sha256(p) for p in sorted(path.iterdir()) if p.is_file()}


def _write_csv(path, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{value:.4f}" if isinstance(value, float) else value for key, value in row.items()}
                     for row in rows)
    atomic_write_text(path, text.getvalue())
