"""One loop over CTs or pictures for every predictor: what is done is skipped, what fails is named, the rest is done."""

__all__ = ["finished_facts", "input_digest", "predict_each"]

import json
from pathlib import Path

from covid3dgan import environment, progress
from covid3dgan.errors import InputError
from covid3dgan.files import refuse_overwrite, sha256, write_json
from covid3dgan.inference.inputs import is_volume_file

NOTE = "research software, not a medical device"
# What stands in the JSON beside the facts of a prediction.
_RECORD = ("input", "input_sha256", "labels", "lungs", "model", "versions", "command", "note")


def predict_each(predictor, inputs, out, probability=False, overlay=False, resume=False, overwrite=False,
                 command=None):
    """Masks for many inputs; a bad one is reported and the others are done.

    Args:
        predictor: see inference.predictor.Predictor.
        inputs: inference.inputs.Input of each.
        out: folder for the masks and a JSON beside each; or the mask's file name where there is one CT.
        probability: also write the scores.
        overlay: also write a picture of the mask on the image.
        resume: leave alone what an earlier call finished with the same model and the same input.
        command: recorded in the JSON.

    Returns:
        (results, problems): facts by id, and one sentence per input that failed.
    """
    out = Path(out)
    if is_volume_file(out) and len(inputs) > 1:
        raise InputError(out, f"a folder for {len(inputs)} masks", "a file name", "name a folder")
    described = predictor.describe()
    results, problems = {}, []
    for item in progress.bar(inputs, description="predict", unit=predictor.noun):
        paths = predictor.paths(item, out, probability, overlay)
        try:
            done = finished_facts(paths["json"], paths["mask"], item, described) if resume else None
            if done is None:
                for path in paths.values():
                    refuse_overwrite(path, overwrite or resume)
                done = {"id": item.id, **predictor.predict_file(item, paths)}
                write_json(paths["json"], {
                    **done, "input": str(item.path), "input_sha256": input_digest(item.path), **predictor.record(item),
                    "model": described, "versions": environment.versions(), "command": command, "note": NOTE})
            results[item.id] = done
        except InputError as error:
            problems.append(str(error))
    if results:
        predictor.finish(list(results.values()), out)
    return results, problems


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
    return {key: earlier[key] for key in earlier if key not in _RECORD}


def input_digest(path):
    """sha256 of a file; of a folder the digests of its files by name."""
    path = Path(path)
    if path.is_file():
        return sha256(path)
    return {p.name: sha256(p) for p in sorted(path.iterdir()) if p.is_file()}
