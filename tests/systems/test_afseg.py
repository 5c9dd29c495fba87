"""AF-SEG from a folder of images to its report and to masks of new images."""

import dataclasses
import json

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.cli.main import main
from covid3dgan.data.classical.coarse import coarse_mask
from covid3dgan.data.files import images
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.inference.foreground import ForegroundPredictor, load_foreground
from covid3dgan.inference.predict_each import predict_each
from covid3dgan.presets.afseg import Background, Coarse, Images, Synthesis
from covid3dgan.systems import afseg
from covid3dgan.systems.afseg_report import missing_table
from covid3dgan.training.loop import TrainingOptions


@pytest.fixture(scope="module")
def preset():
    return dataclasses.replace(
        presets.get("afseg/cells/demo"), images=Images(size=64),
        coarse=Coarse(erosion=1, smallest_core=4),
        background=Background(width=4, patch=32, batch_size=2, first_check=2, check_every=2, most_steps=4,
                              inpainting="fast"),
        synthesis=Synthesis(patch=32, batch_size=2, constant_epochs=1, decay_epochs=1, generator_width=4,
                            generator_depth=2, generator_backbone="classical", generator_head="residual",
                            discriminator_width=4, discriminator_levels=1, segmenter_width=4, segmenter_depth=2,
                            tune_threshold=True, fade=0.5, segmenter_background="inpainted", log_every=1))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smears") / "cells"
    chest_ct.write_cohort(folder, "blood-cells-dense", 6, seed=1, size=(64, 64))
    return folder


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory, preset, data):
    out = tmp_path_factory.mktemp("afseg") / "out"
    afseg.reproduce(out, preset, TrainingOptions(seed=1), data=data, command="covid3dgan reproduce afseg")
    return out


def test_table_1_has_every_method_on_the_test_images(reproduced, data):
    table = json.loads((reproduced / "table1.json").read_text())
    methods = table["methods"]
    assert list(methods) == ["level set", "level set, as label", "AF-SEG", "supervised U-Net"]
    assert table["phantom"] is True and table["seed"] == 1
    # The level set's row is what the masks themselves give.
    dice = []
    for name in table["test_images"]:
        image, true = images.read(data / "images" / f"{name}.png"), images.read_mask(data / "masks" / f"{name}.png")
        found = coarse_mask(image, Coarse(erosion=0))
        dice.append(2 * (found & true).sum() / (found.sum() + true.sum()))
    assert methods["level set"]["dice"]["mean"] == pytest.approx(np.mean(dice))
    # Erosion only removes.
    assert methods["level set, as label"]["recall"]["mean"] < methods["level set"]["recall"]["mean"]


def test_thresholds_are_chosen_and_kept_with_the_run(reproduced, preset):
    table = json.loads((reproduced / "table1.json").read_text())
    kept = json.loads((reproduced / "stages.json").read_text())["done"]["thresholds"]["result"]
    for method, folder in (("AF-SEG", "afseg"), ("supervised U-Net", "supervised")):
        chosen = kept[method]
        assert chosen["dice"][str(chosen["value"])] == max(chosen["dice"].values())
        assert table["thresholds"][method] == chosen["value"]
        assert load_foreground(reproduced / folder).threshold == chosen["value"]
    assert table["thresholds"]["level set"] == preset.synthesis.threshold
    with np.load(reproduced / "backgrounds.npz") as stored:
        assert len(stored["images"]) == 4, "three to train, one to validate"


def test_the_report_says_phantoms_and_puts_the_paper_beside(reproduced):
    text = (reproduced / "report.md").read_text()
    assert "ours: phantoms, not patients" in text and "0.915 ± 0.029" in text and "0.839 ± 0.07" in text
    assert "Thresholds of the scores" in text and "coarse labels, no true mask" in text
    assert {path.name for path in (reproduced / "report_figures").iterdir()} == {
        "overview.png", *(f"figure{n}.png" for n in (4, 5, 6))}


