"""``covid3dgan.view_in_notebook``: what the widget is given; no browser."""

import gzip
import sys

import nibabel
import numpy as np
import pytest

import covid3dgan
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.inference.lesions import Prediction


@pytest.fixture
def segmented():
    """A CT whose axes run left, posterior, up, with one lung and a lesion in it, far from its edges."""
    array = np.full((40, 36, 24), 40, np.float32)
    lungs, mask = np.zeros(array.shape, np.uint8), np.zeros(array.shape, np.uint8)
    lungs[12:28, 12:24, 8:16] = 1
    array[lungs > 0] = -850
    mask[20:24, 14:18, 10:12] = 1
    ct = Volume(array, np.array([[-3.0, 0, 0, 100], [0, -3.0, 0, 80], [0, 0, 5.0, -50], [0, 0, 0, 1]]))
    return ct, Prediction(mask, mask.astype(np.float32), lungs, {})


def test_the_widget_gets_the_ct_in_hu_and_the_masks_at_their_places(segmented):
    pytest.importorskip("ipyniivue")
    ct, found = segmented
    given = {volume.name: volume for volume in covid3dgan.view_in_notebook(ct, found).volumes}
    assert list(given) == ["ct.nii.gz", "lungs.nii.gz", "infection.nii.gz"]
    assert (given["ct.nii.gz"].cal_min, given["ct.nii.gz"].cal_max) == (-1350, 150)
    assert given["infection.nii.gz"].colormap == "red"
    images = {name: nibabel.Nifti1Image.from_bytes(gzip.decompress(volume.data)) for name, volume in given.items()}
    assert images["ct.nii.gz"].shape < ct.shape  # cut to the lungs and 12 mm round them
    lesion = np.argwhere(images["infection.nii.gz"].get_fdata() > 0)
    places = {tuple(np.round(images["infection.nii.gz"].affine @ [*index, 1], 3)[:3]) for index in lesion}
    assert places == {tuple(np.round(ct.affine @ [*index, 1], 3)[:3]) for index in np.argwhere(found.mask)}
    x, y, z = lesion[0]
    assert images["ct.nii.gz"].get_fdata()[x, y, z] == pytest.approx(-850, abs=3)


def test_a_ct_alone_is_shown_whole(segmented):
    pytest.importorskip("ipyniivue")
    [volume] = covid3dgan.view_in_notebook(segmented[0]).volumes
    assert nibabel.Nifti1Image.from_bytes(gzip.decompress(volume.data)).shape == segmented[0].shape


def test_another_ct_and_a_missing_package_have_their_sentences(segmented, monkeypatch):
    ct, found = segmented
    monkeypatch.setitem(sys.modules, "ipyniivue", None)
    with pytest.raises(InputError, match=r"expected the package ipyniivue, found it is not installed"):
        covid3dgan.view_in_notebook(ct, found)
    monkeypatch.setitem(sys.modules, "ipyniivue", object())
    with pytest.raises(InputError, match="expected the CT that was segmented, of shape"):
        covid3dgan.view_in_notebook(Volume(ct.array[:-1], ct.affine), found)
