"""``train infnet-painter``, ``infnet`` and ``ssinfnet``, and what ``predict`` makes of their runs."""

import json

import nibabel
import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.files import images
from covid3dgan.data.phantoms.chest_ct import write_medseg_like

SMALLEST = [f"--set={setting}" for setting in (
    "slices.size=32", "slices.per_case=3", "single.width=4", "single.channels=4", "single.batch_size=4",
    "single.epochs=1", "multi.width=2", "multi.batch_size=4", "multi.epochs=1",
    *(f"{stage}.{field}" for stage in ("single_inpainting", "multi_inpainting") for field in
      ("crop=32", "batch_size=4", "first_round=1", "network_epochs=1", "coach_width=4", "coach_latent=3")))]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("medseg")
    write_medseg_like(folder, "medseg-like", 4, 1, (48, 48, 12))
    return folder


@pytest.fixture(scope="module")
def painter(cohort, tmp_path_factory):
    out = tmp_path_factory.mktemp("painter") / "run"
    assert train("infnet-painter", cohort, out) == 0
    return out


@pytest.fixture(scope="module")
def infnet(cohort, painter, tmp_path_factory):
    """Inf-Net that starts from its inpainting."""
    out = tmp_path_factory.mktemp("infnet") / "run"
    assert train("infnet", cohort, out, "--start", str(painter)) == 0
    return out


def train(network, cohort, out, *options):
    return main(["train", network, str(cohort), str(out), "--preset", "ssinfnet/demo", "--precision", "float32",
                 "--quiet", *SMALLEST, *options])


@pytest.mark.parametrize("argv, text", [
    (["train", "ssinfnet", "d", "r", "--start", "x"], "--start: expected a network of infnet, found ssinfnet"),
    (["train", "gan", "d", "r", "--backbone-weights", "x"], "expected a network of infnet-painter, infnet, ssinfnet"),
    (["train", "infnet", "d", "r", "--validation", "x"], "expected a network of segmenter, transunet, found infnet"),
    (["train", "infnet", "d", "r", "--preset", "khali/demo"], "expected a preset of ssinfnet, found khali/demo"),
    (["train", "infnet", "d", "r", "--steps", "3"], "set the epochs of its preset"),
    (["reproduce", "ssinfnet", "--out", "r", "--workers", "2"], "expected a system that prepares CTs"),
    (["reproduce", "ssinfnet", "--out", "r", "--side-by-side"], "shabani, whose segmenters do not need each other"),
    (["reproduce", "khali", "--out", "r", "--ablation"], "ssinfnet, whose parts it leaves out one by one"),
    (["reproduce", "khali", "--out", "r", "--backbone-weights", "x"], "ssinfnet, whose trunk has ImageNet weights"),
])
def test_options_of_other_networks_are_refused(argv, text, capsys):
    assert main(argv) == 2
    assert text in capsys.readouterr().err


def test_infnet_from_its_painting_finds_infection_in_a_picture(infnet, painter, tmp_path, capsys):
    manifest = json.loads((infnet / "run.json").read_text())
    assert manifest["method"] == "SSInfNet" and manifest["preset"]["slices"]["test_share"] == 0
    assert {entry["path"].rsplit("/", 2)[-2] for entry in manifest["inputs"]} == {"rp_im", "rp_msk"}

    images.write(np.linspace(0, 1, 1200).reshape(30, 40), tmp_path / "slice.png")
    asked = ["predict", str(tmp_path / "slice.png"), str(tmp_path / "out"), "--model", str(infnet)]
    assert main([*asked, "--probability"]) == 0
    labels = images.read_labels(tmp_path / "out" / "slice_classes.png")
    assert labels.shape == (30, 40) and labels.max() <= 1 and (tmp_path / "out" / "slice_infection.png").is_file()
    capsys.readouterr()
    assert main([*asked, "--lungs", "x"]) == 2 and "looks at whole slices" in capsys.readouterr().err
    assert main([*asked, "--lung-method", "lungmask"]) == 2
    assert "this network segments files as they are" in capsys.readouterr().err
    assert main([*asked[:4], str(painter)]) == 1
    assert "found kind ssinfnet-inpainting; name the folder of a network that segments" in capsys.readouterr().err


def test_there_must_be_something_to_resume(cohort, tmp_path, capsys):
    assert train("ssinfnet", cohort, tmp_path / "new", "--resume") == 1
    assert "expected a training of SSInfNet to continue, found none" in capsys.readouterr().err


def test_folder_of_another_system_is_no_model(tmp_path, capsys):
    (tmp_path / "stages.json").write_text(json.dumps({"identity": {"system": "shabani"}, "done": {}}))
    assert main(["predict", "x.nii.gz", str(tmp_path / "out"), "--model", str(tmp_path)]) == 1
    assert "a run directory with run.json" in capsys.readouterr().err
    (tmp_path / "stages.json").write_text("{")
    assert main(["predict", "x.nii.gz", str(tmp_path / "out"), "--model", str(tmp_path)]) == 1
    assert "stages.json: expected JSON written by covid3dgan" in capsys.readouterr().err


def test_exported_infnet_finds_what_the_run_finds(cohort, tmp_path):
    run, ct = tmp_path / "infnet", cohort / "rp_im" / "1.nii.gz"
    assert train("infnet", cohort, run) == 0
    assert main(["export", str(run), str(tmp_path / "whole"), "--part", "ssinfnet", "--format", "savedmodel"]) == 0
    for name, model in (("of_run", run), ("of_file", tmp_path / "whole")):
        assert main(["predict", str(ct), str(tmp_path / name), "--model", str(model), "--probability"]) == 0
    scores, exported = (nibabel.load(tmp_path / name / "1_infection.nii.gz").get_fdata()
                        for name in ("of_run", "of_file"))
    assert np.ptp(scores) > 1e-3
    np.testing.assert_allclose(exported, scores, atol=1e-4)
    assert json.loads((tmp_path / "of_file" / "1_classes.json").read_text())["labels"]["1"] == "infection"


@pytest.mark.slow
def test_ssinfnet_labels_a_ct_on_its_own_grid(cohort, tmp_path, capsys):
    out = tmp_path / "trained"
    assert train("ssinfnet", cohort, out) == 0
    assert sorted(p.name for p in out.glob("*/")) == ["multi_SSInfNet", "multi_inpainting", "single_SInfNet"]
    assert train("ssinfnet", cohort, out) == 1 and "--resume to continue it" in capsys.readouterr().err
    assert train("ssinfnet", cohort, out, "--resume") == 0
    ct = cohort / "rp_im" / "1.nii.gz"
    for model in (out, out / "multi_SSInfNet"):
        assert main(["predict", str(ct), str(tmp_path / model.name), "--model", str(model), "--overlay"]) == 0
    found = volumes.read_labels(tmp_path / "trained" / "1_classes.nii.gz")
    assert found.shape == volumes.read(ct).shape and set(np.unique(found.array)) <= {0, 1, 2}
    np.testing.assert_allclose(found.affine, volumes.read(ct).affine, atol=1e-5)
    assert (tmp_path / "trained" / "1_overlay.png").is_file()

    assert main(["export", str(out), str(tmp_path / "file")]) == 0
    for number, model in enumerate(("saved_model", "ssinfnet.tflite")):
        masks = tmp_path / f"masks{number}"
        assert main(["predict", str(ct), str(masks), "--model", str(tmp_path / "file" / model)]) == 0
        exported = volumes.read_labels(masks / "1_classes.nii.gz").array
        # The file's prior is not rounded to 8 bits: a pixel between two classes may fall to the other one.
        assert (exported != found.array).mean() < 1e-3
