"""Single slices: HU from a picture's own grey values, slices on their side, lungs of one slice, and the way back."""

import warnings

import numpy as np
import pytest
from PIL import Image

from covid3dgan.data import slice_image
from covid3dgan.data.files.dicom_folder import list_series
from covid3dgan.data.phantoms.chest_ct import generate
from covid3dgan.data.preprocess.picture_scale import estimate_window
from covid3dgan.data.preprocess.slice_lungs import find_slice_lungs
from covid3dgan.data.preprocess.slice_turn import TURNED, find_turn, turned_back, upright
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError, InputWarning

WINDOWS = [(-1000, 400), (-1350, 150), (-1250, 250), (-1024, 3071), (-1000, 0)]


@pytest.fixture(scope="module")
def phantom():
    """(HU, lungs, spacing) of the middle slice of a phantom, front up, right on the left."""
    case = generate("coronacases-like", 1, seed=0, size=(192, 192, 24))
    hu, lungs = (volume.canonical().array[::-1, ::-1, 12].T for volume in (case.ct, case.lungs))
    return hu, lungs > 0, case.ct.spacing[1::-1]


@pytest.fixture(scope="module")
def real(shared_data):
    """(name, HU, spacing, lungs) of twelve real slices of six patients."""
    folder = shared_data / "real" / "covid_slices"
    if not folder.is_dir():
        pytest.skip("the real slices are not here")
    series, _ = list_series(folder)
    assert len(series) == 12
    slices = [(item.name, item.read()[0][:, :, 0].T, tuple(item.slices[0].spacing)) for item in series]
    return [(name, hu, spacing, find_slice_lungs(hu, spacing)) for name, hu, spacing in slices]


def shown(hu, window):
    """The slice as a picture in [0, 1] of 256 grey values."""
    low, high = window
    return np.rint(np.clip((hu - low) / (high - low), 0, 1) * 255) / 255


def cut_to_lungs(hu, lungs):
    rows, columns = np.nonzero(lungs)
    return hu[max(0, rows.min() - 3):rows.max() + 4, max(0, columns.min() - 3):columns.max() + 4]


def save(path, grey, dtype=np.uint8):
    Image.fromarray(np.rint(grey * np.iinfo(dtype).max).astype(dtype)).save(path)
    return path


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


# === HU of a picture ===

@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
def test_a_phantoms_window_is_found(window, cut, phantom):
    hu, lungs, _ = phantom
    low, high = estimate_window(shown(cut_to_lungs(hu, lungs) if cut else hu, window), "x.png")
    for value, tolerance in ((-500, 80), (0, 60)):  # a phantom's noise makes its darkest lung darker than a patient's
        found = low + (value - window[0]) * (high - low) / (window[1] - window[0])
        assert found == pytest.approx(value, abs=tolerance)


def test_real_slices_windows_are_found(real):
    errors = {-850: [], -500: [], 0: []}
    for name, hu, _, lungs in real:
        for part in (hu, cut_to_lungs(hu, lungs)):
            for window in ((-1350, 150), (-1250, 250)):
                low, high = estimate_window(shown(part, window), name)
                for value, found in errors.items():
                    found.append(low + (value - window[0]) * (high - low) / (window[1] - window[0]) - value)
    # Measured: means of -11, -12 and -13 HU, at worst 88, 77 and 192 (contrast medium taken for soft tissue).
    assert all(abs(np.mean(found)) < 30 for found in errors.values())
    assert np.abs(errors[-850]).max() < 110 and np.abs(errors[-500]).max() < 110


@pytest.mark.parametrize("make, found", [
    (lambda r: r.random((200, 200)), "found noise"),
    (lambda r: np.full((200, 200), 0.7) + r.random((200, 200)) * 0.01, "found noise"),
    (lambda r: np.linspace(0.50, 0.59, 200)[:, None] + np.zeros((200, 200)), "found no such contrast")])
def test_what_shows_no_chest_has_its_sentence(make, found):
    with pytest.raises(InputError, match=f"x.png: expected .*{found}"):
        estimate_window(make(np.random.default_rng(0)), "x.png")


# === lying on the side ===

def test_turning_and_turning_back():
    array = np.arange(6).reshape(2, 3)
    for turned in TURNED:
        np.testing.assert_array_equal(turned_back(upright(array, turned), turned), array)
    # The front, the first column of a slice whose front points to the left, becomes the first row.
    np.testing.assert_array_equal(upright(array, "left")[0], array[::-1, 0])
    np.testing.assert_array_equal(upright(array, "right")[0], array[:, -1])


@pytest.mark.parametrize("turned", TURNED)
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
def test_a_phantom_on_its_side_is_found(turned, cut, phantom):
    hu, lungs, _ = phantom
    assert find_turn(turned_back(cut_to_lungs(hu, lungs) if cut else hu, turned)) == turned


