"""Whether an exported file computes what its network computes: run in a fresh process, compared, measured."""

__all__ = ["TOLERANCES", "Comparison", "compare", "refusal", "run_back"]

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Optional

import numpy as np

from covid3dgan.errors import InputError

# Largest difference of outputs on [0, 1]; wider outputs are divided by their largest value first.
TOLERANCES = {"float32": 1e-4, "float16": 5e-3}
LEAST_DICE = {"dynamic-int8": 0.98}
WITHOUT_MASKS = 2e-2  # the tolerance of differences where a Dice is asked for and no output has a mask
FLAT = 1e-3  # an output with a range below this has no mask
TIMEOUT = 1800
SCRIPT = Path(__file__).parents[1] / "inference" / "exported" / "run_back.py"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One output of one probe: largest and mean difference (over the output's scale, at least 1) and Dice of masks."""

    probe: str
    output: str
    largest: float
    mean: float
    scale: float
    dice: Optional[float]


def run_back(path, probes, repeats=3, threads=2):
    """Runs a file on the probes in a process that has no covid3dgan: (outputs by ``PROBE/OUTPUT``, facts).

    Args:
        path: a ``.tflite`` file or a SavedModel's folder.
        probes: from ``export.probes.make_probes``.

    Raises:
        InputError: the process failed.
    """
    with tempfile.TemporaryDirectory(prefix="covid3dgan-") as folder:
        folder = Path(folder)
        np.savez(folder / "in.npz", **{f"{probe}/{name}": value for probe, inputs in probes.items()
                                       for name, value in inputs.items()})
        command = [sys.executable, SCRIPT, Path(path).resolve(), folder / "in.npz", folder / "out.npz",
                   folder / "facts.json", "--repeats", str(repeats), "--threads", str(threads)]
        try:
            done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True,
                                  timeout=TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise InputError(path, "a model that runs", f"no answer in {TIMEOUT} s", "export it again") from error
        if done.returncode or not (folder / "facts.json").is_file():
            said = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
            raise InputError(path, "a model that runs in a fresh interpreter",
                             f"exit code {done.returncode} ({said[:200]})", "export it again")
        with np.load(folder / "out.npz", allow_pickle=False) as archive:
            outputs = {name: archive[name] for name in archive.files}
        return outputs, json.loads((folder / "facts.json").read_text(encoding="utf-8"))


def compare(exportable, probes, expected, outputs):
    """A list of Comparisons, one per probe and output, and again for the probes as one batch where that was run.

    Args:
        expected: probe -> output name -> array, from the network itself.
        outputs: ``PROBE/OUTPUT`` or ``batch/PROBE/OUTPUT`` -> array.
    """
    found = []
    for key, value in outputs.items():
        probe, name = key.split("/")[-2:]
        reference = expected[probe][name]
        if value.shape != reference.shape:
            raise InputError(f"output {name}", f"shape {reference.shape}", f"{value.shape}", "report this as a fault")
        scale = max(1.0, float(np.abs(reference).max()))
        difference = np.abs(value.astype(np.float64) - reference) / scale
        first = probes[probe][exportable.spec.inputs[0]]
        found.append(Comparison(key.rpartition("/")[0], name, float(difference.max()), float(difference.mean()), scale,
                                _dice(exportable, first, reference, value)))
    missing = {f"{probe}/{name}" for probe in expected for name in expected[probe]} - set(outputs)
    if missing:
        raise InputError("the file's outputs", ", ".join(sorted(missing)), "none of that name",
                         "report this as a fault")
    return found


def refusal(comparisons, precision):
    """Why these comparisons are not good enough, or None."""
    worst = max(comparisons, key=lambda c: c.largest if np.isfinite(c.largest) else np.inf)
    where = f"output {worst.output} of {worst.probe}"
    if not np.isfinite(worst.largest):
        return f"{where} is not finite"
    masks = [c for c in comparisons if c.dice is not None]
    least = LEAST_DICE.get(precision)
    if least is not None and masks:
        worst = min(masks, key=lambda c: c.dice)
        if worst.dice < least:
            return f"masks of {worst.output} of {worst.probe} have a Dice of {worst.dice:.4f}, less than {least:g}"
        return None
    tolerance = TOLERANCES.get(precision, WITHOUT_MASKS)
    if worst.largest > tolerance:
        return f"{where} differs by {worst.largest:.2g}, more than {tolerance:g}"
    return None


def _dice(exportable, first, reference, value):
    """Dice of the masks of reference and file: above the cut, for the generator those of input minus output.

    Where the reference has nothing above the cut, what lies above the middle of its range must agree instead; None
    where it is the same everywhere.
    """
    if exportable.part == "generator":
        reference, value = first - reference, first - value
    low, high = float(reference.min()), float(reference.max())
    if high - low < FLAT:
        return None
    cut = exportable.cut
    levels = [cut.value * float(array.max()) if cut.relative else cut.value for array in (reference, value)]
    if not (reference > levels[0]).any():
        levels = [(low + high) / 2] * 2
    a, b = reference > levels[0], value > levels[1]
    return 2.0 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))
