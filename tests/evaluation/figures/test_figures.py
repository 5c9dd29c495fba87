"""Figures: what they show is right, every axis has its unit, and all CT panels share one grey window."""

import collections
import itertools

import matplotlib
import numpy as np
import pytest

from covid3dgan.errors import InputError
from covid3dgan.evaluation import image_groups
from covid3dgan.evaluation.figures import charts, group_charts, panels, style, views3d


def labels(figure):
    return [text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel()) if text]


@pytest.fixture(scope="module")
def groups():
    rng = np.random.default_rng(4)
    return {name: (rng.normal(centre, 1, (number, 4, 6, 5))).astype(np.float32)
            for name, centre, number in (("COVID-19", 1.0, 12), ("healthy", 0.0, 9), ("synthesised healthy", 0.1, 12))}


@pytest.fixture(scope="module")
def slice_row():
    true = np.zeros((16, 16), bool)
    true[4:8, 4:8] = True
    predicted = np.roll(true, 2, axis=1)
    return {"image": np.linspace(-1500, 900, 256).reshape(16, 16), "output": true * 0.8, "predicted": predicted,
            "true": true, "dice": 50.0, "label": "case 1, slice 3", "masks": [true, predicted]}


# numbers behind the figures ------------------------------------------------------------------------------------------

def test_principal_components_equal_a_singular_value_decomposition(groups):
    points, share = image_groups.principal_components(groups)
    stacked = np.concatenate([g.reshape(len(g), -1) for g in groups.values()]).astype(float)
    u, s, _ = np.linalg.svd(stacked - stacked.mean(axis=0), full_matrices=False)
    expected = u[:, :2] * s[:2]
    expected *= np.sign(expected[np.abs(expected).argmax(axis=0), [0, 1]])
    np.testing.assert_allclose(np.concatenate(list(points.values())), expected, atol=1e-8)
    np.testing.assert_allclose(share, (s ** 2 / (s ** 2).sum())[:2], atol=1e-12)
    assert [len(p) for p in points.values()] == [12, 9, 12]


def test_bootstrapped_distances_equal_drawing_images_one_by_one(groups):
    found = image_groups.bootstrapped_distances(groups, repeats=4000)
    rng = np.random.default_rng(0)
    for (first, second), (mean, deviation) in found.items():
        a, b = (groups[name].reshape(len(groups[name]), -1).astype(float) for name in (first, second))
        draws = []
        for _ in range(600):
            drawn_a, drawn_b = a[rng.integers(0, len(a), len(a))], b[rng.integers(0, len(b), len(b))]
            draws.append(np.mean([np.linalg.norm(x - y) for x, y in itertools.product(drawn_a, drawn_b)]))
        assert mean == pytest.approx(np.mean(draws), rel=0.01)
        assert deviation == pytest.approx(np.std(draws), rel=0.15)


def test_bootstrapped_distances_of_single_images_are_their_distance():
    pair = {"a": np.zeros((1, 3)), "b": np.full((1, 3), 2.0)}
    assert image_groups.bootstrapped_distances(pair)["a", "b"] == pytest.approx((np.sqrt(12), 0), abs=1e-12)


@pytest.mark.parametrize("at, difference, answer", [(1.0, 6.0, "yes"), (7.0, -6.0, "no"), (4.0, 0.0, "undecided")])
def test_nearer_to_healthy_is_the_difference_of_the_mean_distances(at, difference, answer):
    """On a line with the healthy at 0 +- 0.5 and COVID at 8 +- 0.5."""
    spread = np.array([-0.5, 0.5] * 4)[:, None]
    found = image_groups.nearer(at + spread, spread[:6], 8 + spread)
    assert found["answer"] == answer and found["difference"] == pytest.approx(difference)
    low, high = found["ci95"]
    assert low < difference < high and high - low < 2
    assert image_groups.nearer(at + spread, spread[:6], 8 + spread) == found


def test_image_groups_refuse_what_cannot_be_compared(groups):
    with pytest.raises(InputError, match="two or more groups of images of one shape"):
        image_groups.bootstrapped_distances({"a": np.zeros((2, 3)), "b": np.zeros((2, 4))})
    with pytest.raises(InputError, match="more than 2 images in all"):
        image_groups.principal_components({"a": np.zeros((1, 3)), "b": np.zeros((1, 3))})


# charts --------------------------------------------------------------------------------------------------------------

def test_pca_scatter_names_groups_numbers_and_variance(groups):
    fewer = {name: images[:4] for name, images in groups.items()}
    figure = group_charts.pca_scatter({"Mosmed": groups, "UESTC": fewer})
    assert [axes.get_title() for axes in figure.axes] == ["Mosmed (n = 12, 9, 12)", "UESTC (n = 4, 4, 4)"]
    assert all("% of variance" in axes.get_xlabel() for axes in figure.axes)
    drawn = [[len(points.get_offsets()) for points in axes.collections] for axes in figure.axes]
    assert drawn == [[12, 9, 12], [4, 4, 4]]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["COVID-19", "healthy", "synthesised healthy"]


