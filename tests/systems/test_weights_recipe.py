"""The recipe of the network that comes along: its data are checked, the abnormal parts left out, its card complete."""

import dataclasses
import json
import types

import numpy as np
import pytest

from covid3dgan import presets, weights
from covid3dgan.data.batches.painted_batches import Healthy
from covid3dgan.data.preprocess.prepared_case import PreparedCase
from covid3dgan.errors import InputError
from covid3dgan.presets.stages import Threshold
from covid3dgan.systems.weights import data, recipe
from covid3dgan.systems.weights.__main__ import main
from covid3dgan.training.loop import TrainingOptions
from covid3dgan.training.shabani.train_painted import threshold_without_annotation


def test_missing_and_changed_files_are_one_sentence(tmp_path, capsys):
    with pytest.raises(InputError, match=r"lidc_idri_0314.nii.gz: expected LIDC-IDRI, The Cancer Imaging Archive "
                                         r"\(CC BY 3.0\), sha256 05e66a9470af..., found no such file; copy it there"):
        data.check_real(tmp_path)
    (tmp_path / "lidc_idri_0314.nii.gz").write_bytes(b"another")
    assert main(["--real", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "found another file" in capsys.readouterr().err
    assert not (tmp_path / "out" / "phantoms").exists()


def test_only_the_normal_part_of_each_lung_is_kept():
    mask = np.zeros((10, 4, 8), np.float32)
    mask[:, :, 1:4] = mask[:, :, 5:8] = 1.0
    case = PreparedCase("a", 0.1 * mask, mask, mask, None, np.eye(4), np.eye(4), (8, 4, 10), {})
    known = data.RealCt("a", "", right=(0.0, 0.6), left=(0.5, 1.0), source=data.LIDC)
    kept = data._only_normal(case, known)
    rows = kept.lung_mask[:, 0]
    np.testing.assert_array_equal(rows[:, 1], [1] * 6 + [0] * 4)  # the view's left is the patient's right
    np.testing.assert_array_equal(rows[:, 6], [0] * 5 + [1] * 5)
    np.testing.assert_array_equal(kept.lung > 0, kept.lung_mask > 0)
    assert kept.facts["group"] == "healthy"


def test_the_threshold_leaves_healthy_lungs_clean():
    mask = np.zeros((1, 12, 48, 48), bool)
    mask[:, 1:11, 4:44, 4:22] = mask[:, 1:11, 4:44, 26:44] = True
    image = np.where(mask, 0.1, 0.7)
    image[0, 3:8, 10:14, 10:14] = 0.62  # a vessel through five of ten slices: 0.56 %
    healthy = Healthy(image.astype(np.float16), mask, ((5.0, 2.0, 2.0),))
    preset = dataclasses.replace(presets.get(recipe.PRESET),
                                 threshold=Threshold(relative=False, grid=(0.2, 0.3, 0.5, 0.65, 0.8)))

    def network(slices, training=False):  # brightness is all that it knows
        return slices

    found = threshold_without_annotation(network, [healthy], preset, seed=0)
    dice = np.array(found["painted_dice"])
    # The lowest threshold that gives up at most 0.05 of Dice, which finds the vessel.
    assert found["value"] == found["grid"][int(np.flatnonzero(dice >= dice.max() - 0.05)[0])] < 0.6
    # Averaging over 5 mm leaves the middle of the vessel as bright as it was, so that nothing below 0.62 is sure.
    assert found["sure"] == 0.65 and found["sure_grid"] == [sure for sure in found["grid"] if sure >= found["value"]]
    assert found["healthy_percent_marked"][-2:] == [0.0, 0.0] and found["healthy_percent_marked"][0] > 0.3


def test_the_card_names_data_licences_and_measurements(tmp_path):
    rows = [{"ct": "a", "kind": "volume", "predictor": "window", "marked_ml": 1.0},
            {"ct": "a", "kind": "volume", "predictor": "lesions", "marked_ml": 1.23456, "slice_areas_mm2": [1.0]},
            {"ct": "b", "kind": "slice", "predictor": "lesions"}]
    (tmp_path / "real_cts.json").write_text(json.dumps({"rows": rows}))
    measured = {"real CTs": recipe.real_results(tmp_path / "real_cts.json")}
    assert measured == {"real CTs": {"a": {"marked_ml": 1.2346}}}
    network = types.SimpleNamespace(threshold=0.4, relative=False, sure=0.6, describe=lambda: {"step": 7})
    file = tmp_path / "segmenter.tflite"
    file.write_bytes(b"x")
    card = recipe._card(file, network, presets.get(recipe.PRESET), TrainingOptions(seed=3), "dir", "command", measured)
    assert set(card) == set(weights.card()) and card["seeds"] == [3] and card["steps"] == 7
    assert {entry["licence"] for entry in card["data"]} == {"CC BY 3.0", "CC BY 4.0", "Apache-2.0"}
    assert sorted(known["file"] for entry in card["data"] for known in entry.get("files", ())) == sorted(
        known.path for known in data.REAL)
    alone = recipe._card(file, network, presets.get(recipe.PRESET), TrainingOptions(), None, "command", measured)
    assert {entry["licence"] for entry in alone["data"]} == {"Apache-2.0"}
