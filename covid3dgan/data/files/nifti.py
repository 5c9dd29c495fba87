"""NIfTI files read whole and distrusted: the header is checked before a byte of data is allocated.

nibabel reads lazily and repairs headers silently (a zero spacing becomes 1 mm), so the header is parsed here with
nibabel's own header classes but without their repairs, and the data are read to the last byte and the gzip checksum.
"""

__all__ = ["encode", "read_nifti"]

import gzip
import io
import os
import zlib

import nibabel as nib
import numpy as np

from covid3dgan.data.files.checks import check_memory
from covid3dgan.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"
# Deflate cannot compress further than about 1032 to 1 (zlib's technical details).
_DEFLATE_LIMIT = 1040
_BLOCK = 1 << 24
_HEADERS = {348: (nib.Nifti1Header, 344, b"n+1\0", b"ni1\0"), 540: (nib.Nifti2Header, 4, b"n+2\0", b"ni2\0")}
# Scanner noise hardly compresses: level 6 saves 1 % over level 1 and takes three times as long.
_COMPRESSION_LEVEL = 1


def read_nifti(path, flat=False):
    """Reads a .nii or .nii.gz file, by its content and not by its name.

    Args:
        path: the file.
        flat: whether an image of two axes is welcome, as (X, Y, 1).

    Returns:
        (array, header): the scaled values, float32 (X, Y, Z), and the file's own header (Nifti1Header or
        Nifti2Header), little-endian, as it was stored.

    Raises:
        InputError: where the file is not one readable 3D volume of real numbers.
    """
    size = os.path.getsize(path)
    if size == 0:
        raise InputError(path, "a NIfTI file", "an empty file (0 bytes)", "copy or download it again")
    with open(path, "rb") as plain:
        packed = plain.read(2) == _GZIP_MAGIC
        plain.seek(0)
        if not packed:
            return _read(path, plain, size, size, flat)
        try:
            with gzip.GzipFile(fileobj=plain) as unpacked:
                return _read(path, unpacked, size, size * _DEFLATE_LIMIT, flat)
        except EOFError:
            raise InputError(path, "a whole gzip file", "a truncated one (it ends before its own end mark)",
                             "copy or download it again") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise InputError(path, "a whole gzip file", f"a damaged one ({error})",
                             "copy or download it again") from None


def encode(array, header, compress):
    """The bytes of a NIfTI file: the same input gives the same bytes.

    Args:
        array: (X, Y, Z) values in the type they are stored in.
        header: a complete header for them.
        compress: whether to gzip.
    """
    header = header.copy()
    header.set_data_dtype(array.dtype)
    header.set_slope_inter(1, 0)
    header["vox_offset"] = header.single_vox_offset
    header["magic"] = header.single_magic
    raw = io.BytesIO()
    header.write_to(raw)
    raw.write(b"\0" * (header.single_vox_offset - raw.tell()))
    raw.write(np.asfortranarray(array).tobytes(order="F"))
    if not compress:
        return raw.getvalue()
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=_COMPRESSION_LEVEL, mtime=0) as stream:
        stream.write(raw.getbuffer())
    return packed.getvalue()


def _read(path, stream, size, most, flat):
    """``size``: bytes on the disk; ``most``: bytes that ``stream`` can give at the very most."""
    header = _header(path, stream.read(540))
    shape, dtype = _shape(path, header, flat), _dtype(path, header)
    if int(header["dim"][0]) == 2 and not header["pixdim"][3] > 0:
        header["pixdim"][3] = 1  # of an axis that is not there
    _check_spacing(path, header)
    offset = float(header["vox_offset"])
    if not header.single_vox_offset <= offset <= most:
        raise InputError(path, "data that follow the header", f"a header that puts them at byte {offset:g}",
                         "export the volume again")
    voxels = int(np.prod(shape, dtype=object))
    promised = voxels * dtype.itemsize
    if promised > most - offset:
        raise InputError(path, f"{promised} bytes of data, as its header promises",
                         f"a file of {size} bytes, which cannot hold them", "copy or download it again")
    check_memory(path, promised + 8 * voxels)  # the stored bytes, float32 values and one copy of them
    raw = _exactly(path, stream, int(offset), promised)
    stored = np.frombuffer(raw, dtype).reshape(shape, order="F")
    return _scaled(stored, *_scale(path, header)), header.as_byteswapped("<")


