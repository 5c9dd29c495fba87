"""Ours in the place of missing packages, held to the real ones where they are installed."""

import random
import sys
import types

import numpy as np
import pytest
from scipy import ndimage

from covid3dgan.data.noise import perlin
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.errors import InputError
from covid3dgan.evaluation import protocols
from covid3dgan.notebooks.idioms import imaging, lung_masks, published_functions, stand_ins
from covid3dgan.notebooks.idioms.inert import MissingPackage, inert_module
from covid3dgan.notebooks.idioms.libraries import install_random
from covid3dgan.notebooks.idioms.vanished_modules import VanishedModules
from covid3dgan.notebooks.recorder import Recorder


def test_add_weighted_is_opencvs():
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.uint8):
        a, b = (rng.uniform(0, 255, (5, 6)).astype(dtype) for _ in range(2))
        assert np.allclose(imaging.add_weighted(a, 0.5, b, 0.8, 3.0), cv2.addWeighted(a, 0.5, b, 0.8, 3.0), atol=1e-9)


def test_resize_is_scikit_images_and_refuses_what_it_cannot_do():
    transform = pytest.importorskip("skimage.transform")
    volume = np.random.default_rng(0).normal(size=(12, 20, 9))
    options = {"order": 5, "anti_aliasing": True, "mode": "constant"}
    assert np.allclose(imaging.resize_image(volume, (8, 8, 16), **options),
                       transform.resize(volume, (8, 8, 16), **options), atol=1e-6)
    with pytest.raises(InputError, match="install scikit-image"):
        imaging.resize_image(volume, (8, 8, 16))


def test_pixel_by_pixel_noise_is_the_field():
    """Two fields with the same parameters but another scale, walked over as the published code does."""
    pnoise2 = stand_ins._PixelByPixel()
    for scale in (10, 13):
        walked = [[pnoise2(i / scale, j / scale, octaves=4, persistence=0.3, lacunarity=2.0, repeatx=140, repeaty=140,
                           base=7) for j in range(9)] for i in range(8)]
        assert np.allclose(walked, perlin.pnoise2((8, 9), scale, 4, 0.3, 2.0, 140, 7), atol=1e-7)
    with pytest.raises(InputError, match="a walk over a field"):
        pnoise2(0.123, 0.456)


def test_lung_labels_find_both_lungs():
    case = chest_ct.generate("healthy", 0, 1, size=(96, 96, 32))
    slices = case.ct.canonical().array[::-1, ::-1].transpose(2, 1, 0)
    true = case.lungs.canonical().array[::-1, ::-1].transpose(2, 1, 0) > 0
    recorder = Recorder()
    labels = lung_masks.lung_labels(slices, recorder)
    found = labels > 0
    assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.9
    columns = np.indices(labels.shape)[2]
    assert columns[labels == 1].mean() < columns[labels == 2].mean()  # the patient's right is on the left
    assert "built-in method" in recorder.events[0]["how"]


def test_published_scores_are_the_protocols():
    """One case: slice 0 too small to be scored, slice 1 below 1 % of the lung, slices 2 and 3 scored."""
    rng = np.random.default_rng(3)
    truth, lung = np.zeros((4, 128, 128)), np.ones((4, 128, 128))
    for number, side in enumerate((10, 13, 30, 40)):
        truth[number, :side, :side] = 1
    lung[:2, 100:] = 0
    scores = rng.random((4, 128, 128)) * 0.3 + truth * rng.random((4, 128, 128))
    arrays = [[truth[None, ..., None]], [scores[..., None]], [truth[None, ..., None]], [lung]]
    dice, sensitivity, specificity, infected = published_functions.EvaluateMain(*arrays, 0.2, "1", 10, 15, False)
    expected = protocols.published(scores[None], truth[None], lung[None], threshold=0.2, relative=True).summary(0)
    kept = np.array(infected) > 1
    for ours, name in ((dice, "dice"), (sensitivity, "sensitivity"), (specificity, "specificity")):
        values = np.array(ours)[kept]
        assert 100 * np.nanmean(values) == pytest.approx(expected[name]["mean"], abs=1e-6)
    assert np.isnan(dice[0])


def test_mean_of_no_slice_is_said(capsys):
    published_functions.PlotingResults([float("nan")], [0.5], "Dice")
    assert "no slice" in capsys.readouterr().out


def test_inert_package_can_be_imported_and_subclassed_but_not_used():
    module = types.ModuleType("torch")
    inert_module(module)

    class Net(module.nn.Module):
        pass

    assert not isinstance(3, module.Tensor)
    assert module.cuda.is_available() is False  # the truth, which cells ask for at their top
    for use in (Net, lambda: module.max(3), lambda: bool(module.cuda)):
        with pytest.raises(MissingPackage, match="expected the package torch, found it not installed"):
            use()


@pytest.fixture
def finder():
    before = set(sys.modules)
    recorder = Recorder()
    found = VanishedModules(recorder, stand_ins.stand_ins(recorder), hidden={"cv2", "skimage"})
    found.install()
    yield found
    found.uninstall()
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("cv2", "skimage", "lungmask", "SimpleITK", "google"):
            del sys.modules[name]


def test_hidden_and_missing_packages_are_stood_in_for_only_when_a_notebook_asks(finder):
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in ("cv2", "skimage")}
    asked = {"__name__": "__main__"}
    exec("import cv2\nfrom skimage.transform import resize\nfrom skimage import data, filters\n"
         "from lungmask import mask\nimport SimpleITK as sitk\nfrom google.colab import drive", asked)
    assert asked["resize"] is imaging.resize_image and asked["cv2"].addWeighted is imaging.add_weighted
    assert callable(asked["mask"].apply)
    kinds = {event["what"]: event["kind"] for event in finder.recorder.events}
    assert kinds["SimpleITK"] == "inert" and kinds["cv2"] == kinds["google.colab"] == "stand-in"
    # A library's own "is pandas there?" must get the truth.
    library = compile("import fill_voids", "/env/lib/python3.11/site-packages/some/library.py", "exec")
    with pytest.raises(ModuleNotFoundError):
        exec(library, {"__name__": "some.library"})
    sys.modules.update(hidden)


@pytest.mark.parametrize("name", ["interpolation", "filters", "morphology", "measurements"])
def test_former_modules_of_scipy_forward_their_names(name):
    """They are still there today; whoever removes them finds the names forwarded."""
    module = types.ModuleType(f"scipy.ndimage.{name}")
    VanishedModules(Recorder()).exec_module(module)
    assert module.zoom is ndimage.zoom and module.label is ndimage.label
    assert not hasattr(module, "nothing")


def test_sample_draws_with_replacement_where_there_is_too_little(monkeypatch):
    monkeypatch.setattr(random, "sample", random.sample)
    monkeypatch.setattr(np.random, "choice", np.random.choice)
    recorder = Recorder()
    install_random(recorder)
    assert sorted(random.sample(range(5), 5)) == list(range(5)) and not recorder.events
    assert set(random.sample(range(3), 7)) <= {0, 1, 2} and "with replacement" in recorder.events[0]["how"]
    assert random.sample({1}, 1) == [1]
    assert sorted(np.random.choice(5, 5, replace=False)) == list(range(5))
    assert set(np.random.choice(np.arange(3), 7, replace=False)) <= {0, 1, 2}
    assert "numpy.random.choice of 7" in [event["what"] for event in recorder.events]
    with pytest.raises(ValueError):
        random.sample([], 1)
