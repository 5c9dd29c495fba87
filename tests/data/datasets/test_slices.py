"""Slices of paper 004: orientation, reading, splitting, edges, and batches that are pure functions of the step."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from covid3dgan import presets
from covid3dgan.data.batches import slice_batches
from covid3dgan.data.classical.edges import canny
from covid3dgan.data.datasets import opening, slices
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.data.phantoms.chest_ct import MEDSEG_PATIENTS, write_medseg_like
from covid3dgan.data.phantoms.medseg import phantom_slices
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError, InputWarning
from covid3dgan.training.ssinfnet.inpainting_plan import Moment

OPTIONS = dataclasses.replace(presets.get("ssinfnet/demo").slices, size=32, per_case=4,
                              validation_share=0.2, test_share=0.3)


def some_slices(patients=10, per_patient=3, size=32):
    rng = np.random.default_rng(0)
    count = patients * per_patient
    return slices.SliceSet(rng.random((count, size, size)).astype(np.float32),
                           rng.integers(0, 3, (count, size, size)).astype(np.uint8),
                           np.repeat([f"p{i}" for i in range(patients)], per_patient),
                           np.array([f"s{i:03d}" for i in range(count)]))


def test_axial_puts_the_front_up_and_the_patient_s_right_on_the_left():
    array = np.zeros((4, 5, 2))
    array[3, 4, 1] = 1  # rightmost, foremost, uppermost in RAS+ order
    assert slices.axial(array)[1, 0, 0] == 1
    np.testing.assert_array_equal(slices.from_axial(slices.axial(array)), array)


def test_slices_do_not_depend_on_the_voxel_order():
    ct = np.random.default_rng(1).uniform(-1000, 400, (32, 32, 6))
    ras = Volume(ct, np.eye(4))
    flipped = Volume(ct[::-1, :, ::-1], np.array([[-1, 0, 0, 31], [0, 1, 0, 0], [0, 0, -1, 5], [0, 0, 0, 1.0]]))
    first, second = (slices.from_volume(v, None, "p", 32, (-1000, 400)) for v in (ras, flipped))
    np.testing.assert_array_equal(first.images, second.images)


def test_window_and_choice_of_slices():
    ct = np.broadcast_to(np.array([-2000.0, -1000, -300, 400, 999, 0, 0, 0]), (32, 32, 8))
    found = slices.from_volume(Volume(ct, np.eye(4)), None, "p", 32, (-1000, 400), per_case=4)
    assert list(found.names) == ["p_001", "p_003", "p_005", "p_007"]
    np.testing.assert_allclose(found.images[:, 0, 0], [0, 1, 1000 / 1400, 1000 / 1400], atol=1e-6)


def test_medseg_like_phantoms_read_back_as_the_real_data_set(tmp_path):
    write_medseg_like(tmp_path, "medseg-like", 2, 3, (48, 48, 12))
    dataset = opening.open_dataset(tmp_path)
    assert dataset.name == "MedSeg"
    found = slices.read_slices(dataset, OPTIONS, labelled=True)
    case = chest_ct.generate(MEDSEG_PATIENTS, 0, 3, (48, 48, 12))
    expected = slices.from_volume(case.ct, case.lesion_classes, "rp_1", 32, OPTIONS.window, 4)
    np.testing.assert_array_equal(found.labels[:4], expected.labels)
    np.testing.assert_allclose(found.images[:4], expected.images, atol=1e-6)
    assert set(found.patients) == {"rp_1", "rp_2"} and found.labels.max() <= 2


def test_semiseg_greys_become_labels(tmp_path):
    for folder, values in (("Imgs", (0, 100, 200)), ("GT", (0, 38, 75))):
        for part in ("LungInfection-Train/Doctor-label", "MultiClassInfection-Train"):
            target = tmp_path / "TrainingSet" / part / folder
            target.mkdir(parents=True)
            picture = np.repeat(np.array(values, np.uint8), 16)[None].repeat(48, 0)
            Image.fromarray(picture).save(target / "1.png")
    found = slices.read_slices(opening.open_dataset(tmp_path), dataclasses.replace(OPTIONS, size=48), labelled=True)
    assert list(found.labels[0, 0, [0, 20, 40]]) == [0, 1, 2]


def test_unlabelled_folder_is_named(tmp_path):
    (tmp_path / "images").mkdir()
    Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32)).save(tmp_path / "images" / "1.png")
    dataset = opening.open_dataset(tmp_path)
    with pytest.raises(InputError, match="cases with ground glass and consolidation labelled"):
        slices.read_slices(dataset, OPTIONS, labelled=True)
    assert slices.read_slices(dataset, OPTIONS, labelled=False).labels is None


def test_phantom_slices_have_both_kinds_of_infection():
    options = dataclasses.replace(OPTIONS, phantom_cases=3, phantom_unlabelled=1, phantom_size=(48, 48, 12))
    labelled, unlabelled = phantom_slices(options, 1)
    assert labelled.images.shape == (12, 32, 32) and unlabelled.labels is None and len(unlabelled) == 4
    assert {0, 1, 2} <= set(np.unique(labelled.labels))


def test_patients_stay_together():
    everything = some_slices()
    parts = slices.split_slices(everything, OPTIONS, 1)
    owners = [set(part.patients) for part in parts]
    assert [len(o) for o in owners] == [5, 2, 3]
    assert set.union(*owners) == set(everything.patients) and sum(len(o) for o in owners) == 10
    again = slices.split_slices(everything, OPTIONS, 1)
    assert [list(p.names) for p in parts] == [list(p.names) for p in again]


def test_image_split_of_the_paper_warns_of_its_leak():
    with pytest.warns(InputWarning, match="test patients are also trained on"):
        slices.split_slices(some_slices(), dataclasses.replace(OPTIONS, split="image"), 1)


def test_too_few_patients_to_split():
    with pytest.raises(InputError, match="at least 3 patients for three parts"):
        slices.split_slices(some_slices(patients=2), OPTIONS, 1)


@pytest.mark.parametrize("number", range(4))
def test_canny_draws_scikit_image_s_edges(number):
    feature = pytest.importorskip("skimage.feature")
    rng = np.random.default_rng(number)
    mask = np.kron(rng.random((8, 8)) < 0.4, np.ones((7, 7))) > 0
    rows, columns = np.mgrid[:56, :56]
    mask ^= np.hypot(rows - 30, columns - 25) < 12
    np.testing.assert_array_equal(canny(mask), feature.canny(mask))
    assert not canny(np.zeros((9, 9))).any()


def test_inpainting_scales():
    grey = np.float32([[[0.0, 0.485, 1.0]]])
    inputs, targets = slice_batches.inpainting_pair(grey, "imagenet")
    assert inputs[0, 0, 1, 0] == pytest.approx(0) and list(targets[0, 0, :, 2]) == pytest.approx([-1, -0.03, 1])
    inputs, targets = slice_batches.inpainting_pair(grey, "potsdam")
    assert inputs[0, 0, 2] == pytest.approx([255 - 85.55, 255 - 92.67, 255 - 86.81], rel=1e-6)
    assert targets[0, 0, 0, 0] == pytest.approx(-85.55 / (3 * 32.89)) and targets[0, 0, 2, 0] == 1.0


def plan(step):
    return Moment("coach" if step % 2 else "network", 0.1, False, False)


def test_batches_depend_on_seed_and_step_alone():
    everything = some_slices()
    preset = presets.get("ssinfnet/demo")
    inpainting = dataclasses.replace(preset.single_inpainting, crop=32, batch_size=4)
    augmented = dataclasses.replace(preset.single, augment=True, batch_size=4)
    priors = everything.infection

    def makers(seed):
        return [slice_batches.inpainting_batches(everything.images, None, inpainting, plan, 5, seed),
                slice_batches.inpainting_batches(everything.images, priors, inpainting, plan, 5, seed),
                slice_batches.single_batches(everything, augmented, lambda s: 0.1, seed),
                slice_batches.multi_batches(everything, priors, dataclasses.replace(preset.multi, augment=True), seed)]

    for first, again, other in zip(makers(1), makers(1), makers(2)):
        for name, value in first(7).items():
            np.testing.assert_array_equal(value, again(7)[name])
        assert np.abs(first(7)["image"] - first(8)["image"]).max() > 0
        assert np.abs(first(7)["image"] - other(7)["image"]).max() > 0
    noise = makers(1)[0](0)
    assert noise["noise"].shape == (4, 2, 2, 5) and noise["random_scores"].shape == (4, 2, 2, 1)


def test_the_edge_head_paints_edges_where_the_preset_says_so():
    """I04: the paper's words ask for edges, in the target's range of -1 to 1; the code paints the image."""
    pictures = np.zeros((4, 32, 32), np.float32)
    pictures[:, :, 16:] = 1.0
    options = dataclasses.replace(presets.get("ssinfnet/paper").single_inpainting, crop=32, batch_size=4)
    batch = slice_batches.inpainting_batches(pictures, None, options, plan, 5, 1)(0)
    assert batch["edge"].shape == (4, 32, 32, 3) and set(np.unique(batch["edge"])) == {-1, 1}
    assert (batch["edge"][..., 0] > 0).sum((1, 2)).max() <= 64  # one line, not a half
    options = dataclasses.replace(options, edge_target="image")
    assert "edge" not in slice_batches.inpainting_batches(pictures, None, options, plan, 5, 1)(0)


def test_image_and_prior_are_cropped_alike_unless_as_published():
    size = 48
    pictures = np.random.default_rng(2).random((6, size, size)).astype(np.float32)
    options = dataclasses.replace(presets.get("ssinfnet/demo").multi_inpainting, crop=32, batch_size=6)
    for aligned in (True, False):
        changed = dataclasses.replace(options, aligned_prior=aligned)
        batch = slice_batches.inpainting_batches(pictures, pictures, changed, plan, 5, 1)(0)
        assert np.array_equal(batch["image"][..., :3], batch["image"][..., 3:]) is aligned


def test_edges_follow_the_augmented_mask():
    preset = dataclasses.replace(presets.get("ssinfnet/demo").single, augment=True, batch_size=8)
    batch = slice_batches.single_batches(some_slices(), preset, lambda s: 0.1, 1)(3)
    for mask, edge in zip(batch["mask"][..., 0], batch["edge"][..., 0]):
        np.testing.assert_array_equal(edge > 0, canny(mask))


def test_without_priors_the_same_slices_are_augmented_alike():
    """The U-Net of Table III sees the image alone; its batches differ from the others' in nothing else."""
    options = dataclasses.replace(presets.get("ssinfnet/demo").multi, augment=True, batch_size=8)
    alone = slice_batches.multi_batches(some_slices(), None, options, 1)(3)
    beside = slice_batches.multi_batches(some_slices(), some_slices().images, options, 1)(3)
    np.testing.assert_array_equal(alone["image"], beside["image"][..., :3])
    np.testing.assert_array_equal(alone["target"], beside["target"])


def test_the_image_split_has_the_papers_counts():
    """I27: 698, 114 and 117 of the 929 slices that the paper's three parts have together."""
    everything = some_slices(patients=929, per_patient=1, size=1)
    for name in ("ssinfnet/paper", "ssinfnet/published"):
        parts = slices.split_slices(everything, presets.get(name).slices, 0)
        assert [len(part) for part in parts] == [698, 114, 117]
        assert len({slice_name for part in parts for slice_name in part.names}) == 929


def test_file_order_where_the_preset_does_not_shuffle():
    everything = some_slices(patients=2)
    options = dataclasses.replace(presets.get("ssinfnet/published").multi, batch_size=4)
    at = slice_batches.multi_batches(everything, None, options, 1)
    np.testing.assert_array_equal(at(1)["target"], slice_batches.one_hot(everything.labels[[4, 5, 0, 1]]))
