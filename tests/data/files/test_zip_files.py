"""Zip files: what is in them comes out whole; bombs, paths out of the folder and links are refused."""

import struct
import zipfile

import pytest

from covid3dgan.data.files import zip_files
from covid3dgan.data.files.zip_files import Archive
from covid3dgan.errors import InputError


def make(path, files, **named):
    """A zip file of {name: content}."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **named) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_content_comes_out_and_goes_with_its_last_user(tmp_path):
    archive = Archive(make(tmp_path / "ct.zip", {"top/a/1.dcm": b"one", "top/b/2.dcm": b"two"}))
    assert archive.folder.name == "top"
    assert (archive.folder / "a" / "1.dcm").read_bytes() == b"one"
    assert archive.named(f"{archive.folder / 'b'}: bad") == f"{tmp_path / 'ct.zip'}/top/b: bad"
    folder = archive.folder
    del archive
    assert not folder.exists()


@pytest.mark.parametrize("name", ["../up.dcm", "/etc/up.dcm", "a/../../up.dcm", "C:\\up.dcm", "..\\up.dcm"])
def test_a_path_out_of_the_folder_is_refused(name, tmp_path):
    with pytest.raises(InputError, match="expected files inside its own folder, found the path"):
        Archive(make(tmp_path / "ct.zip", {"a.dcm": b"good", name: b"bad"}))
    assert [p.name for p in tmp_path.rglob("*")] == ["ct.zip"]


def test_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "ct.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="expected files inside its own folder, found the path 'link.dcm'"):
        Archive(tmp_path / "ct.zip")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_files, "SMALL", 1 << 20)
    path = make(tmp_path / "bomb.zip", {"0.dcm": bytes(50 << 20)})
    with pytest.raises(InputError, match=r"bomb.zip: expected a zip file of CTs.*found one that grows to 0.1 GB "
                                         r"\(a zip bomb\); do not unpack it"):
        Archive(path)


def test_a_bomb_whose_directory_lies_gives_no_byte_more_than_it_promises(tmp_path):
    path = make(tmp_path / "liar.zip", {"0.dcm": bytes(5 << 20)})
    raw = path.read_bytes().replace(struct.pack("<L", 5 << 20), struct.pack("<L", 1000))
    path.write_bytes(raw)
    with pytest.raises(InputError, match="expected a whole zip file"):  # its checksum is that of all bytes
        Archive(path)


def test_more_than_the_disk_holds_is_refused(tmp_path, monkeypatch):
    path = make(tmp_path / "ct.zip", {"0.dcm": b"x" * 1000})
    monkeypatch.setattr(zip_files.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 900}))
    with pytest.raises(InputError, match="the free disk space"):
        Archive(path)


def test_damage_is_a_sentence(tmp_path):
    path = make(tmp_path / "ct.zip", {"0.dcm": bytes(range(256)) * 100})
    raw = bytearray(path.read_bytes())
    raw[60:80] = b"\0" * 20
    path.write_bytes(bytes(raw))
    with pytest.raises(InputError, match="expected a whole zip file, found a damaged or unusual one"):
        Archive(path)