def test_real_slices_on_their_side_are_found(real):
    wrong = []
    for name, hu, _, lungs in real:
        for part in (hu, cut_to_lungs(hu, lungs)):
            low, high = estimate_window(shown(part, (-1250, 250)), name)
            grey = low + shown(part, (-1250, 250)) * (high - low)
            wrong += [(name, turned) for turned in TURNED if find_turn(turned_back(grey, turned)) != turned]
    # One slice, whose lungs are denser in front and whose bones such a window does not show, is taken front to back.
    assert {name for name, _ in wrong} <= {"A002304_19010112-135"}
    assert not any(turned == "no" for _, turned in wrong)


# === lungs ===

def test_lungs_of_a_phantom_slice(phantom):
    hu, lungs, spacing = phantom
    assert dice(find_slice_lungs(hu, spacing), lungs) > 0.93


def test_a_real_slice_cut_to_its_lungs_has_the_same_lungs(real):
    for name, hu, spacing, whole in real[::4]:
        assert 5000 < whole.sum() * np.prod(spacing) < 40000  # mm^2
        assert dice(find_slice_lungs(cut_to_lungs(hu, whole), spacing), cut_to_lungs(whole, whole)) > 0.95, name


# === files ===

def test_a_picture_comes_back_in_its_own_layout(tmp_path, phantom):
    hu, lungs, _ = phantom
    side = turned_back(cut_to_lungs(hu, lungs), "left")
    path = save(tmp_path / "x.png", shown(side, (-1250, 250)))
    with pytest.warns(InputWarning) as caught:
        image = slice_image.read_picture(path)
    said = "\n".join(str(warning.message) for warning in caught)
    assert "x.png: expected Hounsfield units, found grey values, taken as -1" in said
    assert "found a slice on its side, the front to the left, as it seems" in said
    assert image.facts["turned"] == "left" and image.facts["hu"] == "estimated from the picture"
    np.testing.assert_array_equal(image.back(image.upright).shape, side.shape)
    np.testing.assert_array_equal(image.back(image.upright), turned_back(image.upright, "left"))


@pytest.mark.parametrize("suffix, dtype, tolerance", [(".png", np.uint8, 3), (".png", np.uint16, 0.1),
                                                      (".jpg", np.uint8, 25)])
def test_the_users_word_wins_without_a_warning(suffix, dtype, tolerance, tmp_path, phantom):
    hu = np.clip(phantom[0], -1000, 400)
    path = save(tmp_path / f"x{suffix}", (hu + 1000) / 1400, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = slice_image.read_picture(path, window=(-1000, 400), turned="no")
    error = np.abs(image.upright - hu)
    assert (error.mean() if suffix == ".jpg" else error.max()) < tolerance
    assert image.facts == {"hu": "--window", "hu_window": [-1000.0, 400.0], "turned": "no"}


def test_a_colour_picture_is_refused_and_a_mark_is_not(tmp_path, phantom):
    grey = np.rint(shown(phantom[0], (-1250, 250)) * 255).astype(np.uint8)
    colours = np.repeat(grey[..., None], 3, axis=2)
    colours[5:9, 5:9] = (255, 200, 0)
    Image.fromarray(colours).save(tmp_path / "marked.png")
    slice_image.read_picture(tmp_path / "marked.png", window=(-1250, 250), turned="no")
    colours[50:150, 50:150, 0] = 255
    Image.fromarray(colours).save(tmp_path / "photo.png")
    with pytest.raises(InputError, match=r"photo.png: expected a grey picture of a CT slice, found a colour picture "
                                         r"\(\d+% of it is coloured\); pass the CT itself"):
        slice_image.read_picture(tmp_path / "photo.png")


def test_a_volume_of_one_slice_is_turned_by_its_affine(phantom):
    hu, lungs, _ = phantom
    # Stored with X to the front and Y to the left: the affine says so, and nothing is guessed.
    stored = hu[::-1].astype(np.float32)[..., None]
    affine = np.array([[0, -2.0, 0, 0], [2.0, 0, 0, 0], [0, 0, 5, 0], [0, 0, 0, 1]])
    image = slice_image.from_volume(Volume(stored, affine))
    np.testing.assert_array_equal(image.upright, hu)
    np.testing.assert_array_equal(image.back(image.upright), stored)
    assert image.spacing == (2.0, 2.0) and image.facts == {"hu": "as stored", "turned": "no"}


def test_a_slice_that_is_not_axial_is_refused(phantom):
    with pytest.raises(InputError, match="slice: expected an axial slice, found one of 192x1x192 voxels"):
        slice_image.from_volume(Volume(np.swapaxes(phantom[0][..., None], 1, 2), np.eye(4)))
