"""Nothing is kept that was not run back: exports of an imported segmenter, their reports, refusals and predictions."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.export import parity, tflite
from covid3dgan.export.parity import Comparison, refusal
from covid3dgan.export.probes import make_probes
from covid3dgan.export.sources import open_exportable
from covid3dgan.inference.exported import tflite_file
from covid3dgan.inference.exported.layout import read_saved_model_metadata
from covid3dgan.inference.exported.parts import Cut, Exportable
from covid3dgan.inference.predictor import load_predictor

FRESH = """
import sys
sys.modules["covid3dgan"] = sys.modules["keras"] = None
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
x = np.load(sys.argv[2], allow_pickle=False)
found = {name: signature(slice=tf.constant(x))["scores"].numpy() for name, signature in model.signatures.items()}
np.savez(sys.argv[3], **found)
"""


@pytest.fixture(scope="module")
def exported(imported, tmp_path_factory):
    """(folder, report) of the run's export in both formats."""
    folder = tmp_path_factory.mktemp("exports") / "both"
    assert main(["export", str(imported), str(folder), "--quiet"]) == 0
    return folder, json.loads((folder / "export_report.json").read_text())


def test_the_report_says_what_was_seen(exported, imported):
    folder, report = exported
    assert sorted(path.name for path in folder.iterdir()) == ["export_report.json", "saved_model", "segmenter.tflite"]
    assert (report["part"], report["step"], report["source"]) == ("segmenter", 0, str(imported))
    saved, lite = report["files"]
    assert {c["probe"] for c in lite["comparisons"]} == {"zeros", "phantom", "extremes"}
    assert {c["probe"] for c in saved["comparisons"]} > {"batch/phantom", "batch/zeros", "phantom"}
    for entry in (saved, lite):
        assert max(c["largest"] for c in entry["comparisons"]) < 1e-4 == entry["tolerance"]
        assert all(c["dice"] == 1.0 for c in entry["comparisons"] if c["probe"].endswith("phantom"))
        assert entry["bytes"] == sum((folder / name).stat().st_size for name in entry["sha256"])
        assert entry["seconds"] > 0 and entry["interpreter"].split()[0] in ("tensorflow", "ai-edge-litert")
    assert "CONV_2D" in lite["operations"] and not any("CUSTOM" in name for name in lite["operations"])


def test_a_saved_model_runs_with_tensorflow_alone_in_any_batch(exported, imported, tmp_path, rng):
    slices = rng.random((5, 16, 16, 1), dtype=np.float32)
    np.save(tmp_path / "x.npy", slices)
    subprocess.run([sys.executable, "-c", FRESH, exported[0] / "saved_model", tmp_path / "x.npy", tmp_path / "y.npz"],
                   check=True, cwd=tmp_path, capture_output=True)
    expected = load_predictor(imported).network(slices, training=False)
    with np.load(tmp_path / "y.npz") as found:
        assert sorted(found.files) == ["segment", "serving_default"]
        for name in found.files:
            np.testing.assert_allclose(found[name], expected, atol=1e-5)


def test_both_files_carry_the_preprocessing(exported):
    folder, _ = exported
    for metadata in (tflite_file.read_metadata(folder / "segmenter.tflite"),
                     read_saved_model_metadata(folder / "saved_model")):
        facts = metadata["preprocessing"]
        assert facts["hu_window"] == [-1000.0, 400.0] and facts["volume_shape"] == [32, 16, 16]
        assert facts["options"]["orientation"] == "rotate"
        assert metadata["threshold"] == {"value": 0.2, "relative": True}


def test_predictions_are_those_of_the_run(exported, imported):
    case = chest_ct.generate("coronacases-like", 0, size=(48, 48, 24))
    expected = load_predictor(imported).predict(case.ct, case.lungs)
    assert 0 < expected.mask.sum() < case.lungs.array.sum()
    for name in ("segmenter.tflite", "saved_model", ""):
        model = load_predictor(exported[0] / name)
        found = model.predict(case.ct, case.lungs)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
        np.testing.assert_array_equal(found.mask, expected.mask)
        assert (model.threshold, model.relative) == (0.2, True)


def test_a_file_that_changed_after_its_export_is_refused(exported, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(exported[0], folder)
    path = folder / "segmenter.tflite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected the file that export_report.json was written for"):
        load_predictor(path)
    (folder / "export_report.json").unlink()
    path.write_bytes(content[:1000])
    with pytest.raises(InputError, match="expected a whole TFLite file"):
        load_predictor(path)
    path.write_bytes(b"no flatbuffer")
    with pytest.raises(InputError, match="expected a TFLite file, found 13 bytes of another kind"):
        load_predictor(path)


# === Refusals ===

def damaged(exportable, precision="float32", convert=tflite.convert):
    """A conversion that goes wrong in one bias of the last layer."""
    layer = exportable.network.get_layer("mask")
    good = layer.get_weights()
    layer.set_weights([good[0], good[1] + 3e-4])
    try:
        return convert(exportable, precision)
    finally:
        layer.set_weights(good)


def cut(exportable, precision="float32", convert=tflite.convert):
    """A conversion whose end never reached the disk."""
    return convert(exportable, precision)[:-3000]


