"""preprocess: equality with the published steps, the paper's recipe, the options between them, and refusals."""

import dataclasses

import numpy as np
import published_preprocessing as slow
import pytest

from covid3dgan import presets
from covid3dgan.data.files import geometry
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.data.preprocess import frame
from covid3dgan.data.preprocess.prepared_case import restore
from covid3dgan.data.preprocess.recipe import PreprocessOptions, prepare, preprocess
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import ArgumentError, InputError, InputWarning

SMALL = (16, 64, 64)
FIELDS = ("lung", "lung_mask", "base", "infection")


@pytest.fixture(scope="module")
def case():
    """A phantom with lesions, 64 x 64 x 24, slices last."""
    return chest_ct.generate("coronacases-like", 0, size=(64, 64, 24))


def oblong(case, columns, rows):
    """The same case with fewer voxels in the plane, so that it is not square."""
    cut = (slice(0, columns), slice(0, rows))
    return [Volume(v.array[cut], v.affine) for v in (case.ct, case.lungs, case.infection)]


@pytest.mark.parametrize("columns, rows, shape", [(64, 64, (32, 128, 128)), (64, 60, SMALL), (61, 64, SMALL)])
def test_published_equals_the_published_functions(case, columns, rows, shape):
    ct, lungs, infection = oblong(case, columns, rows)
    prepared = prepare(ct, lungs, infection, PreprocessOptions.published(shape=shape))
    net = slow.lung_mask(lungs.array, ct.spacing, shape)
    wanted = slow.prepared(ct.array, ct.spacing, net, infection.array, shape)
    for name in FIELDS:
        found = getattr(prepared, name)
        assert found.dtype == np.float32 and found.shape == shape
        np.testing.assert_allclose(found, wanted[name], atol=1e-4, err_msg=name)


def test_published_takes_a_lung_nets_mask_of_the_resampled_ct(case):
    net = slow.lung_mask(case.lungs.array, case.ct.spacing, SMALL)
    net[5:9, 20:30, 10:20] = 1  # something that no mask on the CT's grid gives
    prepared = prepare(case.ct, net, options=PreprocessOptions.published(shape=SMALL))
    wanted = slow.prepared(case.ct.array, case.ct.spacing, net, shape=SMALL)
    np.testing.assert_allclose(prepared.lung, wanted["lung"], atol=1e-4)
    assert prepared.infection is None
    assert prepared.facts["lung_mask"] == "given on the resampled grid"


def test_published_masks_stay_soft_and_the_papers_are_binary(case):
    published = prepare(case.ct, case.lungs, case.infection, PreprocessOptions.published(shape=SMALL))
    paper = prepare(case.ct, case.lungs, case.infection, PreprocessOptions.paper(shape=SMALL, min_slices=8))
    for name in ("lung_mask", "infection"):
        assert len(np.unique(getattr(published, name))) > 100
        assert set(np.unique(getattr(paper, name))) == {0.0, 1.0}


def test_paper_keeps_the_lungs_whole_and_in_the_middle(case):
    prepared = prepare(case.ct, case.lungs, options=PreprocessOptions.paper(min_slices=8, crop_margin=5.0))
    assert prepared.shape == (32, 128, 128)
    inside = prepared.lung_mask
    assert not inside[:, 0].any() and not inside[:, -1].any() and not inside[:, :, 0].any()
    occupied = [np.flatnonzero(inside.any(tuple(a for a in range(3) if a != axis))) for axis in (1, 2)]
    for positions in occupied:
        assert abs((positions[0] + positions[-1]) / 2 - 63.5) <= 1.5
    assert prepared.lung[inside == 0].mean() < 0.01
    assert 0.05 < prepared.lung[inside > 0].mean() < 0.4


