"""The page that Python writes: its numbers, its size, its errors. The template stands in for the built one."""

import base64
import gzip
import json
import re

import nibabel as nib
import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.viewer import page
from covid3dgan.viewer.layers import Layer

SHAPE = (40, 30, 24)
AFFINE = np.diag([-6.0, -6.0, 10.0, 1.0])  # LPS, as many scanners write


def chest():
    """(ct, lungs, mask) in voxels of 0.36 ml: two boxes of lung, a lesion of 2 x 4 x 4 voxels in the patient's left."""
    ct, lungs, mask = np.full(SHAPE, 40, np.float32), np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    lungs[6:16, 6:24, 4:20] = lungs[24:34, 6:24, 4:20] = 1
    mask[30:32, 10:14, 8:12] = 1
    ct[lungs > 0], ct[mask > 0] = -850, -300
    return ct, lungs, mask


@pytest.fixture
def template(tmp_path, monkeypatch):
    path = tmp_path / "viewer.html"
    path.write_text(f"<title>{page.TITLE}</title>\n{page.DATA}<script></script>", encoding="utf-8")
    monkeypatch.setattr(page, "TEMPLATE", path)


@pytest.fixture
def files(tmp_path):
    ct, lungs, mask = chest()
    for name, array in (("ct", ct), ("lungs", lungs), ("mask", mask)):
        volumes.write(Volume(array, AFFINE), tmp_path / f"{name}.nii.gz")
    return tmp_path


def case(**changes):
    ct, lungs, mask = chest()
    volume = Volume(ct, AFFINE)
    return page.Case(**{"id": "one", "ct": volume, "layers": (Layer("found", "mask", mask, 1.0),), "lungs": lungs,
                        **changes})


def about(path):
    return json.loads(re.search(r'id="cases">(.*?)</script>', path.read_text(encoding="utf-8"))[1])


def block(path, name):
    text = re.search(rf'id="case-{name}">(.*?)</script>', path.read_text(encoding="utf-8"))[1]
    return nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(text)))


def test_the_command_writes_a_page_with_volumes_per_side(template, files, capsys):
    out = files / "page.html"
    assert main(["view", str(files / "ct.nii.gz"), str(files / "mask.nii.gz"), "--lungs", str(files / "lungs.nii.gz"),
                 "--out", str(out)]) == 0
    assert "1 of 1 CTs" in capsys.readouterr().err and "<title>ct</title>" in out.read_text(encoding="utf-8")
    found = about(out)
    [shown] = found["cases"]
    assert found["notice"] == page.NOTICE and shown["shape"] == list(SHAPE) and shown["notes"] == []
    assert shown["lungs"]["left_lung_ml"] == shown["lungs"]["right_lung_ml"] == pytest.approx(2880 * 0.36, abs=0.01)
    [sizes] = shown["layers"][0]["labels"]
    # The first axis runs to the patient's left: the lesion lies near its end.
    assert sizes["left_infection_ml"] == pytest.approx(32 * 0.36, abs=0.01) and sizes["right_infection_ml"] == 0
    assert sizes["infection_rate_percent"] == pytest.approx(100 * 32 / 5760, abs=0.01)


def test_volumes_lie_where_they_were(template, tmp_path):
    path, _ = page.write_page([case()], tmp_path / "page.html")
    mask, ct = block(path, "0-0"), block(path, "0-ct")
    assert nib.aff2axcodes(ct.affine) == ("R", "A", "S") and np.array_equal(mask.affine, ct.affine)
    centre = nib.affines.apply_affine(mask.affine, np.argwhere(np.asarray(mask.dataobj) > 0).mean(0))
    np.testing.assert_allclose(centre, nib.affines.apply_affine(AFFINE, [30.5, 11.5, 9.5]))
    inside = np.asarray(ct.dataobj)[np.asarray(mask.dataobj) > 0]
    assert len(inside) == 32 and np.abs(inside + 300).max() <= 3
    assert np.prod(ct.shape) < np.prod(SHAPE) and block(path, "0-lungs").shape == ct.shape


def test_as_if_healthy_is_nothing_outside_the_lungs(template, tmp_path):
    layer = Layer("healthy", "healthy", np.full(SHAPE, -860, np.float32), -860.0)
    path, _ = page.write_page([case(layers=(layer,))], tmp_path / "page.html")
    raw = np.asarray(block(path, "0-0").dataobj.get_unscaled())
    lungs = np.asarray(block(path, "0-lungs").dataobj) > 0
    assert (raw[~lungs] == 0).all() and np.abs(np.asarray(block(path, "0-0").dataobj)[lungs] + 860).max() <= 3


