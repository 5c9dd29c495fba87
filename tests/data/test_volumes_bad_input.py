"""Each way in which a CT can be unusable has its own sentence, from the library and from the command line (exit 1)."""

import os
import re
import shutil
import tempfile
import tracemalloc
import warnings
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nifti_files import chest, nifti_bytes, save, save_ct

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.files import checks
from covid3dgan.errors import InputError, InputWarning

NOISE = bytes(np.random.default_rng(0).integers(0, 256, 60000, dtype=np.uint8))


def with_value(value):
    array = chest().astype(np.float32)
    array[1, 2, 3] = value
    return array


def missing(folder):
    return folder / "ct.nii.gz"


def empty(folder):
    return save(folder / "ct.nii", b"")


def truncated_gzip(folder):
    path = save_ct(folder / "ct.nii.gz", chest((40, 40, 20)))
    path.write_bytes(path.read_bytes()[:-9000])
    return path


def gzip_cut_in_the_header(folder):
    path = save_ct(folder / "ct.nii.gz", chest((40, 40, 20)))
    path.write_bytes(path.read_bytes()[:60])
    return path


def damaged_gzip(folder):
    path = save_ct(folder / "ct.nii.gz", chest((40, 40, 20)))
    content = bytearray(path.read_bytes())
    content[-8] ^= 0xFF  # the checksum of the whole content
    path.write_bytes(bytes(content))
    return path


def garbled_gzip(folder):
    path = save_ct(folder / "ct.nii.gz", chest((40, 40, 20)))
    content = bytearray(path.read_bytes())
    content[2000:2100] = NOISE[:100]
    path.write_bytes(bytes(content))
    return path


def truncated_data(folder):
    return save(folder / "ct.nii", nifti_bytes(chest())[:-7])


def truncated_data_in_gzip(folder):
    return save(folder / "ct.nii.gz", nifti_bytes(chest())[:-7])


def not_nifti(folder):
    return save(folder / "ct.nii", b"PK\x03\x04" + NOISE)


def not_nifti_in_gzip(folder):
    return save(folder / "ct.nii.gz", NOISE)


def two_dimensional(folder):
    return save_ct(folder / "ct.nii", chest((6, 5)))


def four_dimensional(folder):
    return save_ct(folder / "ct.nii", chest((6, 5, 4, 3)))


def five_dimensional(folder):
    return save_ct(folder / "ct.nii", chest((6, 5, 4, 2, 3)))


