"""PyTorch's weight files (``.pth``, ``.pt``) read without PyTorch and without running anything that they hold.

Such a file is a pickle, which can name any function to be called on loading. The reader here knows six names, all of
them answered by plain data below; any other name is refused before anything happens. Both forms are read: the zip
archive of PyTorch 1.6 and later, and the stream of pickles before it (most of torchvision's files).
"""

import collections
import io
import pickle
import struct
import zipfile

import numpy as np

from covid3dgan.errors import InputError

__all__ = ["read_torch"]

_TYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8",
          "IntStorage": "<i4"}
_MAGIC = 0x1950A86A20F9469CFC6C  # of the stream form


def read_torch(path):
    """Name -> numpy array of a state dict, also of one that lies under the key ``state_dict``.

    Raises:
        InputError: no such file, another content, or a name that a file of weights has no use for.
    """
    try:
        with open(path, "rb") as file:
            state = _from_archive(file) if zipfile.is_zipfile(file) else _from_stream(file)
    except _Refused as error:
        raise InputError(path, "PyTorch weights: tensors by name and nothing else",
                         f"a pickle that calls {error}; nothing of it was run",
                         "get the file from its publisher") from None
    except (pickle.UnpicklingError, zipfile.BadZipFile, struct.error, EOFError, ValueError, KeyError, IndexError,
            TypeError, AttributeError, OSError, MemoryError, RecursionError) as error:
        raise InputError(path, "a whole PyTorch weight file", f"a damaged or other one ({error})",
                         "download it again") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not any(isinstance(value, np.ndarray) for value in state.values()):
        raise InputError(path, "PyTorch weights: tensors by name", f"a {type(state).__name__} without any",
                         "save model.state_dict()")
    return {str(name): value for name, value in state.items() if isinstance(value, np.ndarray)}


class _Refused(Exception):
    """The pickle wants something called that no weight file needs."""


class _State(dict):
    """Stands in for collections.OrderedDict: a dict whose attributes (PyTorch's ``_metadata``) are dropped."""

    def __setstate__(self, state):
        pass


class _Storage:
    """The numbers that tensors share: known at once in an archive, later in a stream."""

    def __init__(self, dtype, count):
        self.dtype, self.count, self.values = np.dtype(dtype), int(count), None

    def fill(self, data):
        if len(data) != self.count * self.dtype.itemsize:
            raise ValueError(f"{len(data)} bytes where {self.count} numbers were announced")
        self.values = np.frombuffer(data, self.dtype)


# storage, offset, size and stride of a tensor, in numbers.
_Tensor = collections.namedtuple("_Tensor", "storage offset size stride")


class _Reader(pickle.Unpickler):
    """A pickle reader for which only the names below exist."""

    def __init__(self, file, storage_of=None):
        super().__init__(file)
        self._storage_of = storage_of

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return _State
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *rest: _Tensor(storage, offset, size, stride)
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *rest: tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise _Refused(f"{module}.{name}")

    def persistent_load(self, identity):
        kind, dtype, key, _, count = identity[:5]
        if kind != "storage" or self._storage_of is None or dtype not in _TYPES.values():
            raise ValueError(f"a reference to {kind!r}")
        if len(identity) > 5 and identity[5] is not None:
            raise ValueError("a view of another storage")
        return self._storage_of(dtype, str(key), count)


def _from_archive(file):
    with zipfile.ZipFile(file) as archive:
        [pickled] = [name for name in archive.namelist() if name.endswith("data.pkl")]
        folder = pickled[:-len("data.pkl")]
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("big-endian numbers")
        storages = {}

        def storage_of(dtype, key, count):
            if key not in storages:
                storages[key] = _Storage(dtype, count)
                storages[key].fill(archive.read(f"{folder}data/{key}"))
            return storages[key]

        return _arrays(_Reader(io.BytesIO(archive.read(pickled)), storage_of).load())


def _from_stream(file):
    file.seek(0)
    if _Reader(file).load() != _MAGIC:
        raise ValueError("no PyTorch file")
    _Reader(file).load()  # the format's version
    _Reader(file).load()  # the machine's
    storages = {}

    def storage_of(dtype, key, count):
        return storages.setdefault(key, _Storage(dtype, count))

    state = _Reader(file, storage_of).load()
    for key in _Reader(file).load():
        storage = storages[str(key)]
        [count] = struct.unpack("<q", file.read(8))
        if count != storage.count:
            raise ValueError(f"{count} numbers where {storage.count} were announced")
        storage.fill(file.read(count * storage.dtype.itemsize))
    return _arrays(state)


def _arrays(state):
    """The state with arrays for tensors; nested dicts too."""
    if isinstance(state, _Tensor):
        return _array(state)
    if isinstance(state, dict):
        return {name: _arrays(value) for name, value in state.items()}
    return state


def _array(tensor):
    storage, offset, size, stride = tensor
    if not isinstance(storage, _Storage) or storage.values is None:
        raise ValueError("a tensor without its numbers")
    if len(size) != len(stride) or min((offset, *size, *stride), default=0) < 0:
        raise ValueError(f"a tensor of size {size} and stride {stride}")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride)) if all(size) else offset - 1
    if last >= len(storage.values):
        raise ValueError("a tensor beyond its numbers")
    steps = [step * storage.dtype.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage.values[offset:], size, steps, writeable=False).copy()
