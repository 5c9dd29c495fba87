"""One loop over CTs or pictures for every predictor: what is done is skipped, what fails is named, the rest is done."""

__all__ = ["finished_facts", "input_digest", "predict_each"]

import contextlib
import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path

from covid3dgan import environment, progress
from covid3dgan.data.datasets.cases import IMAGE_SUFFIXES
from covid3dgan.errors import InputError, InputWarning
from covid3dgan.files import refuse_overwrite, sha256, write_json
from covid3dgan.inference.inputs import is_volume_file

NOTE = "research software, not a medical device"
# What stands in the JSON beside the facts of a prediction.
_RECORD = ("input", "input_sha256", "labels", "lungs", "dicom", "model", "versions", "command", "note")


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
    if not is_volume_file(out) and (out.is_file() or (out.suffix.lower() in IMAGE_SUFFIXES and not out.is_dir())):
        raise InputError(out, "a folder for the masks, or for one CT a name that ends in .nii or .nii.gz",
                         "another file" if out.is_file() else "the name of a picture", "name a folder")
    described = predictor.describe()
    results, problems = {}, []
    try:
        for item in progress.bar(inputs, description="predict", unit=predictor.noun):
            try:
                if item.problem is not None:
                    raise item.problem
                paths = predictor.paths(item, out, probability, overlay)
                done = finished_facts(paths["json"], paths["mask"], item, described) if resume else None
                if done is None:
                    done = _predict(predictor, item, paths, described, command, overwrite or resume)
                results[item.id] = done
            except InputError as error:
                problems.append(item.named(error))
    except KeyboardInterrupt:
        if results:
            predictor.finish(list(results.values()), out)
        raise KeyboardInterrupt(f"{len(results)} of {len(inputs)} {predictor.noun}s are done and whole; the same "
                                "command with --resume does the others") from None
    if results:
        predictor.finish(list(results.values()), out)
    return results, problems


def _predict(predictor, item, paths, described, command, overwrite):
    """Segments one input and writes all its files, or none."""
    for path in paths.values():
        refuse_overwrite(path, overwrite)
    with _together(paths) as temporary, _named_warnings(item):
        facts = {"id": item.id, **predictor.predict_file(item, temporary)}
        if "warnings" in facts:
            facts["warnings"] = [item.named(text) for text in facts["warnings"]]
        write_json(temporary["json"], {
            **facts, "input": item.named(item.path), "input_sha256": input_digest(item), **predictor.record(item),
            "model": described, "versions": environment.versions(), "command": command, "note": NOTE})
    return facts


@contextlib.contextmanager
def _named_warnings(item):
    """Warnings that name what came out of a zip file by the zip file's name, as errors do."""
    if item.archive is None:
        yield
        return
    with warnings.catch_warnings(record=True) as caught:
        try:
            yield
        finally:
            said = list(caught)
    for one in said:
        text = one.category(item.named(one.message)) if issubclass(one.category, InputWarning) else one.message
        warnings.warn_explicit(text, one.category, one.filename, one.lineno)


@contextlib.contextmanager
def _together(paths):
    """Yields temporary paths, whose files take their places when all are whole; the JSON, the sign of that, last."""
    folder = paths["json"].parent
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield from _moved_into(folder, paths)
    except BaseException:
        if made:
            with contextlib.suppress(OSError):  # another process may write there by now
                folder.rmdir()
        raise


def _moved_into(folder, paths):
    """Yields the temporary paths, in a folder of their own in ``folder``, and moves the files when that went well."""
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=folder) as room:
        temporary = {name: Path(room) / path.name for name, path in paths.items()}
        yield temporary
        paths["json"].unlink(missing_ok=True)  # from here on an earlier record would speak of other files
        for name in sorted(paths, key=lambda name: name == "json"):
            if paths[name].is_dir():
                shutil.rmtree(paths[name])
            os.replace(temporary[name], paths[name])


def finished_facts(json_path, mask_path, item, described):
    """The facts of an earlier, finished call on the same input with the same model, or None."""
    if not (json_path.is_file() and mask_path.exists()):
        return None
    try:
        earlier = json.loads(json_path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    same_model = earlier.get("model") == json.loads(json.dumps(described))
    if not same_model or earlier.get("input_sha256") != input_digest(item):
        return None
    return {key: earlier[key] for key in earlier if key not in _RECORD}


def input_digest(item):
    """sha256 of an input's file; of a DICOM series the digests of its files by name."""
    if item.path.is_file():
        return sha256(item.path)
    return {path.relative_to(item.path).as_posix(): sha256(path) for path in item.files}
