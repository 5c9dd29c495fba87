"""Atomic files: whole or absent."""

import json

import pytest

from covid3dgan import files
from covid3dgan.errors import InputError


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(RuntimeError), files.atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_temporary_name_keeps_the_suffixes(tmp_path):
    with files.atomic_path(tmp_path / "ct.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_bytes(b"x")
    assert (tmp_path / "ct.nii.gz").read_bytes() == b"x"


def test_json_has_no_nan(tmp_path):
    files.write_json(tmp_path / "a.json", {"a": float("nan"), "b": [float("inf"), 1.5], "c": (1, 2)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": None, "b": [None, 1.5], "c": [1, 2]}


def test_refuses_to_overwrite(tmp_path):
    files.refuse_overwrite(tmp_path / "new")
    (tmp_path / "old").write_text("")
    files.refuse_overwrite(tmp_path / "old", overwrite=True)
    with pytest.raises(InputError, match="--overwrite"):
        files.refuse_overwrite(tmp_path / "old")


def test_sha256_of_a_known_text(tmp_path):
    (tmp_path / "abc").write_text("abc")
    assert files.sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