def test_paper_does_not_depend_on_the_voxel_order(case):
    options = PreprocessOptions.paper(shape=SMALL, min_slices=8)
    wanted = prepare(case.ct, case.lungs, case.infection, options)
    for order in ("RAS", "LPS", "PLS", "SAR"):
        codes = [("LR", "PA", "IS")[axis] for axis in range(3)]
        world = [next(i for i, pair in enumerate(codes) if letter in pair) for letter in order]
        signs = [1 if letter in "RAS" else -1 for letter in order]
        target = np.zeros((4, 4))
        for axis, (row, sign) in enumerate(zip(world, signs)):
            target[row, axis] = sign
        target[3, 3] = 1

        def reordered(volume, target=target):
            canonical = volume.canonical()
            array = geometry.from_canonical(canonical.array, target)
            back = np.linalg.inv(geometry.canonical_affine(target, array.shape)) @ target
            return Volume(array, canonical.affine @ back)

        stored = [reordered(v) for v in (case.ct, case.lungs, case.infection)]
        assert stored[0].orientation == order
        found = prepare(*stored, options)
        for name in FIELDS:
            np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), atol=1e-5, err_msg=order + name)
        np.testing.assert_allclose(found.affine, wanted.affine, atol=1e-6)


def test_the_frame_is_caudal_to_cranial_front_to_back_right_to_left(case):
    prepared = prepare(case.ct, case.lungs, options=PreprocessOptions.paper(shape=SMALL, min_slices=8))
    slice_axis, row_axis, column_axis = prepared.affine[:3, :3].T
    assert slice_axis[2] > 0 and row_axis[1] < 0 and column_axis[0] < 0


def test_the_rotation_equals_the_affine_for_rps_files_only(case):
    array = np.random.default_rng(0).standard_normal((4, 5, 6))
    rps, ras = np.diag([1.0, -1.0, 1.0, 1.0]), np.eye(4)
    np.testing.assert_array_equal(frame.view(array, rps, "rotate")[0], frame.view(array, rps, "affine")[0])
    assert (frame.view(array, ras, "rotate")[0] != frame.view(array, ras, "affine")[0]).any()
    np.testing.assert_array_equal(frame.view(array, ras, "rotate")[0], frame.view(array, ras, "affine")[0][:, ::-1])


@pytest.mark.parametrize("orientation", frame.ORIENTATIONS)
def test_the_view_knows_its_voxels(orientation):
    array = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    affine = np.array([[0, 2, 0, 5], [-1, 0, 0, 3], [0, 0, -3, 0], [0, 0, 0, 1.0]])  # AR, then downwards
    seen, to_voxel = frame.view(array, affine, orientation)
    for index in [(0, 0, 0), (5, 3, 2), (2, 1, 3)]:
        if all(i < n for i, n in zip(index, seen.shape)):
            voxel = to_voxel @ [*index, 1]
            assert seen[index] == array[tuple(voxel[:3].astype(int))]


def test_the_published_crop_loses_the_last_slice_row_and_column():
    hu = np.full((40, 40, 40), -1000.0)
    lungs = np.zeros((40, 40, 40), np.uint8)
    lungs[10:30, 8:33, 5:35] = 1
    ct = Volume(hu + 100 * lungs, np.diag([1.0, -1.0, 1.0, 1.0]))
    whole = prepare(ct, lungs, options=PreprocessOptions.paper(crop_margin=0.0))
    cut = prepare(ct, lungs, options=PreprocessOptions.paper(crop_margin=0.0, exclusive_crop=True))
    assert whole.facts["crop"] == [[5, 35], [8, 33], [10, 30]]
    assert cut.facts["crop"] == [[5, 34], [8, 32], [10, 29]]


@pytest.mark.parametrize("preset, margin", [
    ("shabani/published", 0), ("shabani/paper", 0), ("elmourabit/paper", 0), ("khali/paper", 0),
    ("shabani/improved", 5), ("shabani/demo", 5)])
def test_f37_the_crop_ends_at_the_lungs_or_a_margin_beyond(preset, margin):
    hu = np.full((60, 60, 60), -1000.0)
    lungs = np.zeros((60, 60, 60), np.uint8)
    lungs[20:40, 18:43, 15:45] = 1
    ct = Volume(hu + 100 * lungs, np.diag([1.0, -1.0, 1.0, 1.0]))
    options = dataclasses.replace(presets.get(preset).preprocess, resize_before_crop=False, exclusive_crop=False,
                                  spacing=(1.0, 1.0, 1.0), keep_aspect=False)
    found = prepare(ct, lungs, options=options).facts["crop"]
    assert found == [[15 - margin, 45 + margin], [18 - margin, 43 + margin], [20 - margin, 40 + margin]]


