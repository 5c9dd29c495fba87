"""Volumes in and out: values, geometry in every orientation, and files that are written back as they came."""

import itertools

import nibabel as nib
import numpy as np
import pytest
from nifti_files import chest, nifti_bytes, save, save_ct

from covid3dgan.data import volumes
from covid3dgan.data.files import geometry, nifti
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError


def signed_permutations():
    """The 48 ways to lay three voxel axes along three world axes."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[order, range(3)] = signs
            yield matrix


ORIENTATIONS = list(signed_permutations())
SPACING = np.array([0.7, 1.1, 5.0])


def affine_of(directions):
    return nib.affines.from_matvec(directions @ np.diag(SPACING), [-120.5, 33.25, 810.0])


def oblique():
    """Rotated by 20, -15 and 10 degrees around x, y and z."""
    turns = [nib.eulerangles.euler2mat(x=np.deg2rad(20)), nib.eulerangles.euler2mat(y=np.deg2rad(-15)),
             nib.eulerangles.euler2mat(z=np.deg2rad(10))]
    return affine_of(turns[2] @ turns[1] @ turns[0])


ALL_AFFINES = [affine_of(directions) for directions in ORIENTATIONS] + [oblique()]


def test_there_are_48_orientations_and_each_has_its_own_name():
    assert len({geometry.orientation_name(affine) for affine in ALL_AFFINES[:48]}) == 48


@pytest.mark.parametrize("affine", ALL_AFFINES, ids=geometry.orientation_name)
def test_every_orientation_comes_back_exactly(affine, tmp_path):
    path = save_ct(tmp_path / "ct.nii.gz", affine=affine)
    ct = volumes.read(path)
    reference = nib.load(path)
    np.testing.assert_array_equal(ct.array, np.asarray(reference.dataobj))
    np.testing.assert_array_equal(ct.affine, reference.affine)
    np.testing.assert_allclose(ct.spacing, SPACING, rtol=1e-6)

    canonical, expected = ct.canonical(), nib.as_closest_canonical(reference)
    np.testing.assert_array_equal(canonical.array, np.asarray(expected.dataobj))
    np.testing.assert_allclose(canonical.affine, expected.affine, atol=1e-9)
    assert canonical.orientation == "RAS"

    mask = canonical.array > 0
    back = ct.from_canonical(mask)
    np.testing.assert_array_equal(back.array, ct.array > 0)
    volumes.write(back, tmp_path / "mask.nii.gz")
    written = nib.load(tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(written.affine, reference.affine)
    np.testing.assert_array_equal(np.asarray(written.dataobj), np.asarray(reference.dataobj) > 0)
    assert written.get_data_dtype() == np.uint8


@pytest.mark.parametrize("affine", ALL_AFFINES, ids=geometry.orientation_name)
def test_canonical_order_moves_no_voxel_in_the_world(affine):
    array = np.zeros((6, 5, 4), np.float32)
    array[4, 1, 2] = 7
    volume = Volume(array, affine)
    canonical = volume.canonical()
    place = np.argwhere(canonical.array == 7)[0]
    np.testing.assert_allclose(canonical.affine @ [*place, 1], affine @ [4, 1, 2, 1], atol=1e-9)


def test_an_array_of_another_shape_has_no_place_on_the_grid():
    volume = Volume(np.zeros((6, 5, 4)), np.eye(4))
    with pytest.raises(InputError, match=r"expected an array of shape \(6, 5, 4\), found \(4, 5, 6\)"):
        volume.like(np.zeros((4, 5, 6)))


CODES = [(1, 1), (1, 0), (0, 1), (2, 1), (4, 3)]


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("sform_code, qform_code", CODES)
def test_written_files_keep_shape_affine_codes_and_spacing(sform_code, qform_code, kind, tmp_path):
    image = kind(chest(), np.eye(4))
    image.header.set_zooms((0.7, 1.1, 5.0))
    image.set_qform(oblique(), qform_code)
    image.set_sform(affine_of(ORIENTATIONS[21]), sform_code)
    image.header["descrip"] = b"kept"
    nib.save(image, tmp_path / "ct.nii.gz")
    before = nib.load(tmp_path / "ct.nii.gz")

    ct = volumes.read(tmp_path / "ct.nii.gz")
    assert (ct.sform_code, ct.qform_code) == (sform_code, qform_code)
    volumes.write(ct.like(ct.array > 0), tmp_path / "mask.nii.gz")
    after = nib.load(tmp_path / "mask.nii.gz")
    assert type(after) is kind
    assert after.shape == before.shape
    for name in ("sform_code", "qform_code", "pixdim", "srow_x", "quatern_b", "qoffset_x", "xyzt_units", "descrip"):
        np.testing.assert_array_equal(after.header[name], before.header[name], err_msg=name)
    np.testing.assert_array_equal(after.affine, before.affine)


def test_no_orientation_in_the_file_is_a_doubt_and_is_kept(tmp_path):
    save_ct(tmp_path / "ct.nii", sform_code=0, qform_code=0)
    with pytest.warns(match="expected an orientation .* found neither, so left and right are a guess"):
        ct = volumes.read(tmp_path / "ct.nii")
    volumes.write(ct, tmp_path / "out.nii")
    after = nib.load(tmp_path / "out.nii")
    assert (after.header["sform_code"], after.header["qform_code"]) == (0, 0)
    np.testing.assert_array_equal(after.affine, nib.load(tmp_path / "ct.nii").affine)


@pytest.mark.parametrize("code, unit", [(1, "metre"), (3 + 8, "micrometre"), (240 + 5, "code 5")])
def test_other_units_are_a_doubt(code, unit, tmp_path):
    save_ct(tmp_path / "ct.nii", xyzt_units=code)
    with pytest.warns(match=f"expected millimetres, found the unit {unit}, taken as millimetres; check its spacing"):
        volumes.read(tmp_path / "ct.nii")


def test_a_fourth_axis_of_one_is_kept(tmp_path):
    save_ct(tmp_path / "ct.nii", chest((6, 5, 4, 1)))
    ct = volumes.read(tmp_path / "ct.nii")
    assert ct.shape == (6, 5, 4)
    volumes.write(ct, tmp_path / "out.nii")
    assert nib.load(tmp_path / "out.nii").shape == (6, 5, 4, 1)


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f4", "f8", ">i2", ">f4"])
def test_every_number_type_reads_as_nibabel_reads_it(dtype, tmp_path):
    array = np.arange(-60, 60).reshape(6, 5, 4)
    array = (array + 60 if np.dtype(dtype).kind == "u" else array).astype(dtype)
    header = nib.Nifti1Header(endianness=">" if dtype.startswith(">") else "<")
    image = nib.Nifti1Image(array, np.diag([1.0, 2, 3, 1]), header, dtype=array.dtype.newbyteorder("="))
    nib.save(image, tmp_path / "ct.nii")
    ct = volumes.read_labels(tmp_path / "ct.nii") if array.min() >= 0 else volumes.read(tmp_path / "ct.nii")
    assert ct.array.dtype == np.float32
    np.testing.assert_array_equal(ct.array, nib.load(tmp_path / "ct.nii").get_fdata())


def test_scaled_values_read_as_nibabel_reads_them(tmp_path):
    save_ct(tmp_path / "ct.nii", chest() + 1024, scl_slope=1.5, scl_inter=-1000.25)
    expected = nib.load(tmp_path / "ct.nii").get_fdata().astype(np.float32)
    np.testing.assert_array_equal(volumes.read(tmp_path / "ct.nii").array, expected)


def test_content_counts_and_not_the_name(tmp_path):
    plain = save(tmp_path / "plain.nii", nifti_bytes(chest()))
    plain.rename(tmp_path / "named_wrong.nii.gz")
    np.testing.assert_array_equal(volumes.read(tmp_path / "named_wrong.nii.gz").array, chest())


@pytest.mark.parametrize("array, stored", [
    (np.zeros((3, 4, 5), bool), np.uint8), (np.full((3, 4, 5), 7, np.uint8), np.uint8),
    (np.full((3, 4, 5), -1024), np.int16), (np.full((3, 4, 5), 32767.0), np.int16),
    (np.full((3, 4, 5), 32768.0), np.float32), (np.full((3, 4, 5), 0.25), np.float32)])
def test_values_are_stored_small_and_without_loss(array, stored, tmp_path):
    volumes.write(Volume(array, np.diag([1.0, 2, 3, 1])), tmp_path / "v.nii.gz")
    image = nib.load(tmp_path / "v.nii.gz")
    assert image.get_data_dtype() == stored
    np.testing.assert_array_equal(np.asarray(image.dataobj), array)
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)
    np.testing.assert_array_equal(image.header.get_zooms(), (1, 2, 3))


def test_a_sheared_affine_is_written_without_a_qform(tmp_path):
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    affine[1, 2] = 1.2
    volumes.write(Volume(chest(), affine), tmp_path / "v.nii")
    image = nib.load(tmp_path / "v.nii")
    np.testing.assert_allclose(image.affine, affine, atol=1e-6)
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 0)


def test_same_volume_same_bytes(tmp_path):
    ct = Volume(chest((20, 20, 20)), np.eye(4))
    volumes.write(ct, tmp_path / "a.nii.gz")
    volumes.write(ct, tmp_path / "b.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_nothing_is_overwritten_unasked(tmp_path):
    ct = Volume(chest(), np.eye(4))
    volumes.write(ct, tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match="expected a path that does not exist yet"):
        volumes.write(ct.like(ct.array + 1), tmp_path / "a.nii.gz")
    volumes.write(ct.like(ct.array + 1), tmp_path / "a.nii.gz", overwrite=True)
    np.testing.assert_array_equal(volumes.read(tmp_path / "a.nii.gz").array, chest() + 1)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected a name that ends in .nii or .nii.gz, found the name 'a.npy'"):
        volumes.write(Volume(chest(), np.eye(4)), tmp_path / "a.npy")


@pytest.mark.parametrize("damage", ["affine", "codes", "values"])
def test_a_file_that_does_not_read_back_equal_is_not_kept(damage, tmp_path, monkeypatch):
    encode = nifti.encode

    def damaged(array, header, compress):
        header = header.copy()
        if damage == "affine":
            header["srow_x"][3] += 1
        elif damage == "codes":
            header["qform_code"] = 2
        else:
            array = array + array.dtype.type(1)
        return encode(array, header, compress)

    ct = Volume(chest(), np.eye(4))
    volumes.write(ct, tmp_path / "ct.nii.gz")
    before = (tmp_path / "ct.nii.gz").read_bytes()
    monkeypatch.setattr(nifti, "encode", damaged)
    with pytest.raises(InputError, match="expected the written file to equal its volume"):
        volumes.write(ct, tmp_path / "ct.nii.gz", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["ct.nii.gz"]
    assert (tmp_path / "ct.nii.gz").read_bytes() == before


def test_masks_are_zero_and_one_whatever_the_labels(tmp_path):
    labels = np.zeros((6, 5, 4), np.uint8)
    labels[1], labels[2] = 1, 255
    save_ct(tmp_path / "mask.nii.gz", labels)
    mask = volumes.read_mask(tmp_path / "mask.nii.gz")
    assert mask.array.dtype == np.uint8
    np.testing.assert_array_equal(mask.array, labels > 0)
    np.testing.assert_array_equal(volumes.read_labels(tmp_path / "mask.nii.gz").array, labels)


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan])
def test_a_mask_of_other_values_is_refused(value, tmp_path):
    array = np.zeros((6, 5, 4), np.float32)
    array[2, 2, 2] = value
    save_ct(tmp_path / "mask.nii", array)
    with pytest.raises(InputError, match="expected a mask with whole labels, 0 for background, found values from"):
        volumes.read_mask(tmp_path / "mask.nii")


@pytest.mark.parametrize("stored, highest", [([0, 102, 255], 255), ([0.0, 0.4, 1.0], 1)])
def test_a_stored_window_is_brought_back_to_hu(stored, highest, tmp_path):
    array = np.resize(np.array(stored, np.float32), (6, 5, 4))
    save_ct(tmp_path / "ct.nii", array)
    ct = volumes.read(tmp_path / "ct.nii", strict=True, window=(-1250, 250))
    np.testing.assert_allclose(ct.array, -1250 + array * 1500 / highest, atol=1e-3)
    assert set(np.round(np.unique(ct.array))) == {-1250, -650, 250}


def test_a_file_in_hu_is_left_as_it_is_by_a_window(tmp_path):
    save_ct(tmp_path / "ct.nii")
    np.testing.assert_array_equal(volumes.read(tmp_path / "ct.nii", window=(-1250, 250)).array, chest())


@pytest.mark.parametrize("kwargs, text", [
    ({"affine": np.eye(3)}, "expected an invertible 4x4 affine"),
    ({"affine": np.diag([1.0, 0, 1, 1])}, "expected an invertible 4x4 affine"),
    ({"array": np.zeros((3, 4))}, "expected an array with 3 axes"),
    ({"spacing": (1, 1, 2)}, "expected the spacing of the affine")])
def test_a_volume_must_hold_together(kwargs, text):
    with pytest.raises(InputError, match=text):
        Volume(**{"array": np.zeros((3, 4, 5)), "affine": np.eye(4), **kwargs})


def test_repr_shows_the_geometry():
    text = repr(Volume(np.zeros((3, 4, 5)), np.diag([-1.0, 1, 2.5, 1]), source="ct.nii.gz"))
    assert text == "Volume(3 x 4 x 5 float32, 1 x 1 x 2.5 mm, LAS, source='ct.nii.gz')"


def test_same_grid_allows_rounding_but_no_flip():
    affine = affine_of(np.eye(3))
    near, shifted = affine.copy(), affine.copy()
    flipped = affine @ nib.affines.from_matvec(np.diag([-1, 1, 1]), [5, 0, 0])
    near[0, 3] += 0.01
    shifted[0, 3] += 0.7
    assert geometry.same_grid((6, 5, 4), affine, (6, 5, 4), near)
    assert not geometry.same_grid((6, 5, 4), affine, (6, 5, 4), shifted)
    assert not geometry.same_grid((6, 5, 4), affine, (6, 5, 4), flipped)
    assert not geometry.same_grid((6, 5, 4), affine, (6, 4, 5), affine)


def test_a_real_chest_ct_reads_right(shared_data, tmp_path):
    path = shared_data / "chest_ct_64.nii.gz"
    ct, lungs = volumes.read(path, strict=True), volumes.read_mask(shared_data / "chest_ct_64_lungs.nii.gz")
    assert ct.shape == lungs.shape == (64, 64, 79)
    assert ct.orientation == "LPS"
    assert geometry.same_grid(ct.shape, ct.affine, lungs.shape, lungs.affine)
    # The label lies on air (an emphysematous lung, near -920 HU), and the spine is behind the lungs.
    assert -950 < np.median(ct.array[lungs.array > 0]) < -700
    canonical, inside = ct.canonical().array, geometry.to_canonical(lungs.array, lungs.affine)
    bone = np.argwhere(canonical > 250)[:, 1].mean()
    assert bone < np.argwhere(inside > 0)[:, 1].mean()
    volumes.write(ct, tmp_path / "again.nii.gz")
    before, after = nib.load(path), nib.load(tmp_path / "again.nii.gz")
    np.testing.assert_array_equal(np.asarray(after.dataobj), np.asarray(before.dataobj))
    for name in ("dim", "pixdim", "sform_code", "qform_code", "srow_x", "srow_y", "srow_z", "quatern_b", "qoffset_x"):
        np.testing.assert_array_equal(after.header[name], before.header[name], err_msg=name)
