"""``train segmenter --masks``: the cases' own masks in the place of pseudo-masks, without a GAN."""

import json

import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.prepared_case import PreparedCase
from covid3dgan.errors import InputError
from covid3dgan.training.pseudo_slices import load_mask_slices

SHAPE = (8, 32, 32)
SETTINGS = [f"--set={setting}" for setting in (
    "gan.volume_shape=8,32,32", "segmenter.width=4", "segmenter.batch_size=4", "segmenter.synthetic_share=0",
    "preprocess.lung_level=none")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Two cases, of each the first three slices without a lesion."""
    folder = tmp_path_factory.mktemp("prepared")
    lungs = np.zeros(SHAPE, np.float32)
    lungs[:, 4:28, 3:14] = lungs[:, 4:28, 18:29] = 1
    for number in range(2):
        infection = np.zeros(SHAPE, np.float32)
        for index in range(3, 8):
            infection[index, 8:10 + index + number, 5:10] = 1
        lung = lungs * (0.1 + 0.3 * infection)
        prepared_case.save(PreparedCase(f"c{number}", lung, lungs, lung, infection, np.eye(4), np.eye(4), (32, 32, 8),
                                        {"group": "covid"}), folder / f"c{number}.npz")
    return folder


def test_targets_are_the_masks_and_a_run_is_not_resumed_with_others(prepared, tmp_path, capsys):
    command = ["train", "segmenter", str(prepared), str(tmp_path / "run"), "--preset", "shabani/demo", "--steps", "1",
               "--precision", "float32", *SETTINGS]
    assert main([*command, "--masks"]) == 0
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert manifest["targets"] == "masks of the cases" and "gan" not in manifest
    # Quartiles of the ten slices with a lesion: the six without are in neither group.
    assert 0 < manifest["groups"]["high"] <= 3 and 0 < manifest["groups"]["low"] <= 4
    # As a run on pseudo-masks has it, or one from before this was written down.
    (tmp_path / "run" / "run.json").write_text(json.dumps({**manifest, "targets": "pseudo-masks"}))
    assert main([*command, "--masks", "--resume"]) == 1
    assert "a run that learns from masks of the cases, found pseudo-masks; resume it as it" in capsys.readouterr().err


def test_slices_and_masks_come_in_scanning_order(prepared):
    found = load_mask_slices(prepared, SHAPE)
    assert found.gan_step is None and found.healthy is None
    cases = [prepared_case.load(prepared / f"c{number}.npz") for number in range(2)]
    np.testing.assert_array_equal(found.targets, np.concatenate([case.infection for case in cases]))
    np.testing.assert_array_equal(found.slices, np.concatenate([case.lung for case in cases]))
    with pytest.raises(InputError, match=r"volumes of the preset's shape \(16, 32, 32\), found \(8, 32, 32\)"):
        load_mask_slices(prepared, (16, 32, 32))


@pytest.mark.parametrize("network, options, part", [
    ("segmenter", ["--masks", "--gan", "runs/gan"], "expected no --gan: the masks are those of the cases"),
    ("segmenter", [], "pass --gan RUN, or --masks to learn from the cases' own masks"),
    ("transunet", ["--masks"], "expected a network of segmenter, found transunet"),
])
def test_wrong_arguments_are_one_sentence(network, options, part, capsys):
    assert main(["train", network, "data", "run", *options]) == 2
    assert part in capsys.readouterr().err
