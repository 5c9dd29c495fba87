"""The whole system at its smallest, from phantoms to the report."""

import dataclasses
import json

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.data.files import images
from covid3dgan.errors import InputError
from covid3dgan.inference.predictor import load_predictor
from covid3dgan.systems import ssinfnet
from covid3dgan.training.loop import TrainingOptions


def smallest():
    preset = presets.override(presets.get("ssinfnet/demo"), [
        "slices.size=32", "slices.per_case=3", "slices.phantom_cases=6", "slices.phantom_unlabelled=2",
        "slices.phantom_size=48,48,12", "single.width=4", "single.channels=4", "single.batch_size=4",
        "single.epochs=1", "multi.width=2", "multi.batch_size=4", "multi.epochs=1"])
    painting = dataclasses.replace(preset.single_inpainting, crop=32, batch_size=4, first_round=1, later_round=1,
                                   coach_first_round=1, network_epochs=1, coach_width=4, coach_latent=3)
    return dataclasses.replace(preset, single_inpainting=painting, multi_inpainting=painting)


@pytest.mark.slow
def test_reproduce_from_slices_to_report(tmp_path):
    """I09: the unlabelled slices are painted too; I16: priors are predicted; the report holds tables and figures."""
    out = tmp_path / "out"
    preset = smallest()
    report = ssinfnet.reproduce(out, preset, TrainingOptions(seed=1),
                                command="covid3dgan reproduce ssinfnet").read_text()
    content = json.loads((out / "tables.json").read_text())
    assert content["phantom"] and set(content["multi"]) == {"U-Net", "SInfNet", "SSInfNet"}
    assert set(content["multi"]["SSInfNet"]) == {"background", "GGO", "consolidation", "overall"}
    assert "These are not results on patients" in report
    assert all(f"Significance, Table {table}: SSInfNet against SInfNet" in report for table in (2, 3))
    manifest = json.loads((out / "multi_SSInfNet" / "run.json").read_text())
    assert manifest["method"] == "SSInfNet" and manifest["inputs"][0]["path"].endswith("slices.npz")
    assert "Table 1: data" in report and "ours: phantoms, not patients" in report and "Ablation" not in report
    before = (out / "multi_SSInfNet" / "metrics.csv").stat().st_mtime_ns
    # The same folder again: what is there stays, the ablation's networks come on top.
    report = ssinfnet.reproduce(out, preset, TrainingOptions(seed=1), ablation=True).read_text()
    assert (out / "multi_SSInfNet" / "metrics.csv").stat().st_mtime_ns == before
    rows = json.loads((out / "tables.json").read_text())["ablation"]
    assert list(rows["multi"]) == ["SSInfNet", "SSInfNet without focal loss", "SSInfNet without Lookahead",
                                   "SSInfNet without either", "SSInfNet without inpainting (SInfNet)"]
    assert list(rows["single"])[-1] == "SInfNet and pseudo-labels" and "Ablation, infection as one class" in report
    held = {folder: json.loads((out / folder / "run.json").read_text()) for folder in (
        "single_SInfNet", "single_pseudo_labels", "multi_without_focal", "multi_without_lookahead")}
    assert rows["single"]["SInfNet and pseudo-labels"]["seconds"] == pytest.approx(
        held["single_SInfNet"]["seconds"] + held["single_pseudo_labels"]["seconds"])
    assert held["multi_without_focal"]["preset"]["multi"]["loss"] == "bce"
    assert held["multi_without_lookahead"]["preset"]["multi"] == {
        **held["multi_without_focal"]["preset"]["multi"], "loss": "focal", "lookahead": False}
    with pytest.raises(InputError, match="made with another seed"):
        ssinfnet.reproduce(out, smallest(), TrainingOptions(seed=2))
    assert load_predictor(out).labels(np.zeros((1, 32, 32), np.float32)).shape == (1, 32, 32)


def test_folder_without_labels_is_refused(tmp_path):
    images.write(np.linspace(0, 1, 1024).reshape(32, 32), tmp_path / "data" / "images" / "1.png")
    with pytest.raises(InputError, match="a data set with ground glass and consolidation labelled"):
        ssinfnet.reproduce(tmp_path / "out", smallest(), TrainingOptions(seed=1), data=tmp_path / "data")
