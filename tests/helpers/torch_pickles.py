"""Writes weight files as PyTorch does, without PyTorch: the zip archive of today and the stream of before 1.6."""

import collections
import io
import pickle
import struct
import sys
import types
import zipfile

import numpy as np

_TYPES = {"f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage", "i8": "LongStorage", "i4": "IntStorage"}


class _Storage:
    """Numbers that a tensor refers to; pickled as a persistent reference."""

    def __init__(self, key, array):
        self.key, self.array = key, np.ascontiguousarray(array).ravel()

    @property
    def type(self):
        return _TYPES[self.array.dtype.str[1:]]


class _Tensor:
    def __init__(self, storage, shape):
        self.storage, self.shape = storage, shape

    def __reduce__(self):
        strides = tuple(int(np.prod(self.shape[i + 1:])) for i in range(len(self.shape)))
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (self.storage, 0, self.shape, strides, False, collections.OrderedDict())


class _Pickler(pickle.Pickler):
    def __init__(self, file, extra):
        super().__init__(file, protocol=2)
        self.extra = extra

    def persistent_id(self, thing):
        if isinstance(thing, _Storage):
            kind = getattr(sys.modules["torch"], thing.type)
            return ("storage", kind, thing.key, "cpu", thing.array.size, *self.extra)
        return None


def _state(arrays):
    storages = [_Storage(str(i), array) for i, array in enumerate(arrays.values())]
    state = collections.OrderedDict((name, _Tensor(storage, tuple(array.shape)))
                                    for (name, array), storage in zip(arrays.items(), storages))
    state._metadata = collections.OrderedDict(version=1)
    return state, storages


class _fake_torch:
    """The names that PyTorch's pickles refer to, importable for the moment of writing."""

    def __enter__(self):
        torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
        for name in _TYPES.values():
            setattr(torch, name, type(name, (), {"__module__": "torch"}))
        function = types.FunctionType((lambda *parts: None).__code__, {}, "_rebuild_tensor_v2")
        function.__module__, function.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
        utils._rebuild_tensor_v2 = function
        self.before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
        sys.modules.update({"torch": torch, "torch._utils": utils})

    def __exit__(self, *error):
        for name, module in self.before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def write_archive(path, arrays):
    """As torch.save does since 1.6."""
    with _fake_torch():
        state, storages = _state(arrays)
        buffer = io.BytesIO()
        _Pickler(buffer, ()).dump(state)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", buffer.getvalue())
        archive.writestr("archive/byteorder", "little")
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.array.tobytes())


def write_stream(path, arrays, wrap=lambda state: state):
    """As torch.save did before, and torchvision's older files are."""
    with _fake_torch(), open(path, "wb") as file:
        state, storages = _state(arrays)
        pickle.dump(0x1950A86A20F9469CFC6C, file, 2)
        pickle.dump(1001, file, 2)
        pickle.dump({"little_endian": True}, file, 2)
        _Pickler(file, (None,)).dump(wrap(state))
        pickle.dump([storage.key for storage in storages], file, 2)
        for storage in storages:
            file.write(struct.pack("<q", storage.array.size) + storage.array.tobytes())
