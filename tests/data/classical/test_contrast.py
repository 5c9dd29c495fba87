"""Adaptive histogram equalisation against OpenCV, and the preparation of angiograms."""

import numpy as np
import pytest

from covid3dgan.data.classical.contrast import clahe, prepare_angiogram
from covid3dgan.data.phantoms.angiograms import angiogram


@pytest.mark.parametrize("size", [256, 200])
def test_clahe_equals_opencv(size):
    """Without clipping: OpenCV gives the clipped excess to the darkest levels first, here it is spread evenly."""
    cv2 = pytest.importorskip("cv2")
    image = (angiogram(0, 0, 256)[0][:size, :size] * 255).astype(np.uint8)
    theirs = cv2.createCLAHE(clipLimit=256.0, tileGridSize=(8, 8)).apply(image)
    ours = clahe(image / 255.0, tiles=8, clip=256.0) * 255
    # Theirs interpolates from pixel corners, ours from pixel centres.
    assert np.abs(ours - theirs).max() < 10
    assert np.abs(ours - theirs).mean() < 1.5


def test_the_clip_limit_by_hand():
    """1024 pixels, 4 a level; clip 2 keeps 8 of 512 at level 64, and the excess of 504 is spread over 256 levels."""
    image = np.full((32, 32), 128 / 255)
    image[:16] = 64 / 255
    result = clahe(image, tiles=1, clip=2.0)
    # Both halves are clipped to 8: 16 + 2 * 504 = 1024.
    share = 2 * 504 / 256
    assert result[0, 0] == pytest.approx((8 + 65 * share) / 1024, rel=1e-5)
    assert result[31, 31] == pytest.approx((16 + 129 * share) / 1024, rel=1e-5)


def test_clahe_widens_a_narrow_range_and_keeps_the_order():
    image = np.tile(np.linspace(0.4, 0.6, 64), (64, 1))
    stretched = clahe(image, tiles=1, clip=100.0)
    assert stretched.min() < 0.05 and stretched.max() == pytest.approx(1.0)
    assert (np.diff(stretched[0]) >= 0).all()


def test_preparation_can_be_turned_off():
    image = np.random.default_rng(0).random((32, 32)).astype(np.float32)
    assert prepare_angiogram(image, median=1, clip=0) is image
    spike = np.zeros((32, 32), np.float32)
    spike[16, 16] = 1.0
    assert not prepare_angiogram(spike, median=3, clip=0).any()
