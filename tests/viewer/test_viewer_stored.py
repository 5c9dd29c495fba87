"""How volumes lie in the page: cut, coarser, in bytes, and in the right place in millimetres."""

import base64
import gzip

import nibabel as nib
import numpy as np
import pytest

from covid3dgan.data.volumes import Volume
from covid3dgan.viewer import stored


def decoded(text):
    """(array, affine, header) of what ``encode`` returned."""
    image = nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(text)))
    return np.asarray(image.dataobj), image.affine, image.header


def world(affine, voxel):
    return (affine @ [*voxel, 1])[:3]


@pytest.fixture
def volume():
    """40 x 30 x 20 voxels of 2 x 3 x 5 mm, each its own value."""
    affine = np.array([[2.0, 0, 0, -11], [0, 3, 0, 7], [0, 0, 5, 100], [0, 0, 0, 1]])
    return Volume(np.arange(24000, dtype=np.float32).reshape(40, 30, 20), affine)


def test_the_frame_is_the_lungs_with_a_margin(volume):
    lungs = np.zeros(volume.shape)
    lungs[10:20, 3:28, 8] = 1
    frame = stored.frame_for(volume, lungs)
    # 12 mm are 6, 4 and 3 voxels; the grid ends at 0 and 30.
    assert frame.part == (slice(4, 26), slice(0, 30), slice(5, 12)) and frame.factors == (1, 1, 1)
    np.testing.assert_allclose(world(frame.affine, (0, 0, 0)), world(volume.affine, (4, 0, 5)))
    assert np.array_equal(frame.mean(volume.array), volume.array[frame.part])


def test_coarser_frames_average_blocks_about_their_middle(volume):
    frame = stored.frame_for(volume)
    coarse = frame.coarser()
    assert coarse.factors == (2, 1, 1)  # x was the finest
    assert coarse.coarser().factors == (2, 2, 1) and coarse.coarser().coarser().factors == (4, 2, 1)
    np.testing.assert_allclose(coarse.mean(volume.array)[3, 4, 5], volume.array[6:8, 4, 5].mean())
    np.testing.assert_allclose(world(coarse.affine, (3, 4, 5)), world(volume.affine, (6.5, 4, 5)))
    twice = coarse.coarser().coarser()
    np.testing.assert_allclose(world(twice.affine, (0, 0, 0)), world(volume.affine, (1.5, 0.5, 0)))


def test_a_small_lesion_stays_in_a_coarse_mask_and_an_odd_size_loses_no_edge(volume):
    mask = np.zeros(volume.shape, np.uint8)
    mask[39, 29, 19] = 3
    frame = stored.Frame((slice(1, 40), slice(0, 30), slice(0, 20)), (4, 4, 4), volume.affine)
    found = frame.largest(mask)
    assert found.shape == (10, 8, 5) and found[9, 7, 4] == 3 and np.count_nonzero(found) == 1


def test_hounsfield_units_come_back_to_the_nearest_six():
    values = np.array([[[-2000.0, -1024, -850, 0, 40, 506, 3000]]], np.float32)
    array, _, _ = decoded(stored.encode(stored.of_hu(values), np.eye(4), stored.HU_STEP, stored.HU_LOW))
    inside = np.clip(values, -1024, 506)
    assert np.abs(array - inside).max() <= 3 and array[0, 0, 0] == -1024 and array[0, 0, -1] == 506


def test_a_map_keeps_its_zero_and_what_is_just_above_it():
    scores = np.array([[[0.0, 1e-6, 0.5, 1.0]]], np.float32)
    array, _, _ = decoded(stored.encode(stored.in_bytes(scores, 1.0), np.eye(4), 1 / 255))
    np.testing.assert_allclose(array[0, 0], [0, 1 / 255, 128 / 255, 1], atol=1e-6)
    assert not stored.in_bytes(np.zeros((2, 2, 2)), 0.0).any()


def test_nibabel_reads_what_is_encoded_and_the_same_volume_gives_the_same_text(volume):
    mask = (volume.array > 12000).astype(np.uint8)
    text = stored.encode(mask, volume.affine)
    array, affine, header = decoded(text)
    assert np.array_equal(array, mask) and header.get_data_dtype() == np.uint8 and int(header["sform_code"]) == 1
    np.testing.assert_allclose(affine, volume.affine)
    assert text == stored.encode(mask.copy(order="C"), volume.affine)
