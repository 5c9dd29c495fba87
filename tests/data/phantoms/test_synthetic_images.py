"""Synthetic blood smears and angiograms."""

import numpy as np
import pytest

from covid3dgan.data.phantoms.angiograms import FOREGROUND, angiogram
from covid3dgan.data.phantoms.cells import DENSE, SPARSE, blood_smear


@pytest.mark.parametrize("make, foreground", [(blood_smear, SPARSE), (blood_smear, DENSE), (angiogram, FOREGROUND)])
def test_foreground_is_dark_and_its_share_is_the_papers(make, foreground):
    made = [make(1, number, foreground=foreground) for number in range(6)]
    assert np.mean([mask.mean() for _, mask in made]) == pytest.approx(foreground, rel=0.2)
    for image, mask in made:
        assert image.dtype == np.float32 and mask.dtype == bool and image.shape == mask.shape == (256, 256)
        assert 0 <= image.min() and image.max() <= 1
        assert image[mask].mean() < image[~mask].mean() - 0.05


@pytest.mark.parametrize("make", [blood_smear, angiogram])
def test_same_arguments_same_pixels(make):
    first, again, other = make(3, 4, 128), make(3, 4, 128), make(4, 4, 128)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_cells_overlap_have_pallor_and_sit_in_uneven_light():
    from scipy import ndimage

    image, mask = blood_smear(1, 0, foreground=DENSE)
    sizes = np.bincount(ndimage.label(mask)[0].ravel())[1:]
    assert sizes.max() > 2.5 * np.median(sizes)  # clumps
    quarters = [image[rows, columns][~mask[rows, columns]].mean()
                for rows in (slice(0, 64), slice(192, 256)) for columns in (slice(0, 64), slice(192, 256))]
    assert max(quarters) - min(quarters) > 0.03


def test_vessels_taper_and_branch():
    from scipy import ndimage

    _, mask = angiogram(1, 1)
    inside = ndimage.distance_transform_edt(mask)
    ridge = inside[(inside == ndimage.maximum_filter(inside, 3)) & mask]
    assert ridge.max() > 3 * np.percentile(ridge, 20)
