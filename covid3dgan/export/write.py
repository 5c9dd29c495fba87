"""Exports a network: writes it, runs every file back, and keeps the folder only if all of them agree."""

__all__ = ["FORMATS", "export"]

import dataclasses
import os
import shutil
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

import covid3dgan
from covid3dgan import environment, progress
from covid3dgan.errors import ArgumentError, InputError, check_choice
from covid3dgan.export import parity, probes, savedmodel, sources, tflite
from covid3dgan.export.graph import INFERENCE_RULES, run_graph
from covid3dgan.files import refuse_overwrite, sha256, write_json
from covid3dgan.inference.exported import tflite_file
from covid3dgan.inference.exported.layout import REPORT, SAVED_MODEL

FORMATS = {"savedmodel": ("savedmodel",), "tflite": ("tflite",), "both": ("savedmodel", "tflite")}


def export(source, out=None, formats="both", precision="float32", part=None, sides=None, overwrite=False, seed=0,
           command=None):
    """Writes OUT/saved_model/, OUT/<part>.tflite and OUT/export_report.json, or nothing at all.

    Args:
        source: a run directory, a ``.keras`` file or published HDF5 weights.
        out: the folder to make; by default one under saved_models/.
        formats: a key of ``FORMATS``.
        precision: of the TFLite file's weights, see ``export.tflite``; a SavedModel is always float32.
        part, sides: see ``export.sources.open_exportable``.
        overwrite: replace an earlier export that is in OUT.
        seed: of the inputs that the files are compared on.
        command: recorded in the report.

    Returns:
        (folder, report).

    Raises:
        InputError: a file does not compute what its network computes; nothing is left of it then.
    """
    check_choice("--format", formats, tuple(FORMATS))
    check_choice("--precision", precision, tflite.PRECISIONS)
    if precision != "float32" and formats == "savedmodel":
        raise ArgumentError("--precision", "float32 for a SavedModel", precision, "choose --format tflite or both")
    exportable = sources.open_exportable(source, part, sides)
    out = Path(out) if out is not None else Path("saved_models") / f"{_stem(source)}_{exportable.part}"
    _check_out(out, overwrite)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".tmp-{os.getpid()}-{out.name}")
    try:
        temporary.mkdir()
        inputs = probes.make_probes(exportable, seed)
        expected, seconds = _reference(exportable, inputs)
        entries = [_write_and_prove(exportable, temporary, kind, precision, inputs, expected, out)
                   for kind in FORMATS[formats]]
        report = {"covid3dgan": covid3dgan.__version__, "command": command, "source": exportable.source,
                  "part": exportable.part, "step": exportable.step, "seed": seed, "keras_seconds": seconds,
                  "files": entries, "versions": environment.versions(), "machine": environment.machine(),
                  "note": "research software, not a medical device"}
        write_json(temporary / REPORT, report)
        if out.exists():
            shutil.rmtree(out)
        os.replace(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out, report


def _stem(source):
    return Path(source).resolve().name.replace(".keras", "")


def _check_out(out, overwrite):
    refuse_overwrite(out, overwrite)
    if out.exists() and not (out / REPORT).is_file():
        raise InputError(out, "an earlier export to overwrite", f"something without {REPORT}", "choose another name")


def _reference(exportable, inputs):
    """(probe -> output -> array, median seconds of a call) of the Keras network in float32."""
    spec = exportable.spec
    forward = tf.function(lambda *arrays: exportable.named(run_graph(exportable.network, arrays, INFERENCE_RULES)),
                          autograph=False)
    expected, times = {}, []
    for probe, arrays in inputs.items():
        arrays = [tf.constant(arrays[name]) for name in spec.inputs]
        for _ in range(2):  # the first call compiles
            started = time.perf_counter()
            expected[probe] = {name: np.asarray(value, np.float32) for name, value in forward(*arrays).items()}
        times.append(time.perf_counter() - started)
    return expected, float(np.median(times))


def _write_and_prove(exportable, folder, kind, precision, inputs, expected, out):
    """Writes one file into ``folder`` and runs it back; returns its entry in the report."""
    precision = precision if kind == "tflite" else "float32"
    progress.say(f"writing {exportable.part} as {kind} ({precision})")
    operations = None
    if kind == "tflite":
        path = folder / f"{exportable.part}.tflite"
        path.write_bytes(tflite.convert(exportable, precision))
        operations = tflite_file.operations(path)
        foreign = [name for name in operations if name.startswith("CUSTOM")]
        if foreign:
            raise InputError(out / path.name, "built-in operations alone", ", ".join(foreign),
                             "nothing was kept; report this as a fault")
    else:
        path = folder / SAVED_MODEL
        savedmodel.write_saved_model(exportable, path)
    progress.say("running it back in a fresh process")
    outputs, facts = parity.run_back(path, inputs)
    comparisons = parity.compare(exportable, inputs, expected, outputs)
    reason = parity.refusal(comparisons, precision)
    if reason:
        raise InputError(out / path.name, f"what the network computes ({precision})", reason,
                         "nothing was kept; choose another precision or report this as a fault")
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return {"format": kind, "precision": precision, "path": path.name, "operations": operations,
            "bytes": sum(p.stat().st_size for p in files),
            "sha256": {str(p.relative_to(folder)): sha256(p) for p in files},
            "tolerance": parity.TOLERANCES.get(precision), "least_dice": parity.LEAST_DICE.get(precision),
            "comparisons": [dataclasses.asdict(c) for c in comparisons], **facts}