def test_a_page_that_would_be_too_large_is_coarser_and_says_so(template, tmp_path, monkeypatch):
    noisy = np.random.default_rng(0).normal(0, 300, SHAPE).astype(np.float32)
    monkeypatch.setattr(page, "ONE_CASE", 9000)
    path, _ = page.write_page([case(ct=Volume(noisy, AFFINE))], tmp_path / "page.html")
    assert path.stat().st_size < 12000
    [shown] = about(path)["cases"]
    assert "Shown coarser than it is, by" in shown["notes"][0]
    assert shown["layers"][0]["labels"][0]["infection_ml"] == pytest.approx(32 * 0.36, abs=0.01)  # of the whole CT


def test_several_labels_have_volumes_of_their_own(template, tmp_path):
    _, _, mask = chest()
    mask[8, 8, 5:8] = 2
    path, _ = page.write_page([case(layers=(Layer("classes", "mask", mask, 2.0),))], tmp_path / "page.html")
    one, two = about(path)["cases"][0]["layers"][0]["labels"]
    assert one["infection_ml"] == pytest.approx(32 * 0.36, abs=0.01) and two["label"] == 2
    assert two["right_infection_ml"] == pytest.approx(3 * 0.36, abs=0.01) and two["left_infection_ml"] == 0


def test_without_lungs_the_whole_ct_is_shown(template, tmp_path, capsys):
    _, _, mask = chest()
    abdomen = np.full(SHAPE, 40, np.float32)
    abdomen[:4] = -1000
    volumes.write(Volume(abdomen, AFFINE), tmp_path / "abdomen.nii.gz")
    volumes.write(Volume(mask, AFFINE), tmp_path / "mask.nii.gz")
    out = tmp_path / "page.html"
    assert main(["view", str(tmp_path / "abdomen.nii.gz"), str(tmp_path / "mask.nii.gz"), "--out", str(out)]) == 0
    assert "no lungs found" in capsys.readouterr().err
    [shown] = about(out)["cases"]
    assert shown["lungs"] is None and "No lungs were found" in shown["notes"][0]
    assert shown["layers"][0]["labels"] == [{"label": 1, "infection_ml": pytest.approx(11.52)}]
    assert block(out, "0-ct").shape == SHAPE


def test_names_of_files_cannot_end_a_block_or_a_tag(template, tmp_path):
    name = "</script><script>alert(1)</script>"
    path, _ = page.write_page([case(id=name)], tmp_path / "page.html", title=name)
    text = path.read_text(encoding="utf-8")
    assert "alert(1)</script>" not in text and about(path)["cases"][0]["id"] == name


def test_a_bad_ct_is_named_and_the_others_are_shown(template, files, capsys):
    (files / "cts").mkdir()
    (files / "ct.nii.gz").rename(files / "cts" / "good.nii.gz")
    (files / "cts" / "bad.nii.gz").write_bytes(b"nothing")
    out = files / "page.html"
    assert main(["view", str(files / "cts"), "--out", str(out)]) == 1
    assert "bad.nii.gz: expected" in capsys.readouterr().err
    assert [shown["id"] for shown in about(out)["cases"]] == ["good"]


def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(template, files, monkeypatch):
    out = files / "page.html"
    out.write_text("mine")
    with pytest.raises(InputError, match="--overwrite"):
        page.write_page([case()], out)
    assert out.read_text() == "mine"
    with pytest.raises(InputError, match="at most 40 CTs on a page, found 41"):
        page.write_page([case()] * 41, files / "many.html")
    monkeypatch.setattr(page, "TEMPLATE", files / "absent.html")
    with pytest.raises(InputError, match=r"never built; run make viewer .* or python -m covid3dgan.viewer.build"):
        page.write_page([case()], files / "unbuilt.html")
    assert not list(files.glob("*many*")) and not list(files.glob("*unbuilt*"))


def test_no_page_is_left_where_no_ct_can_be_shown(template, tmp_path, capsys):
    (tmp_path / "ct.nii.gz").write_bytes(b"nothing")
    assert main(["view", str(tmp_path / "ct.nii.gz"), "--out", str(tmp_path / "page.html")]) == 1
    assert "a CT that can be shown, found none" in capsys.readouterr().err
    assert not list(tmp_path.glob("*page*"))