def test_group_distances_draws_each_pair_at_each_data_set(groups):
    found = image_groups.bootstrapped_distances(groups)
    figure = group_charts.group_distances({"Mosmed": found, "UESTC": found})
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["Mosmed", "UESTC"]
    heights = [container.lines[0].get_ydata() for container in axes.containers]
    np.testing.assert_allclose(heights, [[found[pair][0]] * 2 for pair in found])


def test_grouped_bars_have_the_given_heights_and_gaps():
    figure = charts.grouped_bars({"Dice": {"Mosmed": (62.0, 14.9), "UESTC": (63.7, 17.5)},
                                  "Sensitivity": {"Mosmed": (69.9, 10.7)}}, "score (%)")
    axes = figure.axes[0]
    bars = [c for c in axes.containers if isinstance(c, matplotlib.container.BarContainer)]
    np.testing.assert_array_equal([[b.get_height() for b in c] for c in bars], [[62.0, 63.7], [69.9, np.nan]])
    assert {t.get_text() for t in axes.texts} == {"62.0", "63.7", "69.9"}
    assert axes.get_ylabel() == "score (%)"


@pytest.mark.parametrize("names, rows", [
    (("best HU threshold", "GAN", "GAN + UNet", "GAN + UNet + contrastive"), [4]),
    (("a training without any of the contrastive steps", "GAN", "GAN + UNet", "GAN + UNet + contrastive"), [2, 2])])
def test_legend_takes_one_row_where_it_fits_and_like_rows_where_not(names, rows):
    places = {"Mosmed": (60.0, 10.0), "UESTC": (62.0, 9.0), "Radiopaedia": (70.0, 8.0)}
    figure = charts.grouped_bars(dict.fromkeys(names, places), "Dice (%)")
    figure.draw_without_rendering()
    legend = figure.legends[0]
    lines = collections.Counter(round(text.get_window_extent().y0) for text in legend.get_texts())
    assert list(lines.values()) == rows
    box = legend.get_window_extent()
    assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1


def test_threshold_curve_shows_ours_the_papers_and_the_choice():
    figure = charts.threshold_curve([0.1, 0.2, 0.3], [40, 60, 50], interval=([35, 55, 45], [45, 65, 55]), chosen=0.2,
                                    paper={0.1: 46.91, 0.2: 64.79})
    axes = figure.axes[0]
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_array_equal(lines["ours"], [40, 60, 50])
    np.testing.assert_array_equal(lines["paper"], [46.91, 64.79])
    assert axes.get_xlabel() == "threshold (share of each slice's maximum)" and axes.get_ylabel() == "Dice (%)"
    absolute = charts.threshold_curve([0.1, 0.2], [40, 60], relative=False)
    assert absolute.axes[0].get_xlabel() == "threshold"


def test_ticks_of_a_fine_grid_leave_room_for_their_labels():
    grid = [i / 50 for i in range(1, 41)]
    coarse, fine = (charts.threshold_curve(values, [50] * len(values)).axes[0] for values in (grid[:5], grid))
    assert len(coarse.get_xticks()) == 5 and len(fine.get_xticks()) < 15


def test_slice_sum_box_draws_median_and_cuts():
    figure = charts.slice_sum_box({"all": np.arange(101.0)}, cuts={"high above": 75.0})
    axes = figure.axes[0]
    drawn = [tuple(line.get_ydata()) for line in axes.lines]
    assert (50.0, 50.0) in drawn and (75.0, 75.0) in drawn


def test_dice_by_infection_keeps_apart_what_is_not_counted():
    infection = np.array([0.5, 2.0, 5.0, 0.0, np.nan, 1e11])
    figure = charts.dice_by_infection(infection, np.full(6, 60.0), counted=[False, True, True, True, True, True])
    axes = figure.axes[0]
    assert [c.get_label() for c in axes.collections] == ["not counted (n = 1)", "counted (n = 2)"]
    assert axes.get_xscale() == "log" and "%" in axes.get_xlabel()


def test_bland_altman_lines_are_bias_and_limits_of_agreement():
    true, predicted = np.array([10.0, 20.0, 30.0, 40.0]), np.array([12.0, 21.0, 33.0, 42.0])
    axes = charts.bland_altman(true, predicted, ["a", "b", "c", "d"]).axes[0]
    difference = predicted - true
    bias, spread = difference.mean(), 1.96 * difference.std(ddof=1)
    assert [line.get_ydata()[0] for line in axes.lines] == pytest.approx([0, bias, bias - spread, bias + spread])
    np.testing.assert_allclose(axes.collections[0].get_offsets(), np.stack([(true + predicted) / 2, difference], 1))


@pytest.mark.parametrize("figure", [
    charts.threshold_curve([0.1, 0.2], [40, 60]), charts.slice_sum_box({"all": [1.0, 2.0, 3.0]}),
    charts.dice_by_infection([1, 2], [3, 4]), charts.bland_altman([1, 2], [3, 4])])