def test_the_report_names_what_the_paper_has_and_it_has_not():
    drawn = {"Figures 1 to 3", "the images of Figures 4 to 6"}
    text = missing_table(presets.get("afseg/cells"), phantom=False)
    assert {row[0] for row in text.rows} == drawn
    demo = dict(missing_table(presets.get("afseg/cells/demo"), phantom=True).rows)
    assert set(demo) - drawn == {"all results on real images", "the size of the images", "the length of the training",
                                 "the networks' size"}
    assert demo["the length of the training"].startswith("45 of 100 epochs")
    assert demo["the size of the images"] == "256 of 512 pixels a side"


def test_called_again_it_goes_on_and_under_another_seed_it_refuses(reproduced, preset, data, monkeypatch):
    monkeypatch.setattr(afseg, "make_backgrounds", None)  # calling either again would fail
    monkeypatch.setattr(afseg, "train_afseg", None)
    before = (reproduced / "table1.json").read_text()
    afseg.reproduce(reproduced, preset, TrainingOptions(seed=1), data=data, command="covid3dgan reproduce afseg")
    assert (reproduced / "table1.json").read_text() == before
    with pytest.raises(InputError, match="another seed"):
        afseg.reproduce(reproduced, preset, TrainingOptions(seed=2), data=data)


def test_training_reads_no_masks(tmp_path, preset, data):
    for path in sorted((data / "images").iterdir())[:2]:
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images" / path.name).write_bytes(path.read_bytes())
    run = afseg.train(tmp_path / "images", tmp_path / "run", preset, TrainingOptions(seed=2))
    assert run.manifest["status"] == "done"
    with pytest.raises(InputError, match="true mask for every image"):
        afseg.reproduce(tmp_path / "out", preset, TrainingOptions(), data=tmp_path / "images")
    with pytest.raises(ArgumentError, match="one folder of images, found 2"):
        afseg.train([data, data], tmp_path / "other", preset, TrainingOptions())


def test_prediction_keeps_the_images_size_and_goes_on_after_a_bad_one(tmp_path, reproduced, data):
    predictor = load_foreground(reproduced / "afseg")

    def predict(path, out, **options):
        return predict_each(predictor, predictor.find(path), out, **options)

    odd = images.read(next(iter(sorted((data / "images").iterdir()))))[:50, :61]
    images.write(odd, tmp_path / "odd.png")
    (tmp_path / "broken.tif").write_bytes(b"II*\0")
    found, problems = predict(tmp_path, tmp_path / "masks", overlay=True)
    assert list(found) == ["odd"]
    images.write(odd, tmp_path / "masks" / "my_overlay.png")
    beside, _ = predict(tmp_path / "masks", tmp_path / "again")
    assert list(beside) == ["my_overlay"], "earlier results are no images, a name like theirs does not make one"
    assert "broken.tif" in str(problems[0])
    mask = images.read_mask(tmp_path / "masks" / "odd_mask.png", odd.shape)
    assert found["odd"]["foreground_pixels"] == mask.sum()
    np.testing.assert_array_equal(mask, predictor.predict(images.read(tmp_path / "odd.png")) > predictor.threshold)
    again, refused = predict(tmp_path / "odd.png", tmp_path / "masks")
    assert not again and "--overwrite" in str(refused[0])