@pytest.mark.parametrize("conversion, sentence", [
    (damaged, "output scores of .* differs by"),
    (cut, "expected a (whole TFLite file|model that runs)"),
])
def test_a_damaged_conversion_is_refused_and_leaves_nothing(conversion, sentence, imported, tmp_path, monkeypatch,
                                                            capfd):
    monkeypatch.setattr(tflite, "convert", conversion)
    assert main(["export", str(imported), str(tmp_path / "out" / "x"), "--format", "tflite"]) == 1
    assert re.search(sentence, capfd.readouterr().err)
    assert list((tmp_path / "out").iterdir()) == []


def comparison(largest=0.0, dice=1.0, probe="phantom"):
    return Comparison(probe, "scores", largest, largest / 2, 1.0, dice)


@pytest.mark.parametrize("comparisons, precision, reason", [
    ([comparison(0.9e-4)], "float32", None),
    ([comparison(), comparison(1.1e-4, probe="zeros")], "float32", "output scores of zeros differs by 0.00011"),
    ([comparison(4.9e-3)], "float16", None),
    ([comparison(5.1e-3)], "float16", "more than 0.005"),
    ([comparison(0.3, 0.981)], "dynamic-int8", None),
    ([comparison(0.0, 0.979)], "dynamic-int8", "Dice of 0.9790, less than 0.98"),
    ([comparison(0.0, None), comparison(0.0, 0.5)], "dynamic-int8", "Dice of 0.5000"),
    ([comparison(0.01, None)], "dynamic-int8", None),
    ([comparison(0.03, None)], "dynamic-int8", "differs by 0.03"),
    ([comparison(float("nan"))], "float32", "is not finite"),
    ([comparison(float("inf"), 1.0)], "dynamic-int8", "is not finite"),
])
def test_tolerances(comparisons, precision, reason):
    found = refusal(comparisons, precision)
    assert found is None if reason is None else reason in found


def test_comparison_by_hand():
    """Scores 0, 0.4, 1, 4 against 0, 0.6, 1, 3 cut at half of each maximum: masks {4} and {3} of the last, and none."""
    exportable = Exportable("segmenter", None, {}, None, Cut(0.5), "test")
    probes = {"p": {"slice": np.zeros((1, 2, 2, 1), np.float32)}}
    expected = {"p": {"scores": np.float32([0, 0.4, 1, 4]).reshape(1, 2, 2, 1)}}
    outputs = {"p/scores": np.float32([0, 0.6, 1, 3]).reshape(1, 2, 2, 1)}
    [found] = parity.compare(exportable, probes, expected, outputs)
    # Divided by the largest value, 4: differences 0, 0.05, 0, 0.25. Masks: two pixels against three, two in common.
    assert (found.largest, found.mean, found.scale) == (pytest.approx(0.25), pytest.approx(0.075), 4.0)
    assert found.dice == pytest.approx(2 * 2 / 5)
    with pytest.raises(InputError, match="expected p/scores"):
        parity.compare(exportable, probes, expected, {})
    with pytest.raises(InputError, match=r"expected shape \(1, 2, 2, 1\)"):
        parity.compare(exportable, probes, expected, {"p/scores": np.zeros(4)})


def test_probes_are_zeros_a_phantom_and_extremes(imported):
    probes = make_probes(open_exportable(imported))
    assert list(probes) == ["zeros", "phantom", "extremes"]
    assert not probes["zeros"]["slice"].any() and set(np.unique(probes["extremes"]["slice"])) == {0.0, 1.0}
    lung = probes["phantom"]["slice"]
    assert lung.shape == (1, 16, 16, 1) and 0.05 < lung.mean() < 0.6 and lung.std() > 0.05
    again = make_probes(open_exportable(imported))
    np.testing.assert_array_equal(again["phantom"]["slice"], lung)


# === Arguments ===

def test_weights_are_exported_without_a_run(keras27_files):
    found = open_exportable(keras27_files / "generator")
    assert (found.part, found.shapes) == ("generator", {"ct": (16, 16, 16, 1), "noise": (1, 1, 1, 10)})
    with pytest.raises(ArgumentError, match="expected generator, which the file holds"):
        open_exportable(keras27_files / "generator", part="segmenter")


def test_a_keras_file_is_exported_by_its_models_name(imported):
    found = open_exportable(imported / "segmenter.keras")
    assert (found.part, found.preset, found.cut) == ("segmenter", None, Cut(0.2, True))


@pytest.mark.parametrize("arguments, code, sentence", [
    (["--format", "savedmodel", "--precision", "float16"], 2, "expected float32 for a SavedModel"),
    (["--part", "generator"], 2, "expected segmenter or encoder for a run of kind segmenter"),
    (["--part", "segmentor"], 2, "nearest: segmenter"),
    (["--sides", "64,64"], 2, "expected no sides: this network takes"),
    (["--sides", "64"], 2, "expected two whole numbers"),
])
def test_wrong_arguments(arguments, code, sentence, imported, tmp_path, capsys):
    assert main(["export", str(imported), str(tmp_path / "out"), *arguments]) == code
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_but_an_earlier_export_is_overwritten(imported, exported, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("mine")
    assert main(["export", str(imported), str(tmp_path / "mine"), "--overwrite"]) == 1
    assert main(["export", str(imported), str(exported[0])]) == 1
    said = capsys.readouterr().err
    assert "expected an earlier export to overwrite" in said and "pass --overwrite" in said
    assert (tmp_path / "mine" / "note.txt").read_text() == "mine"
