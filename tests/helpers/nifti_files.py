"""NIfTI files for tests, whole and broken, written byte by byte so that no library repairs them."""

import gzip

import nibabel as nib
import numpy as np


def chest(shape=(6, 5, 4), seed=0):
    """A small array of plausible HU, int16."""
    return np.random.default_rng([seed, *shape]).integers(-1000, 400, shape).astype(np.int16)


def nifti_bytes(array, affine=None, header=None, **fields):
    """The bytes of a .nii file; ``fields`` overwrite header fields after all checks, lies included."""
    affine = np.diag([0.8, 0.9, 5.0, 1.0]) if affine is None else affine
    image = (nib.Nifti1Image if header is None else type(header))(array, affine)
    raw = bytearray(image.to_bytes())
    structure = image.header.template_dtype
    view = np.frombuffer(raw, structure, count=1)
    for name, value in fields.items():
        if isinstance(value, tuple):
            place, number = value
            view[name][0][place] = number
        else:
            view[name] = value
    return bytes(raw)


def save(path, content):
    """Writes bytes, gzipped if the name says so; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if path.name.endswith(".gz") else content)
    return path


def save_ct(path, array=None, affine=None, **fields):
    """A healthy CT file."""
    return save(path, nifti_bytes(chest() if array is None else array, affine, **fields))
