"""Prepares a whole data set: parallel over cases, resumable, with a manifest and the published arrays."""

__all__ = ["PUBLISHED_ARRAYS", "prepare_case", "prepare_each", "preprocess_dataset"]

import contextlib
import dataclasses
import json
import time
import warnings
from pathlib import Path

import numpy as np

from covid3dgan import processes, progress
from covid3dgan.data.datasets.opening import open_dataset, read_case
from covid3dgan.data.preprocess import lungs, prepared_case
from covid3dgan.data.preprocess.recipe import prepare
from covid3dgan.errors import InputError, InputWarning
from covid3dgan.files import atomic_path, refuse_overwrite, sha256, write_json

# The arrays that the published notebooks load, and which volume each holds (F13: see ``base_holds_lung_mask``).
PUBLISHED_ARRAYS = {"LungImages.npy": "lung", "InfectionMasks.npy": "infection", "LungMask.npy": "lung_mask",
                    "BaseCTImages.npy": "base"}


def preprocess_dataset(data, out, options, layout=None, workers=2, published_arrays=False, resume=False,
                       overwrite=False):
    """Writes OUT/<id>.npz per case and OUT/manifest.json.

    Args:
        data: a data set (data.datasets.opening).
        options: presets.preprocessing.PreprocessOptions; the manifest has the lung method that is used on this machine.
        workers: processes.
        published_arrays: also write the four arrays of the notebooks, (N, D, H, W), in the order of the manifest.
        resume: keep the cases that an earlier call finished with the same options and the same files.

    Returns:
        (done, problems): ids, and one sentence per case that could not be prepared.
    """
    out = Path(out)
    # Else a folder begun before lungmask was installed would go on with other lungs.
    options = dataclasses.replace(options, lung_method=lungs.method_here(options.lung_method))
    manifest_path = out / "manifest.json"
    if not resume:
        refuse_overwrite(manifest_path, overwrite)
    earlier = _earlier(manifest_path, options) if resume else {}
    cases = [case for case in open_dataset(data, layout) if case.kind == "volume"]
    if not cases:
        raise InputError(data, "CT volumes", "pictures or stacks of slices alone", "pass a data set of whole CTs")
    out.mkdir(parents=True, exist_ok=True)
    entries, problems, todo = {}, [], []
    for case in cases:
        path = out / f"{case.id}.npz"
        if case.id in earlier and path.is_file() and earlier[case.id]["sha256"] == _digests(case):
            entries[case.id] = earlier[case.id]
        else:
            todo.append(case)
    def write_manifest():
        ordered = [case.id for case in cases if case.id in entries]
        write_json(manifest_path, {"data": str(data), "options": dataclasses.asdict(options), "problems": problems,
                                   "cases": [{"id": name, **entries[name]} for name in ordered]})
        return ordered

    jobs = [(case, out / f"{case.id}.npz", options) for case in todo]
    with progress.bar(total=len(cases), initial=len(entries), description="preprocess", unit="case") as bar:
        for (case, *_), entry, problem in prepare_each(jobs, workers):
            if problem is None:
                entries[case.id] = entry
            else:
                problems.append(problem)
            write_manifest()  # after every case, so that an interrupted job can be resumed
            bar.update(1)
    ordered = write_manifest()
    if not ordered:
        raise InputError(data, "at least one case that can be prepared",
                         f"none; the first problem: {str(problems[0]).rstrip('.')}", "repair it (covid3dgan verify)")
    if published_arrays:
        _write_arrays(out, ordered, options)
    return ordered, problems


def prepare_each(jobs, workers):
    """Prepares cases and yields, as they come: (job, facts for a manifest or None, one sentence of a problem or None).

    Args:
        jobs: tuples (case, path of its .npz, presets.preprocessing.PreprocessOptions).
        workers: processes; everything happens in this one where one is enough.
    """
    for job, found in processes.each(_one, jobs, workers):
        entry, problem = found or (None, f"{job[0].image}: its worker process ended, probably for want of memory; run "
                                   "again with --resume and fewer --workers.")
        for text in entry["warnings"] if entry else ():
            warnings.warn(InputWarning(text), stacklevel=3)
        yield job, entry, problem


def _one(job):
    """Prepares one case: (manifest entry or None, problem or None)."""
    case, path, options = job
    started = time.perf_counter()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", InputWarning)
            made = prepare_case(case, options)
        prepared_case.save(made, path, overwrite=True)
        return {"facts": made.facts, "sha256": _digests(case),
                "warnings": [str(w.message) for w in caught if issubclass(w.category, InputWarning)],
                "seconds": round(time.perf_counter() - started, 2)}, None
    except InputError as error:
        return None, str(error)
    except Exception as error:  # one case that fails in an unforeseen way does not end the job of all others
        return None, f"{case.image}: failed ({type(error).__name__}: {error})"


def prepare_case(case, options):
    """The PreparedCase of a data set's case.

    Its facts also hold the group. A healthy case without an infection mask gets an empty one: that much is known.
    """
    read = read_case(case)
    infection = read.infection
    if infection is None and case.healthy:
        infection = np.zeros(read.ct.shape, bool)
    made = prepare(read.ct, read.lungs, infection, options, case.id)
    return dataclasses.replace(made, facts={**made.facts, "group": case.group})


def _digests(case):
    return {role: sha256(path) for role, path in (("image", case.image), ("infection", case.infection),
                                                  ("lungs", case.lungs)) if path is not None and Path(path).is_file()}


def _earlier(path, options):
    """The manifest entries by id, if they were made with the same options."""
    if not path.is_file():
        return {}
    held = json.loads(path.read_text(encoding="utf-8"))
    if held["options"] != json.loads(json.dumps(dataclasses.asdict(options))):
        raise InputError(path, "the options that the folder was made with", "other ones",
                         "name another folder or pass --overwrite")
    return {entry["id"]: {key: value for key, value in entry.items() if key != "id"} for entry in held["cases"]}


def _write_arrays(out, names, options):
    """The notebooks' arrays, filled case by case: a whole data set need not fit into memory."""
    shape = (len(names), *options.shape)
    with contextlib.ExitStack() as stack:
        arrays = {file: np.lib.format.open_memmap(stack.enter_context(atomic_path(out / file)), "w+", np.float32, shape)
                  for file in PUBLISHED_ARRAYS}
        for number, name in enumerate(names):
            case = prepared_case.load(out / f"{name}.npz")
            for file, volume in PUBLISHED_ARRAYS.items():
                if volume == "base" and options.base_holds_lung_mask:
                    volume = "lung_mask"  # F13: by mistake, the published file holds the lung masks
                held = getattr(case, volume)
                arrays[file][number] = 0 if held is None else held
        for array in arrays.values():
            array.flush()
