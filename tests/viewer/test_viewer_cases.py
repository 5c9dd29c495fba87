"""Which files belong to which CT, and what a layer is."""

import numpy as np
import pytest

from covid3dgan.data import volumes
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.viewer.cases import find_cases
from covid3dgan.viewer.layers import read_layer

AFFINE = np.diag([3.0, 3.0, 5.0, 1.0])


def put(path, array=None):
    array = np.zeros((4, 4, 4), np.uint8) if array is None else array
    volumes.write(Volume(array, AFFINE), path)
    return path


def names(cases):
    return {case.input.id: [(name, path.name) for name, path in case.layers] for case in cases}


def test_files_of_a_folder_go_to_the_ct_that_they_are_named_after(tmp_path):
    for name in ("p1", "p1_2", "p3"):
        put(tmp_path / "cts" / f"{name}.nii.gz")
    for name in ("p1", "p1_scores", "p1_2", "p1_2_scores", "other"):
        put(tmp_path / "masks" / f"{name}.nii.gz")
    put(tmp_path / "healthy" / "p3.nii.gz")
    found = names(find_cases(tmp_path / "cts", [tmp_path / "masks", tmp_path / "healthy"]))
    assert found == {"p1": [("masks", "p1.nii.gz"), ("scores", "p1_scores.nii.gz")],
                     "p1_2": [("masks", "p1_2.nii.gz"), ("scores", "p1_2_scores.nii.gz")],
                     "p3": [("healthy", "p3.nii.gz")]}


def test_a_data_sets_own_masks_come_last(tmp_path):
    for folder in ("images", "masks", "lungs"):
        put(tmp_path / "set" / folder / "a.nii.gz")
    put(tmp_path / "found" / "a.nii.gz")
    [case] = find_cases(tmp_path / "set", [tmp_path / "found"])
    assert [name for name, _ in case.layers] == ["found", "reference mask"] and case.input.lungs is not None


def test_one_ct_takes_files(tmp_path):
    ct, mask = put(tmp_path / "ct.nii.gz"), put(tmp_path / "anything.nii.gz")
    assert names(find_cases(ct, [mask])) == {"ct": [("anything", "anything.nii.gz")]}


@pytest.mark.parametrize(("layer", "text"), [
    ("missing.nii.gz", "nothing at that path"), ("cts/a.nii.gz", "a folder of masks for 2 CTs"),
    ("empty", r"masks named after the CTs \(a.nii.gz\), found no NIfTI file"), ("others", "found x.nii.gz")])
def test_layers_that_belong_to_no_ct_are_refused(tmp_path, layer, text):
    for name in ("a", "b"):
        put(tmp_path / "cts" / f"{name}.nii.gz")
    (tmp_path / "empty").mkdir()
    put(tmp_path / "others" / "x.nii.gz")
    with pytest.raises(InputError, match=text):
        find_cases(tmp_path / "cts", [tmp_path / layer])


# === what a layer is ===

LUNGS = np.zeros((4, 4, 4), np.uint8)
LUNGS[1:3] = 1
SCORES = np.linspace(0, 0.9, 64, dtype=np.float32).reshape(4, 4, 4)
LABELS = np.zeros((4, 4, 4), np.uint8)
LABELS[1] = 2


@pytest.mark.parametrize(("array", "kind", "top"), [
    (LABELS, "mask", 2), (LUNGS * 0, "mask", 0), (SCORES, "map", 0.9),
    (SCORES * 900 - 300, "map", 510),  # a difference in HU, of both signs
    (np.where(LUNGS, -870.0, -1000.0).astype(np.float32), "healthy", -870),
    (np.where(LUNGS, -870.0, 40.0).astype(np.float32), "healthy", 40)])
def test_a_layer_is_told_by_its_values(tmp_path, array, kind, top):
    ct = Volume(np.full((4, 4, 4), -850, np.float32), AFFINE)
    layer = read_layer(put(tmp_path / "layer.nii.gz", array), ct, LUNGS, "layer")
    assert layer.kind == kind and layer.top == pytest.approx(top, abs=1e-3)
    assert layer.array.min() >= 0 or kind == "healthy"


def test_layers_of_another_grid_and_layers_that_show_nothing_are_refused(tmp_path):
    ct = Volume(np.full((4, 4, 4), -850, np.float32), AFFINE)
    moved = Volume(ct.array, AFFINE + np.eye(4)[:, [3, 0, 1, 2]] * 0 + np.pad([[3.0], [0], [0]], ((0, 1), (3, 0))))
    path = put(tmp_path / "layer.nii.gz", LABELS)
    with pytest.raises(InputError, match=r"the CT's grid, 4 x 4 x 4 voxels of .*, found 4 x 4 x 4 voxels of"):
        read_layer(path, moved, None, "layer")
    with pytest.raises(InputError, match="the CT's shape"):
        read_layer(path, Volume(np.zeros((4, 4, 5), np.float32), AFFINE), None, "layer")
    with pytest.raises(InputError, match="labels from 0 to 20, scores, or an as-if-healthy CT in HU"):
        read_layer(put(tmp_path / "below.nii.gz", np.full((4, 4, 4), -7.5, np.float32)), ct, None, "layer")