def test_exported_segmenter_gives_the_runs_masks(tmp_path, reproduced, data, capsys):
    run, square = str(reproduced / "afseg"), sorted((data / "images").iterdir())[0]
    assert main(["export", run, str(tmp_path / "file"), "--quiet"]) == 0
    wide = tmp_path / "wide.png"
    images.write(images.read(square)[:50, :61], wide)

    def mask(image, model, out):
        assert main(["predict", str(image), str(tmp_path / out), "--model", str(model), "--quiet"]) == 0
        return images.read_mask(tmp_path / out / f"{image.stem}_mask.png", images.read(image).shape)

    tflite, saved_model = (tmp_path / "file" / name for name in ("afseg-segmenter.tflite", "saved_model"))
    expected = mask(square, run, "run")
    assert 0 < expected.mean() < 1
    np.testing.assert_array_equal(mask(square, tflite, "tflite"), expected)
    np.testing.assert_array_equal(mask(square, saved_model, "saved_model"), expected)
    np.testing.assert_array_equal(mask(wide, saved_model, "wide"), mask(wide, run, "wide_run"))
    capsys.readouterr()
    assert main(["predict", str(wide), str(tmp_path / "no"), "--model", str(tflite)]) == 1
    assert "wide.png: expected" in (said := capsys.readouterr().err) and "use the run or its SavedModel" in said


def test_prediction_refuses_names_that_collide_and_odd_thresholds(tmp_path, reproduced):
    predictor = load_foreground(reproduced / "afseg")
    for name in ("a.png", "a.jpg"):
        images.write(np.eye(20), tmp_path / "same" / name)
    with pytest.raises(InputError, match="several called a"):
        predictor.find(tmp_path / "same")
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        ForegroundPredictor(predictor.network, predictor.preset, {}, threshold=1.5)


def test_prediction_writes_scores_and_a_picture_where_asked_and_resumes(tmp_path, reproduced, data, capsys):
    path = next(iter(sorted((data / "images").iterdir())))
    run, out = str(reproduced / "afseg"), tmp_path / "masks"
    asked = ["predict", str(path), str(out), "--model", run, "--quiet"]
    assert main([*asked, "--probability", "--overlay"]) == 0
    predictor = load_foreground(run)
    scores = predictor.predict(images.read(path, predictor.preset.images.channel))
    np.testing.assert_allclose(images.read(out / f"{path.stem}_probability.png"), scores, atol=0.5 / 255 + 1e-6)
    assert images.read(out / f"{path.stem}_overlay.png").size > scores.size

    (out / f"{path.stem}_probability.png").unlink()
    assert main([*asked, "--resume", "--probability"]) == 0
    assert not (out / f"{path.stem}_probability.png").exists(), "what the same model did is left alone"
    images.write(1 - images.read(path), path_of_other := tmp_path / path.name)
    assert main(["predict", str(path_of_other), str(out), "--model", run, "--quiet", "--resume", "--probability"]) == 0
    assert (out / f"{path.stem}_probability.png").exists(), "another image of that name is no earlier result"
    assert main([*asked, "--lungs", "lungs.nii.gz", "--overwrite"]) == 2
    assert "AF-SEG segments 2D images" in capsys.readouterr().err


def test_the_command_line_predicts_images_and_refuses_tasks_of_other_systems(tmp_path, reproduced, data, capsys):
    path = next(iter(sorted((data / "images").iterdir())))
    run = str(reproduced / "afseg")
    assert main(["predict", str(path), str(tmp_path / "masks"), "--model", run, "--quiet"]) == 0
    assert images.read_mask(tmp_path / "masks" / f"{path.stem}_mask.png").shape == (64, 64)
    assert len(list((tmp_path / "masks").iterdir())) == 2, "nothing that was not asked for"
    record = json.loads((tmp_path / "masks" / f"{path.stem}_mask.json").read_text())
    assert record["model"]["run"] == run and record["model"]["preset"] == "afseg/cells/demo"
    assert main(["predict", str(path), str(tmp_path / "masks"), "--model", run, "--quiet"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main(["reproduce", "shabani", "--task", "cells", "--out", str(tmp_path / "out")]) == 2
    assert "leave it out" in capsys.readouterr().err
    assert main(["train", "afseg", str(data), str(tmp_path / "run"), "--steps", "3"]) == 2
    assert "synthesis.constant_epochs" in capsys.readouterr().err
