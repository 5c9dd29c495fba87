"""PyTorch's weight files without PyTorch: both forms, and nothing in them is ever run."""

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch_pickles

from covid3dgan.errors import InputError
from covid3dgan.models.weight_files.torch_files import read_torch

ARRAYS = {"conv1.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2), "bn1.bias": np.float64([1.5, -2]),
          "bn1.num_batches_tracked": np.array(7, np.int64), "half": np.float16([[0.5]])}


def same(found):
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype and found[name].shape == array.shape


def test_archive_and_stream(tmp_path):
    torch_pickles.write_archive(tmp_path / "a.pth", ARRAYS)
    same(read_torch(tmp_path / "a.pth"))
    torch_pickles.write_stream(tmp_path / "b.pth", ARRAYS)
    same(read_torch(tmp_path / "b.pth"))


def test_state_inside_a_checkpoint(tmp_path):
    torch_pickles.write_stream(tmp_path / "c.pth", ARRAYS, lambda state: {"epoch": 3, "state_dict": state})
    same(read_torch(tmp_path / "c.pth"))


class Evil:
    """What a hostile file looks like: loading it would call os.mkdir."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["archive", "stream", "first pickle"])
def test_hostile_files_are_refused_and_nothing_happens(form, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "evil.pth"
    if form == "archive":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({"conv1.weight": Evil(mark)}))
    elif form == "stream":
        torch_pickles.write_stream(path, ARRAYS, lambda state: {"state_dict": state, "more": Evil(mark)})
    else:
        path.write_bytes(pickle.dumps(Evil(mark)))
    with pytest.raises(InputError, match="mkdir; nothing of it was run"):
        read_torch(path)
    assert not mark.exists()


@pytest.mark.parametrize("thing", [print, eval, getattr, np.load])
def test_no_function_is_ever_given_out(thing, tmp_path):
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(thing))
    with pytest.raises(InputError, match="a pickle that calls"):
        read_torch(path)


def test_damaged_and_other_files(tmp_path):
    torch_pickles.write_stream(tmp_path / "cut.pth", ARRAYS)
    (tmp_path / "cut.pth").write_bytes((tmp_path / "cut.pth").read_bytes()[:-5])
    torch_pickles.write_archive(tmp_path / "short.pth", {"w": np.zeros(4, np.float32)})
    with zipfile.ZipFile(tmp_path / "short.pth") as archive:
        pickled = archive.read("archive/data.pkl")
    with zipfile.ZipFile(tmp_path / "short.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/data/0", bytes(8))
    (tmp_path / "text.pth").write_text("no pickle")
    (tmp_path / "number.pth").write_bytes(pickle.dumps(5))
    for name in ("cut", "short", "text", "number"):
        with pytest.raises(InputError, match="a whole PyTorch weight file"):
            read_torch(tmp_path / f"{name}.pth")
    torch_pickles.write_stream(tmp_path / "none.pth", {}, lambda state: {"epoch": 3})
    with pytest.raises(InputError, match="without any"):
        read_torch(tmp_path / "none.pth")


def test_a_tensor_may_not_reach_beyond_its_numbers(tmp_path):
    torch_pickles.write_archive(tmp_path / "a.pth", {"w": np.zeros(4, np.float32)})
    with zipfile.ZipFile(tmp_path / "a.pth") as archive:
        pickled = archive.read("archive/data.pkl")
    assert pickled.count(b"K\x04") == 2  # the storage's count and the tensor's size
    at = pickled.rindex(b"K\x04")
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickled[:at] + b"K\x40" + pickled[at + 2:])
        archive.writestr("archive/data/0", bytes(16))
    with pytest.raises(InputError, match="a tensor beyond its numbers"):
        read_torch(tmp_path / "a.pth")