def _header(path, block):
    for endianness in "<>":
        length = int(np.frombuffer(block[:4].ljust(4), f"{endianness}i4")[0])
        if length in _HEADERS and len(block) >= length:
            kind, place, single, pair = _HEADERS[length]
            magic = block[place:place + 4]
            if magic == pair:
                raise InputError(path, "NIfTI in one file (.nii, .nii.gz)", "the header of a .hdr/.img pair",
                                 "convert the pair to one .nii.gz")
            if magic == single:
                return kind(block[:length], endianness=endianness, check=False)
    if block[128:132] == b"DICM":
        raise InputError(path, "a NIfTI file or the folder of a DICOM series", "a single DICOM file",
                         "pass the folder that holds the series")
    raise InputError(path, "a NIfTI file (.nii, .nii.gz) or a DICOM folder",
                     f"other content (it starts with {bytes(block[:8])!r})", "convert it to NIfTI")


def _shape(path, header, flat):
    dim = [int(d) for d in header["dim"]]
    if not 1 <= dim[0] <= 7 or min(dim[1:dim[0] + 1]) < 1:
        raise InputError(path, "sizes of at least 1 along 3 axes", f"the sizes {dim[1:max(min(dim[0], 7), 0) + 1]}",
                         "export the volume again")
    shape = dim[1:dim[0] + 1]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    written = "x".join(str(n) for n in shape)
    if len(shape) == 2 and flat:
        shape.append(1)
    if len(shape) < 3:
        raise InputError(path, "a 3D volume", f"a {len(shape)}D image ({written})", "pass the whole series")
    if len(shape) > 3:
        raise InputError(path, "one 3D volume", f"a {len(shape)}D file of {np.prod(shape[3:])} volumes ({written})",
                         "split it and pass one of them")
    return tuple(shape)


def _dtype(path, header):
    try:
        dtype = header.get_data_dtype()
    except KeyError:
        raise InputError(path, "a NIfTI data type", f"the unknown code {int(header['datatype'])}",
                         "export the volume again") from None
    if dtype.fields:
        raise InputError(path, "one grey value per voxel", f"colours ({''.join(dtype.names)})",
                         "pass the CT itself, not a rendered picture")
    if dtype.kind not in "iuf" or not 1 <= dtype.itemsize <= 8:
        raise InputError(path, "integer or floating-point values", f"data of type {dtype.name}",
                         "convert it to int16 or float32")
    return dtype


def _check_spacing(path, header):
    pixdim = [float(p) for p in header["pixdim"][1:4]]
    if not all(np.isfinite(p) and p > 0 for p in pixdim):
        raise InputError(path, "a positive spacing along each axis",
                         f"the spacing {' x '.join(f'{p:g}' for p in pixdim)} mm",
                         "export the volume again with its true spacing")


def _exactly(path, stream, offset, count):
    """``count`` bytes from ``offset`` on; memory grows with what is really there, never with what is promised."""
    stream.seek(offset)
    raw = bytearray()
    while len(raw) < count:
        block = stream.read(min(_BLOCK, count - len(raw)))
        if not block:
            raise InputError(path, f"{count} bytes of data, as its header promises",
                             f"{len(raw)} bytes (truncated data)", "copy or download it again")
        raw += block
    while stream.read(_BLOCK):  # to the end, for the gzip checksum is there
        pass
    return raw


def _scale(path, header):
    try:
        slope, intercept = header.get_slope_inter()
    except nib.spatialimages.HeaderDataError as error:
        raise InputError(path, "a finite scale and intercept", f"others ({error})",
                         "export the volume again") from None
    return (1.0, 0.0) if slope is None else (slope, intercept)


def _scaled(stored, slope, intercept):
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes Inf, which the check of values reports
        if (slope, intercept) == (1, 0):
            return stored.astype(np.float32, order="F")
        array = np.empty(stored.shape, np.float32, order="F")
        for z in range(stored.shape[2]):  # float64 for one slice at a time
            array[:, :, z] = stored[:, :, z].astype(np.float64) * slope + intercept
        return array
