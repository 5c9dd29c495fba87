"""What is kept of a case: the network's mask to the voxel, corrections beside it, and the CT's own geometry."""

import gzip

import numpy as np
import pytest

from covid3dgan.app.case_files import ADDED, REMOVED, CaseFiles, in_bytes
from covid3dgan.app.lesions import lesions
from covid3dgan.errors import InputError
from covid3dgan.evaluation import metrics


def test_scores_in_bytes_give_the_networks_mask_at_its_own_threshold():
    scores = np.array([0.0, 0.3199, 0.32, 0.3201, 0.321, 0.9, 1.0], np.float32)
    levels, cut = in_bytes(scores, scores > 0.32, 0.32)
    assert cut == 82 and np.array_equal(levels >= cut, scores > 0.32)
    assert levels.tolist() == [0, 81, 81, 82, 82, 230, 255]


def test_masks_come_back_onto_the_cts_own_grid(made):
    files, ct, prediction = made
    assert files.read("ct").shape != ct.shape  # it is the lungs' part
    back = files.on_ct(files.mask())
    assert np.array_equal(back.array, prediction.mask) and np.array_equal(back.affine, ct.affine)
    assert np.array_equal(files.on_ct(files.read("lungs")).array, prediction.lungs)
    part = tuple(slice(*ends) for ends in files.about["grid"]["part"])
    assert np.array_equal(files.read("ct"), ct.canonical().array[part])
    lower = files.on_ct(files.mask(threshold=round(0.3 * 255))).array
    assert np.array_equal(lower > 0, prediction.scores > 0.3)


def packed(files, **changes):
    hand = np.zeros(files.about["grid"]["shape"], np.uint8)
    for value, places in ((ADDED, changes.get("added", ())), (REMOVED, changes.get("removed", ()))):
        for place in places:
            hand[place] = value
    return gzip.compress(hand.tobytes(order="F"))


def test_corrections_win_over_every_threshold(made):
    files, _, _ = made
    marked = tuple(np.argwhere(files.mask())[0])
    free = tuple(np.argwhere(~files.mask())[0])
    before, files = files, files.write_hand(packed(files, added=[free], removed=[marked]))
    hand = files.read("hand")
    assert (hand[free], hand[marked], np.count_nonzero(hand)) == (ADDED, REMOVED, 2)
    assert not before.read("hand").any()  # until the list says that the new ones count
    for threshold in (1, 100, 255):
        assert files.mask(threshold)[free] and not files.mask(threshold)[marked]
    assert files.mask().sum() == 24  # one more, one less


@pytest.mark.parametrize(("content", "found"), [
    (b"no gzip", "damaged"), (gzip.compress(bytes(10)), "found 10"), (gzip.compress(bytes(10**7)), "or more"),
    (None, "voxels of 0, 1 and 2, found 3")])
def test_what_is_no_correction_is_refused_and_the_earlier_one_stays(made, content, found):
    files, _, _ = made
    files = files.write_hand(packed(files, added=[(0, 0, 0)]))
    good = files.read("hand")
    if content is None:
        content = gzip.compress(bytes([3]) * good.size)
    with pytest.raises(InputError, match=found):
        files.write_hand(content)
    assert np.array_equal(files.read("hand"), good) and good[0, 0, 0] == ADDED
    assert [path.name for path in files.folder.glob("*hand*")] == ["hand-1.gz"]


def test_corrections_that_are_gone_are_not_taken_for_none(made):
    files, _, _ = made
    files = files.write_hand(packed(files, added=[(0, 0, 0)]))
    files.path("hand").unlink()
    with pytest.raises(InputError, match="case.hand-1.gz: expected the corrections that were saved last"):
        files.read("hand")


def test_sizes_are_those_of_the_whole_ct(made):
    files, ct, prediction = made
    expected = metrics.sizes(ct, prediction.mask, prediction.lungs)
    found = files.sizes(files.mask())
    assert found == pytest.approx(expected) and expected["left_infection_ml"] == pytest.approx(24 * 0.08)


def test_lesions_are_told_apart_measured_and_sided(made):
    files, ct, _ = made
    [only] = lesions(files)
    # Voxels 30 to 32, 18 to 21, 12 and 13 of an affine of -4, 4 and 5 mm.
    assert only["ml"] == pytest.approx(24 * 0.08) and only["side"] == "left" and not only["by_hand"]
    assert only["centre"] == [-124.0, 78.0, 62.5]
    hand = np.zeros(files.about["grid"]["shape"], np.uint8)
    right = np.argwhere(files.read("lungs"))[-1]
    hand[tuple(right)] = ADDED
    files = files.write_hand(gzip.compress(hand.tobytes(order="F")))
    first, second = lesions(files)
    assert first["ml"] > second["ml"] == pytest.approx(0.08) and second["side"] == "right" and second["by_hand"]


def test_a_case_is_whole_only_with_its_facts(made):
    files, _, _ = made
    assert files.whole
    (files.folder / "facts.json").unlink()
    assert not CaseFiles(files.folder).whole