def test_one_millimetre_or_two_in_the_plane(case):
    published = PreprocessOptions.published(shape=SMALL)
    finer = dataclasses.replace(published, spacing=(1.0, 1.0, 1.0), resize_before_crop=False)
    assert prepare(case.ct, case.lungs, options=published).facts["grid_shape"] == list(SMALL)
    steps = case.ct.spacing
    grid = prepare(case.ct, case.lungs, options=finer).facts["grid_shape"]
    assert grid == [round(n * s) for n, s in zip((24, 64, 64), (steps[2], steps[0], steps[1]))]


def test_the_lung_mask_is_made_where_the_option_says(case):
    resampled = prepare(case.ct, options=PreprocessOptions.published(shape=SMALL))
    original = prepare(case.ct, options=PreprocessOptions.published(shape=SMALL, lung_grid="original"))
    assert resampled.facts["lung_mask"] == "threshold on the resampled CT"
    assert original.facts["lung_mask"] == "threshold on the original CT"
    assert 0 < np.abs(resampled.lung_mask - original.lung_mask).mean() < 0.1
    by_text = dataclasses.replace(presets.get("khali/paper").preprocess, shape=SMALL, min_slices=16)
    third = prepare(case.ct, infection=case.infection, options=by_text)
    assert third.facts["lung_mask"] == "threshold on the resampled CT" and third.lung.shape == SMALL
    assert 0.1 < third.lung_mask.mean() < 0.9 and third.infection.sum() > 0


def test_the_median_takes_noise_out_of_the_lung_image_alone():
    hu = np.full((40, 40, 40), 40.0, np.float32)
    hu[5:35, 5:35, 4:36] = -860
    lungs = (hu < 0).astype(np.uint8)
    hu[8:32:4, 8:32:4, 6:34:2] = 300  # single bright voxels
    shape = (32, 30, 30)  # the lungs' own size, so that nothing is interpolated
    options = PreprocessOptions.paper(shape=shape, crop_margin=0.0)
    noisy, smooth = (prepare(Volume(hu, np.eye(4)), lungs, options=dataclasses.replace(options, median=side))
                     for side in (1, 3))
    assert noisy.lung.max() == pytest.approx(1300 / 1400, abs=1e-3)
    np.testing.assert_allclose(smooth.lung, 140 / 1400, atol=1e-3)
    np.testing.assert_array_equal(noisy.base, smooth.base)


@pytest.mark.parametrize("recipe", ["paper", "khali"])
def test_pixels_are_as_high_as_wide_where_proportions_are_kept(case, recipe):
    base = PreprocessOptions.paper() if recipe == "paper" else presets.get("khali/paper").preprocess
    stretched, kept = (prepare(case.ct, case.lungs, case.infection,
                               dataclasses.replace(base, shape=SMALL, min_slices=8, keep_aspect=value))
                       for value in (False, True))
    ratios = [found.spacing[1] / found.spacing[2] for found in (stretched, kept)]
    assert ratios[0] < 0.85 and abs(ratios[1] - 1) < 0.05
    # The lungs stay whole, and as large in millimetres.
    sizes = [found.lung_mask.sum() * np.prod(found.spacing) for found in (stretched, kept)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.03)
    lesions = [found.infection.sum() * np.prod(found.spacing) for found in (stretched, kept)]
    assert lesions[1] == pytest.approx(lesions[0], rel=0.1)


