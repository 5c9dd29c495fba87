"""The segmenter that comes along, made from nothing, top to bottom.

Real healthy lungs and phantoms are prepared, lesions painted into them, a UNet trained, its threshold chosen on the
same lungs, the network exported as TFLite and measured on held-out phantoms. What results are the network's file and
its card; real CTs are measured by ``python -m benchmarks.real_cts``.
"""

__all__ = ["PRESET", "make_weights", "real_results"]

import dataclasses
import json
import shutil
from pathlib import Path

from covid3dgan import progress, weights
from covid3dgan.data.datasets.opening import open_dataset
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.evaluation.figures.reliability import reliability_chart
from covid3dgan.evaluation.figures.style import save
from covid3dgan.export.write import export
from covid3dgan.files import sha256, write_json
from covid3dgan.inference.predictor import load_predictor
from covid3dgan.systems.weights import data
from covid3dgan.systems.weights.scores import score_on_phantoms
from covid3dgan.training.shabani.train_painted import train_painted

PRESET = "shabani/lesions"
VARIED, PLAIN = (176, 176, 64), (112, 112, 40)  # voxels of a phantom
# Folder -> seed (plus 100 for each seed of the training) and cohorts. Those of "check" find the threshold.
PHANTOMS = {"phantoms": (720, (("varied-healthy", 32, VARIED), ("healthy", 12, PLAIN))),
            "check": (730, (("varied-healthy", 8, VARIED), ("healthy", 4, PLAIN))),
            "diseased": (740, (("varied-covid", 20, VARIED), ("coronacases-like", 12, PLAIN)))}
# The demo's test cohorts (systems/cohorts.py, seed 0), which no training sees, and one of many scanners.
TESTS = {"Mosmed": ("mosmed-like", 4, 8, (112, 112, 40)), "UESTC": ("uestc-like", 5, 8, (112, 112, 40)),
         "Radiopaedia": ("radiopaedia-like", 6, 8, (112, 112, 40)),
         "many scanners": ("varied-covid", 722, 8, (176, 176, 64)),
         "many scanners, healthy": ("varied-healthy", 723, 8, (176, 176, 64))}
NOTE = "research software, not a medical device"


def make_weights(out, preset, execution, real=None, into=None, command="", real_rows=None):
    """Trains, exports and measures; stages whose result is in ``out`` already are skipped.

    Args:
        out: the folder of the whole run.
        preset: presets.shabani.PaintedSystem.
        execution: training.loop.TrainingOptions.
        real: folder with the real CTs of ``data.REAL``; None trains on phantoms alone.
        into: folder that the network and its card are copied to.
        command: what the card says made it.
        real_rows: the file that ``python -m benchmarks.real_cts`` wrote of this network, for the card.

    Returns:
        The card.
    """
    out = Path(out)
    options = dataclasses.replace(preset.preprocess, shape=tuple(preset.gan.volume_shape))
    if real is not None:
        data.prepare_real(real, out / "real", options)
    made = {name: data.prepare_phantoms(out / name, cohorts, seed + 100 * execution.seed, options)
            for name, (seed, cohorts) in PHANTOMS.items()}
    run = out / "segmenter"
    if not (run / "run.json").is_file() or execution.resume or execution.overwrite:
        train_painted(None if real is None else out / "real", made["phantoms"], run, preset, execution,
                      others=(made["check"],), diseased=made["diseased"])
    if not (out / "export" / "segmenter.tflite").is_file() or execution.overwrite:
        export(run, out / "export", formats="tflite", overwrite=True, command=command)
    network = load_predictor(out / "export" / "segmenter.tflite")
    measured, curve = score_on_phantoms(network, {name: _test_cohort(out / "test" / name.replace(", ", "-"), *what)
                                                  for name, what in TESTS.items()}, options)
    save(reliability_chart(curve), out / "reliability.png")
    card = _card(out / "export" / "segmenter.tflite", network, preset, execution, real, command,
                 {"phantoms": measured, **({"real CTs": real_results(real_rows)} if real_rows else {})})
    shutil.copyfile(out / "export" / "segmenter.tflite", out / card["file"])
    write_json(out / f"{weights.DEFAULT}.json", card)
    if into is not None:
        for name in (card["file"], f"{weights.DEFAULT}.json"):
            shutil.copyfile(out / name, Path(into) / name)
    return card


def _test_cohort(folder, cohort, seed, count, size):
    """A held-out cohort as data.datasets cases; written where it is not there yet."""
    if not (folder / "cohort.json").is_file():
        progress.say(f"phantoms: {count} x {cohort} (held out)")
        chest_ct.write_cohort(folder, cohort, count, seed, size, overwrite=True)
    return tuple(open_dataset(folder))


def _card(file, network, preset, execution, real, command, measured):
    """The card of a network."""
    return {
        "name": weights.DEFAULT, "file": f"{weights.DEFAULT}.tflite", "bytes": file.stat().st_size,
        "sha256": sha256(file), "part": "segmenter", "precision": "float32", "licence": "Apache-2.0",
        "what": "finds COVID-19-like lesions (ground glass and consolidation) in chest CTs, slice by slice",
        "data": _sources(real), "preset": preset.name, "command": command, "seeds": [execution.seed],
        "steps": network.describe()["step"], "grid": list(preset.gan.volume_shape),
        "threshold": {"value": network.threshold, "relative": network.relative, "sure": network.sure},
        "measured": measured, "note": NOTE}


def _sources(real):
    """What it was trained on, by data set, with licences and attribution."""
    files = {}
    for known in data.REAL if real is not None else ():
        files.setdefault(known.source, []).append({"file": known.path, "sha256": known.sha256,
                                                   "right": list(known.right), "left": list(known.left)})
    listed = [{"name": source.name, "licence": source.licence, "attribution": source.attribution, "files": known}
              for source, known in files.items()]
    phantoms = [f"{count} phantoms of the cohort {cohort}" for name in ("phantoms", "diseased")
                for cohort, count, _ in PHANTOMS[name][1]]
    return [*listed, *({"name": name, "licence": "Apache-2.0", "attribution": "made by covid3dgan phantom"}
                       for name in phantoms)]


def real_results(path):
    """What ``python -m benchmarks.real_cts`` wrote of the network, CT by CT, without the areas of single slices."""
    rows = json.loads(Path(path).read_text(encoding="utf-8"))["rows"]
    kept = ("what", "lung_ml", "marked_ml", "marked_percent", "normal_part", "normal_ml", "normal_percent",
            "auc_by_slice")
    return {row["ct"]: {name: round(row[name], 4) if isinstance(row[name], float) else row[name]
                        for name in kept if name in row}
            for row in rows if row["kind"] == "volume" and row["predictor"] != "window"}