def test_every_axis_of_the_charts_is_labelled_with_its_unit(figure):
    texts = labels(figure)
    assert texts and all(any(unit in text for unit in ("%", "ml", "intensity", "threshold")) for text in texts)


# panels --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("draw", [
    lambda row: panels.segmentation_panel([row, row]), lambda row: panels.slice_gallery([row] * 5),
    lambda row: panels.ablation_panel([dict(row, dice=[100.0, 50.0])], ["GAN", "GAN + UNet"])])
def test_every_ct_panel_has_the_same_grey_window_and_a_bar_in_hu(draw, slice_row):
    figure = draw(slice_row)
    limits = {image.get_clim() for axes in figure.axes for image in axes.images if image.get_cmap().name == "gray"
              and np.ptp(np.asarray(image.get_array(), float)) > 1}
    assert limits == {(-1000.0, 400.0)}
    assert "HU" in labels(figure)
    style.png(figure, dpi=40)


def test_segmentation_panel_prints_the_dice_of_each_row(slice_row):
    figure = panels.segmentation_panel([slice_row, dict(slice_row, dice=87.67)])
    texts = [t.get_text() for axes in figure.axes for t in axes.texts]
    assert texts == ["Dice\n50.0 %", "Dice\n87.7 %"]


def test_overlay_colours_agreement_and_both_errors(slice_row):
    figure = style.new_figure(1, 1)
    axes = figure.subplots()
    panels.overlay(axes, slice_row["image"], slice_row["predicted"], slice_row["true"])
    colours = axes.images[1].get_array()
    found, missed, alarm, nothing = colours[5, 6], colours[5, 4], colours[5, 9], colours[0, 0]
    assert found[1] == max(found[:3]) and missed[2] == max(missed[:3]) and alarm[0] == max(alarm[:3])
    assert nothing[3] == 0 and found[3] > 0


def test_panels_need_slices():
    for draw in (panels.segmentation_panel, panels.slice_gallery, lambda rows: panels.ablation_panel(rows, ["GAN"])):
        with pytest.raises(InputError, match="at least one slice"):
            draw([])


def test_normalised_values_come_back_as_hounsfield_units():
    np.testing.assert_allclose(style.hounsfield([0, 0.5, 1]), [-1000, -300, 400])


# 3D ------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def ball():
    z, y, x = np.mgrid[:20, :40, :40]
    lung = ((z - 9.5) * 2) ** 2 + (y - 19.5) ** 2 + (x - 19.5) ** 2 < 17 ** 2
    return lung, np.array([2.0, 1.0, 1.0])


def red(picture):
    return (picture[..., 0] > picture[..., 2] + 0.05)


@pytest.mark.parametrize("place, rows, columns", [
    ((16, 19, 19), slice(None, 40), slice(30, 70)), ((3, 19, 19), slice(60, None), slice(30, 70)),
    ((9, 19, 8), slice(30, 70), slice(None, 45)), ((9, 19, 31), slice(30, 70), slice(55, None))])
def test_a_lesion_is_seen_where_it_is(ball, place, rows, columns):
    lung, spacing = ball
    lesion = np.zeros_like(lung)
    lesion[tuple(slice(i - 1, i + 3) for i in place)] = True
    picture, pixel = views3d.render(lung, lesion, spacing, azimuth=0, elevation=0, size=100)
    assert pixel == pytest.approx(0.4, abs=0.05)  # about 40 mm over 100 pixels
    seen = red(picture)
    assert seen.sum() > 20
    assert seen[rows, columns].sum() == seen.sum()


def test_healthy_lungs_are_blue_on_white(ball):
    lung, spacing = ball
    picture, _ = views3d.render(lung, np.zeros_like(lung), spacing, size=80)
    assert not red(picture).any()
    middle = picture[picture.shape[0] // 2, picture.shape[1] // 2]
    assert middle[2] > middle[0] and (picture[0, 0] == 1).all()


def test_views_share_one_scale_and_need_lungs(ball):
    lung, spacing = ball
    figure = views3d.lung_view({"predicted": (lung, lung & False), "true": (lung, lung)}, spacing, size=60)
    shapes = {axes.images[0].get_array().shape for axes in figure.axes}
    assert len(shapes) == 1 and [axes.get_title() for axes in figure.axes] == ["predicted", "true"]
    with pytest.raises(InputError, match="that is not empty"):
        views3d.render(lung & False, lung & False, spacing)


# style ---------------------------------------------------------------------------------------------------------------

def test_figures_leave_the_callers_settings_alone_and_are_reproducible(tmp_path):
    before = dict(matplotlib.rcParams)
    first = style.png(charts.threshold_curve([0.1, 0.2], [40, 60]), dpi=50)
    second = style.png(charts.threshold_curve([0.1, 0.2], [40, 60]), dpi=50)
    assert first == second and first.startswith(b"\x89PNG")
    assert dict(matplotlib.rcParams) == before
    path = style.save(charts.threshold_curve([0.1, 0.2], [40, 60]), tmp_path / "deep" / "curve.png", dpi=50)
    assert path.read_bytes() == first