def rgb(folder):
    colours = np.zeros((6, 5, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    return save(folder / "ct.nii", nifti_bytes(colours))


def complex_values(folder):
    return save_ct(folder / "ct.nii", chest().astype(np.complex64))


def unknown_type(folder):
    return save_ct(folder / "ct.nii", datatype=777)


def nan(folder):
    return save_ct(folder / "ct.nii", with_value(np.nan))


def inf(folder):
    return save_ct(folder / "ct.nii", with_value(-np.inf))


def too_large_for_float32(folder):
    return save_ct(folder / "ct.nii", with_value(0).astype(np.float64) * 1e300)


def infinite_scale(folder):
    return save_ct(folder / "ct.nii", scl_slope=2.0, scl_inter=np.inf)


def constant(folder):
    return save_ct(folder / "ct.nii", np.full((6, 5, 4), -1000, np.int16))


def zero_spacing(folder):
    return save_ct(folder / "ct.nii", pixdim=(3, 0.0))


def negative_spacing(folder):
    return save_ct(folder / "ct.nii", pixdim=(1, -0.8))


def nan_spacing(folder):
    return save_ct(folder / "ct.nii", pixdim=(2, np.nan))


def singular_affine(folder):
    return save_ct(folder / "ct.nii", srow_z=[0, 0, 0, 0])


def nan_affine(folder):
    return save_ct(folder / "ct.nii", srow_z=[0, 0, np.nan, 0])


def impossible_quaternion(folder):
    return save_ct(folder / "ct.nii", sform_code=0, qform_code=1, quatern_b=3.0)


def no_slices(folder):
    return save_ct(folder / "ct.nii", dim=(3, 0))


def too_many_axes(folder):
    return save_ct(folder / "ct.nii", dim=(0, 9))


def more_than_the_file(folder):
    return save(folder / "ct.nii", nifti_bytes(chest(), dim=[3, 30000, 30000, 30000, 1, 1, 1, 1]))


def more_than_the_gzip(folder):
    return save(folder / "ct.nii.gz", nifti_bytes(chest(), dim=[3, 30000, 30000, 30000, 1, 1, 1, 1]))


def data_before_the_header_ends(folder):
    return save_ct(folder / "ct.nii", vox_offset=16)


def data_beyond_the_file(folder):
    return save_ct(folder / "ct.nii", vox_offset=1e9)


def header_of_a_pair(folder):
    nib.save(nib.Nifti1Pair(chest(), np.eye(4)), folder / "ct.img")
    return folder / "ct.hdr"


def single_dicom_file(folder):
    return shutil.copy(Path(__file__).parents[1] / "fixtures" / "dicom_two_slices" / "0.dcm", folder / "ct.dcm")


def folder_without_dicom(folder):
    (folder / "notes.txt").write_text("no images here")
    return folder


BAD = {
    missing: "expected a .* found nothing at that path; check its name.",
    empty: "expected a NIfTI file, found an empty file (0 bytes); copy or download it again.",
    truncated_gzip: "expected a whole gzip file, found a truncated one (it ends before its own end mark); "
                    "copy or download it again.",
    gzip_cut_in_the_header: "expected a whole gzip file, found a truncated one (it ends before its own end mark); "
                            "copy or download it again.",
    damaged_gzip: "expected a whole gzip file, found a damaged one (CRC check failed .*); copy or download it again.",
    garbled_gzip: "expected a whole gzip file, found a damaged one (.*); copy or download it again.",
    truncated_data: "expected 240 bytes of data, as its header promises, found a file of 585 bytes, which cannot hold "
                    "them; copy or download it again.",
    truncated_data_in_gzip: "expected 240 bytes of data, as its header promises, found 233 bytes (truncated data); "
                            "copy or download it again.",
    not_nifti: "expected a NIfTI file (.nii, .nii.gz) or a DICOM folder, found other content (it starts with .*); "
               "convert it to NIfTI.",
    not_nifti_in_gzip: "expected a NIfTI file (.nii, .nii.gz) or a DICOM folder, found other content (it starts with "
                       ".*); convert it to NIfTI.",
    two_dimensional: "expected a 3D volume, found a 2D image (6x5); pass the whole series.",
    four_dimensional: "expected one 3D volume, found a 4D file of 3 volumes (6x5x4x3); split it and pass one of them.",
    five_dimensional: "expected one 3D volume, found a 5D file of 6 volumes (6x5x4x2x3); split it and pass one of "
                      "them.",
    rgb: "expected one grey value per voxel, found colours (RGB); pass the CT itself, not a rendered picture.",
    complex_values: "expected integer or floating-point values, found data of type complex64; convert it to int16 or "
                    "float32.",
    unknown_type: "expected a NIfTI data type, found the unknown code 777; export the volume again.",
    nan: "expected finite values, found 1 NaN and 0 Inf among 120 voxels; repair the volume or export it again.",
    inf: "expected finite values, found 0 NaN and 1 Inf among 120 voxels; repair the volume or export it again.",
    too_large_for_float32: "expected finite values, found 0 NaN and 1[0-9]* Inf among 120 voxels; repair the volume or "
                           "export it again.",
    infinite_scale: "expected a finite scale and intercept, found others (.*); export the volume again.",
    constant: "expected a CT, found the same value -1000 in every voxel; export the volume again.",
    zero_spacing: "expected a positive spacing along each axis, found the spacing 0.8 x 0.9 x 0 mm; export the volume "
                  "again with its true spacing.",
    negative_spacing: "expected a positive spacing along each axis, found the spacing -0.8 x 0.9 x 5 mm; export the "
                      "volume again with its true spacing.",
    nan_spacing: "expected a positive spacing along each axis, found the spacing 0.8 x nan x 5 mm; export the volume "
                 "again with its true spacing.",
    singular_affine: "expected an invertible affine, found a singular or damaged one; repair its sform and qform.",
    nan_affine: "expected an invertible affine, found a singular or damaged one; repair its sform and qform.",
    impossible_quaternion: "expected an invertible affine, found a singular or damaged one; repair its sform and "
                           "qform.",
    no_slices: r"expected sizes of at least 1 along 3 axes, found the sizes \[6, 5, 0\]; export the volume again.",
    too_many_axes: r"expected sizes of at least 1 along 3 axes, found the sizes \[.*\]; export the volume again.",
    more_than_the_file: "expected 54000000000000 bytes of data, as its header promises, found a file of 592 bytes, "
                        "which cannot hold them; copy or download it again.",
    more_than_the_gzip: "expected 54000000000000 bytes of data, as its header promises, found a file of [0-9]+ bytes, "
                        "which cannot hold them; copy or download it again.",
    data_before_the_header_ends: "expected data that follow the header, found a header that puts them at byte 16; "
                                 "export the volume again.",
    data_beyond_the_file: r"expected data that follow the header, found a header that puts them at byte 1e\+09; export "
                          "the volume again.",
    header_of_a_pair: "expected NIfTI in one file (.nii, .nii.gz), found the header of a .hdr/.img pair; convert the "
                      "pair to one .nii.gz.",
    single_dicom_file: "expected a NIfTI file or the folder of a DICOM series, found a single DICOM file; pass the "
                       "folder that holds the series.",
    folder_without_dicom: "expected a folder with DICOM images, found none; pass the folder that holds the series.",
}


def pattern(path, sentence):
    """The sentence after its path as a regular expression, in which round brackets stand for themselves."""
    return re.escape(str(path)) + ": " + sentence.replace("(", r"\(").replace(")", r"\)") + "$"


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_each_bad_input_has_its_sentence_and_exits_1(make, tmp_path, capsys):
    path = make(tmp_path)
    with pytest.raises(InputError) as caught:
        volumes.read(path)
    assert re.match(pattern(path, BAD[make]), str(caught.value))

    assert main(["verify", str(path)]) == 1
    printed = capsys.readouterr()
    assert re.search(pattern(path, BAD[make]), printed.out + printed.err, re.MULTILINE)


@pytest.mark.parametrize("make", [more_than_the_file, more_than_the_gzip])
def test_a_promise_is_refused_before_anything_is_allocated(make, tmp_path):
    path = make(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            volumes.read(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_volume_that_does_not_fit_into_memory_is_refused_unread(tmp_path, monkeypatch, capsys):
    path = save_ct(tmp_path / "ct.nii.gz", np.zeros((300, 300, 100), np.int16))
    monkeypatch.setattr(checks, "available_memory", lambda: 10_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="expected a volume that fits into the free memory, found a header that "
                           "asks for 0.1 GB where 0.0 GB are free; check the header or use a larger machine"):
            volumes.read(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert main(["verify", str(path)]) == 1
    assert "a header that asks for 0.1 GB" in capsys.readouterr().out


def test_a_gzip_that_holds_less_than_promised_costs_only_what_it_holds(tmp_path):
    # 3 GB promised and possible by the file's size, but only 20 kB are there.
    raw = nifti_bytes(chest((20, 20, 25)), dim=[3, 1500, 1000, 1000, 1, 1, 1, 1])
    path = save(tmp_path / "ct.nii.gz", raw)
    with open(path, "ab") as handle:
        handle.write(b"\0" * 3_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="truncated data"):
            volumes.read(path)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


@contextmanager
def without_privileges():
    """Runs as an ordinary user: root may read everything."""
    if os.name == "nt" or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_no_permission(kind, capsys):
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        path = save_ct(folder / "closed" / "ct.nii.gz")
        path = path if kind == "file" else path.parent
        path.chmod(0)
        with without_privileges():
            with pytest.raises(InputError) as caught:
                volumes.read(path)
            assert re.search("expected a (file|folder) that may be read, found no permission; change its access "
                             "rights.$", str(caught.value))
            assert main(["verify", str(path)]) == 1
        printed = capsys.readouterr()
        assert "that may be read, found no permission; change its access rights." in printed.out + printed.err
    finally:
        path.chmod(0o755)
        shutil.rmtree(folder)


UNLIKELY = [
    (np.linspace(0, 1, 120, dtype=np.float32), r"values from 0 to 1 \(a normalised image\)"),
    (np.linspace(-1, 1, 120, dtype=np.float32), r"values from -1 to 1 \(a normalised image\)"),
    (np.linspace(0, 255, 120).astype(np.uint8), r"values from 0 to 255 \(an 8-bit image\)"),
    (np.linspace(0, 4095, 120).astype(np.int16),
     r"values from 0 to 4095 \(stored values without the rescale intercept, as it seems\)"),
    (np.linspace(-1e6, 4095, 120, dtype=np.float32), r"values from -1e\+06 to 4095 \(beyond what any CT stores\)"),
]


@pytest.mark.parametrize("values, found", UNLIKELY)
def test_values_that_cannot_be_hu_warn_and_fail_when_strict(values, found, tmp_path, capsys):
    path = save_ct(tmp_path / "ct.nii", values.reshape(6, 5, 4))
    sentence = f"expected Hounsfield units, with air near -1000, found {found}; convert it back to HU"
    with pytest.warns(InputWarning, match=sentence):
        volume = volumes.read(path)
    np.testing.assert_array_equal(volume.array, values.reshape(6, 5, 4).astype(np.float32))
    with pytest.raises(InputError, match=sentence):
        volumes.read(path, strict=True)

    assert main(["verify", str(path)]) == 0
    assert re.search(f"warning: .*{sentence}", capsys.readouterr().out)
    assert main(["verify", "--strict", str(path)]) == 1
    assert re.search(f"error: .*{sentence}", capsys.readouterr().out)


def test_a_healthy_ct_raises_no_doubt(tmp_path, recwarn):
    volumes.read(save_ct(tmp_path / "ct.nii"), strict=True)
    assert not recwarn.list


def test_nibabel_prints_nothing_of_its_own(tmp_path, capfd, caplog):
    with pytest.raises(InputError):
        volumes.read(zero_spacing(tmp_path))
    printed = capfd.readouterr()
    assert printed.out + printed.err + caplog.text == ""


def test_a_good_file_after_a_bad_one_is_still_done(tmp_path, capsys):
    bad, good = empty(tmp_path / "a"), save_ct(tmp_path / "b.nii.gz")
    assert main(["verify", str(tmp_path / "none.nii"), str(bad), str(good)]) == 1
    printed = capsys.readouterr()
    assert f"error: {bad}: expected a NIfTI file, found an empty file" in printed.out
    assert "b: 6x5x4 · 0.8x0.9x5 mm · RAS, 4 slices · HU" in printed.out
    assert f"covid3dgan verify: {tmp_path / 'none.nii'}: expected" in printed.err


def test_no_header_however_damaged_gets_past_the_sentences(tmp_path):
    whole = nifti_bytes(chest())
    random = np.random.default_rng(0)
    refused = 0
    for number in range(400):
        raw = bytearray(whole)
        for place in random.integers(0, 352, random.integers(1, 6)):
            raw[place] = random.integers(0, 256)
        path = save(tmp_path / f"{number}.nii", bytes(raw))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InputWarning)
                volume = volumes.read(path)
        except InputError as error:
            assert str(error).startswith(f"{path}: expected ")
            refused += 1
        else:
            assert volume.shape == volume.array.shape and np.isfinite(volume.array).all()
    assert 50 < refused < 350