def test_a_box_widened_beyond_the_ct_is_filled_with_air_and_leads_back(case):
    narrow = [Volume(v.array[8:-8], v.affine @ np.array([[1, 0, 0, 8], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
              for v in (case.ct, case.lungs)]
    options = PreprocessOptions.paper(shape=SMALL, min_slices=8, keep_aspect=True, crop_margin=40.0)
    found = prepare(*narrow, options=options)
    starts = [side[0] for side in found.facts["crop"]]
    assert min(starts) < 0 and found.lung_mask.sum() > 0
    assert abs(found.spacing[1] / found.spacing[2] - 1) < 0.05
    beyond = found.base[:, :, 0]
    assert beyond.max() < 1e-3 and found.lung[:, :, 0].max() < 1e-3
    back = restore(found, found.lung_mask) > 0.5
    overlap = np.logical_and(back, narrow[1].array > 0).sum() / np.logical_or(back, narrow[1].array > 0).sum()
    assert overlap > 0.8


def test_k30_the_window_alone_changes_the_contrast():
    hu = np.full((40, 40, 40), 40.0, np.float32)
    hu[5:35, 5:35, 4:36] = -860
    hu[20, 20, 20] = -440
    lungs = np.zeros(hu.shape, np.uint8)
    lungs[5:35, 5:35, 4:36] = 1
    options = dataclasses.replace(presets.get("khali/paper").preprocess, shape=(32, 40, 40), median=1)
    found = prepare(Volume(hu, np.eye(4)), lungs, options=options)
    assert np.median(found.lung[found.lung_mask > 0]) == pytest.approx((1000 - 860) / 1400, abs=1e-3)


def test_a_thick_slice_ct_keeps_its_proportions(case):
    """Voxels ten times as long as wide: every fifth slice of a phantom."""
    affine = case.ct.affine @ np.diag([1, 1, 4.0, 1])
    ct, lungs = (Volume(v.array[:, :, 1::4], affine) for v in (case.ct, case.lungs))
    assert ct.spacing[2] / ct.spacing[0] > 8
    prepared = prepare(ct, lungs, options=PreprocessOptions.paper(shape=SMALL, min_slices=5))
    reference = prepare(case.ct, case.lungs, options=PreprocessOptions.paper(shape=SMALL, min_slices=5))
    ml, wanted = (p.lung_mask.sum() * np.prod(p.spacing) / 1000 for p in (prepared, reference))
    assert abs(ml / wanted - 1) < 0.1


def test_the_public_function_follows_the_recipe(case):
    assert preprocess(case.ct, case.lungs, recipe="published").facts["options"]["orientation"] == "rotate"
    assert preprocess(case.ct, case.lungs).shape == (32, 128, 128)


def test_unlikely_files_are_doubted_by_the_published_rotation(case):
    ct = Volume(case.ct.canonical().array.transpose(2, 1, 0),
                case.ct.canonical().affine[:, [2, 1, 0, 3]])
    with pytest.warns(InputWarning, match="axial slices along the third axis"):
        prepare(ct, case.lungs.canonical().array.transpose(2, 1, 0), options=PreprocessOptions.published(shape=SMALL))


def bad_inputs(case):
    """(name, arguments of prepare, the sentence)."""
    ct, lungs = case.ct, case.lungs
    thin = Volume(ct.array[:, :, :1], ct.affine)
    tissue = Volume(np.full(ct.shape, 40.0), ct.affine)
    shifted = Volume(lungs.array, ct.affine + np.eye(4)[:, [3, 0, 1, 2]] * 30)
    broken = ct.array.copy()
    broken[3, 3, 3] = np.nan
    yield "no lungs", (tissue,), "lungs"
    yield "empty mask", (ct, np.zeros(ct.shape)), "expected lungs, found none"
    yield "mask shape", (ct, lungs.array[:-1]), r"lung mask: expected a mask of the CT's shape"
    yield "mask affine", (ct, shifted), "lung mask: expected a mask with the CT's affine"
    yield "infection shape", (ct, lungs, np.zeros((3, 3, 3))), "infection: expected a mask of the CT's shape"
    yield "one slice", (thin, lungs.array[:, :, :1]), "expected at least 8 slices, found 1"
    yield "NaN", (Volume(broken, ct.affine), lungs), "expected finite HU values"


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("recipe", ["published", "paper"])
def test_bad_input_is_refused_with_a_sentence(case, recipe, number):
    name, arguments, sentence = list(bad_inputs(case))[number]
    options = getattr(PreprocessOptions, recipe)(shape=SMALL, min_slices=8)
    with pytest.raises(InputError, match=sentence):
        prepare(*arguments, options=options)


def test_cases_under_32_slices_are_refused_by_the_paper(case):
    with pytest.raises(InputError, match="expected at least 32 slices, found 24"):
        preprocess(case.ct, case.lungs, recipe="paper")


def test_a_lung_in_one_slice_is_no_crop(case):
    lungs = case.lungs.array.copy()
    lungs[:, :, :11] = 0
    lungs[:, :, 12:] = 0
    options = PreprocessOptions.paper(shape=SMALL, min_slices=8, spacing=(None, 2.0, 2.0), exclusive_crop=True)
    with pytest.raises(InputError, match="expected lungs, found a single slice"):
        prepare(case.ct, lungs, options=options)


def test_unknown_recipes_name_the_nearest(case):
    with pytest.raises(ArgumentError, match=r"one of published, paper, found 'papper' \(nearest: paper\)"):
        preprocess(case.ct, recipe="papper")
