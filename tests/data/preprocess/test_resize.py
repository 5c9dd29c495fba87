"""resize: the same numbers as scikit-image's resize and scipy's zoom, and refusals."""

import warnings

import numpy as np
import pytest
import skimage.transform
from scipy import ndimage

from covid3dgan.data.preprocess import resize
from covid3dgan.errors import ArgumentError

SHAPES = [  # old, new
    ((12, 20, 28), (26, 33, 4)),
    ((40, 17, 9), (32, 17, 18)),
    ((1, 30, 30), (5, 12, 40)),
    ((6, 7, 8), (1, 1, 1)),
    ((31, 64, 63), (32, 64, 64)),
]


@pytest.mark.parametrize("order", [1, 3, 5])
@pytest.mark.parametrize("offset", [0.0, 500.0, -700.0])
@pytest.mark.parametrize("old, new", SHAPES)
def test_equals_scikit_image(old, new, offset, order):
    array = 100 * np.random.default_rng(1).standard_normal(old) + offset
    wanted = skimage.transform.resize(array, new, order=order, mode="constant", anti_aliasing=True)
    np.testing.assert_allclose(resize.resize(array, new, order), wanted, atol=1e-8)


@pytest.mark.parametrize("old, new", SHAPES[:2] + [((7, 50, 49), (7, 35, 34)), ((3, 91, 16), (8, 37, 16))])
def test_zoom_matrices_equal_scipy_zoom(old, new):
    array = np.random.default_rng(2).standard_normal(old)
    wanted = ndimage.zoom(array, np.divide(new, old), order=3, mode="constant")
    found = resize.apply(array, [resize.zoom_matrix(a, b, 3) for a, b in zip(old, new)])
    np.testing.assert_allclose(found, wanted, atol=1e-10)


@pytest.mark.parametrize("x, y", [(8, 8), (9, 13), (13, 9), (8, 13), (13, 8)])
def test_centre_matrices_equal_a_rotation_without_reshape(x, y):
    array = np.random.default_rng(3).standard_normal((x, y, 2))
    wanted = ndimage.rotate(array, -90, reshape=False, order=3)
    turned = array.transpose(2, 1, 0)[:, :, ::-1]
    found = resize.apply(turned, [None, resize.centre_matrix(y, x, 3), resize.centre_matrix(x, y, 3)])
    np.testing.assert_allclose(found.transpose(1, 2, 0), wanted, atol=1e-10)


def test_apply_does_not_depend_on_the_order_of_axes():
    rng = np.random.default_rng(4)
    array = rng.standard_normal((6, 7, 8))
    for slices in (3, 6, 11):  # fewer slices are made first, more slices last
        matrices = [rng.standard_normal((slices, 6)), rng.standard_normal((5, 7)), rng.standard_normal((9, 8))]
        np.testing.assert_allclose(resize.apply(array, matrices), np.einsum("abc,ia,jb,kc->ijk", array, *matrices),
                                   atol=1e-10)


@pytest.mark.parametrize("slab", [1, 250])
def test_slabs_of_any_size_give_every_number_of_one_product(slab, monkeypatch):
    volume = np.random.default_rng(1).normal(size=(9, 11, 13)).astype(np.float32)
    matrices = [resize.resize_matrix(9, 4, 1), None, resize.resize_matrix(13, 17, 3)]
    once = np.einsum("za,abc->zbc", matrices[0], volume.astype(np.float64)).astype(np.float32)
    once = np.einsum("xc,zbc->zbx", matrices[2], once.astype(np.float64))
    monkeypatch.setattr(resize, "SLAB", slab)
    np.testing.assert_allclose(resize.apply(volume, matrices), once, rtol=0, atol=1e-6)


@pytest.mark.parametrize("turn", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_long_axes_in_any_layout_and_rows_of_zeros(turn):
    rng = np.random.default_rng(5)
    array = rng.normal(size=np.take((90, 6, 150), turn)).astype(np.float32).transpose(np.argsort(turn))
    matrices = [resize.resize_matrix(90, 140, 3).copy(), rng.standard_normal((7, 6)), resize.zoom_matrix(150, 131, 3)]
    matrices[1][[0, 3, 6]] = 0  # the outer ones are never computed
    matrices[0][64:128] = 0     # one whole block
    wanted = np.einsum("abc,ia,jb,kc->ijk", array.astype(np.float64), *matrices, optimize=True)
    for layout in "CK":
        found = resize.apply(array, matrices, layout)
        assert found.dtype == np.float32 and found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    place = [np.argsort(np.negative(part.strides)).tolist() for part in (array, found)]
    assert place[0] == place[1]
    assert not resize.apply(array, [matrices[0], np.zeros((3, 6)), None]).any()


def test_cached_matrices_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        resize.resize_matrix(8, 4, 5)[0, 0] = 1


def test_no_warning_is_raised():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resize.resize(np.zeros((3, 5, 6)), (4, 2, 9))
        resize.centre_matrix(5, 8, 3)


@pytest.mark.parametrize("shape", [(32, 128), (0, 8, 8), "abc", (8, 8, 8, 1)])
def test_bad_shapes_are_refused(shape):
    with pytest.raises(ArgumentError, match="shape: expected three positive sizes"):
        resize.resize(np.zeros((4, 4, 4)), shape)
