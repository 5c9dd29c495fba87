"""No figure's labels cover each other or leave it, however many and however long they are."""

import types

import numpy as np
import pytest
from figure_text import faults

from covid3dgan.evaluation.figures import (
    afseg,
    charts,
    group_charts,
    overview,
    panels,
    prediction,
    preparation,
    prepared,
    pseudo_masks,
    reliability,
    ssinfnet,
    style,
    temperature_chart,
    views3d,
)

NAMES = ["MosmedData, CT-1 to CT-4, Moscow", "UESTC-COVID-19", "Radiopaedia", "CoronaCases, ten of Wenzhou",
         "a data set with a name that nobody would give one", "LIDC"]
METHODS = ["best HU threshold", "GAN", "GAN + UNet", "GAN + UNet + contrastive, low against high",
           "supervised nnU-Net of other authors", "TransUNet"]
CASE = "study_0255_of_a_hospital_with_a_long_name_0001_reconstruction_B70f"
SIDE = 24


def picture(value=0.5):
    return np.full((SIDE, SIDE), value, np.float32)


def square():
    mask = np.zeros((SIDE, SIDE), bool)
    mask[6:14, 6:14] = True
    return mask


def row(number=0):
    return {"label": f"{CASE}\nslice {number}", "image": picture(-700.0), "healthy": picture(-800.0),
            "difference": picture(640.0), "output": picture(), "predicted": square(), "true": square(),
            "mask": square(), "dice": 100.0, "masks": [square()] * len(METHODS)}


def stack(value=0.5):
    return np.full((3, SIDE, SIDE), value, np.float32)


def groups(number):
    rng = np.random.default_rng(number)
    return {name: rng.normal(size=(5, 4, 4)) for name in ("COVID-19", "healthy", "synthesised healthy")}


def distances():
    pairs = (("COVID-19", "healthy"), ("COVID-19", "synthesised healthy"), ("healthy", "synthesised healthy"))
    return {name: {pair: (10.0 + at, 1.0) for at, pair in enumerate(pairs)} for name in NAMES}


def cases():
    rng = np.random.default_rng(0)
    true = rng.uniform(1, 400, 40)
    found = true + rng.normal(0, 1.5, 40)
    found[:6] += (200, 210, 205, -180, -185, 190)
    return true, found, [f"{CASE}{number}" for number in range(40)]


def prepared_case():
    mask = np.stack([square()] * 8).astype(np.float32)
    return types.SimpleNamespace(shape=(8, SIDE, SIDE), base=np.zeros((8, SIDE, SIDE)), lung_mask=mask, infection=mask,
                                 id=CASE)


def made():
    volume = np.full((2, 8, SIDE, SIDE), 0.3, np.float32)
    return types.SimpleNamespace(difference=volume, healthy=volume, spread=volume, sums=np.ones((2, 8)))


FIGURES = {
    "pca_scatter": lambda: group_charts.pca_scatter({name: groups(at) for at, name in enumerate(NAMES)}, "A title"),
    "group_distances": lambda: group_charts.group_distances(distances()),
    "grouped_bars": lambda: charts.grouped_bars(
        {method: dict.fromkeys(NAMES, (99.9, 12.0)) for method in METHODS}, "Dice (%), published protocol"),
    "grouped_bars, one": lambda: charts.grouped_bars({METHODS[3]: {NAMES[4]: (50.0, 5.0)}}, "Dice (%)"),
    "threshold_curve": lambda: charts.threshold_curve(np.linspace(0.01, 0.99, 99), np.linspace(0, 90, 99), chosen=0.98,
                                                      paper={0.1: 46.9, 0.3: 62.3}),
    "threshold_curve, left": lambda: charts.threshold_curve([0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4], [50] * 7,
                                                            chosen=0.1),
    "slice_sum_box": lambda: charts.slice_sum_box({name: np.arange(100.0) for name in NAMES},
                                                  {f"a cut of {name}": 50.0 + at for at, name in enumerate(NAMES)}),
    "dice_by_infection": lambda: charts.dice_by_infection(np.geomspace(1e-3, 90, 60), np.linspace(0, 100, 60)),
    "dice_by_infection, near": lambda: charts.dice_by_infection(np.linspace(3, 4, 30), np.linspace(0, 100, 30)),
    "bland_altman": lambda: charts.bland_altman(*cases()),
    "bland_altman, close": lambda: charts.bland_altman([10.0, 200.0, 30.0], [10.0, 200.0, 30.001], ["a", "b", "c"]),
    "segmentation_panel": lambda: panels.segmentation_panel([row(1), row(2)]),
    "ablation_panel": lambda: panels.ablation_panel([dict(row(), dice=[100.0] * len(METHODS))] * 2, METHODS),
    "slice_gallery": lambda: panels.slice_gallery([row(number) for number in range(7)]),
    "overview": lambda: overview.overview((("CT (lungs)", picture(-700.0), "hu"),
                                           ("as if healthy, by the GAN of this run", picture(-800.0), "hu"),
                                           ("difference", picture(100.0), "difference")), square(), square()),
    "preparation_panel": lambda: preparation.preparation_panel(
        [{"label": CASE, "pictures": (picture(-700.0), square(), picture(-700.0))}] * 3, METHODS[3:]),
    "gan_panel": lambda: pseudo_masks.gan_panel([row(1), row(2)]),
    "gan_panel, no mask": lambda: pseudo_masks.gan_panel(
        [{key: value for key, value in row(number).items() if key != "mask"} for number in (1, 2)]),
    "pseudo-masks": lambda: pseudo_masks.draw(made().healthy, made(), [CASE, CASE]),
    "prepared cases": lambda: prepared.contact_sheet([prepared_case()] * 3),
    "sheet_of_slices": lambda: prediction.sheet_of_slices(
        [(f"slice {number}", picture(-700.0), square(), square()) for number in range(12)], f"{CASE}: {CASE}"),
    "reliability": lambda: reliability.reliability_chart(types.SimpleNamespace(
        score=np.linspace(0.05, 0.95, 10), share=np.linspace(0, 1, 10), count=np.geomspace(1, 1e6, 10), error=0.1)),
    "roc_figure": lambda: ssinfnet.roc_figure(dict.fromkeys(METHODS, stack()), stack()),
    "infection_figure": lambda: ssinfnet.infection_figure(stack(), stack(), dict.fromkeys(METHODS, stack())),
    "class_figure": lambda: ssinfnet.class_figure(stack(), stack(1).astype(int),
                                                  dict.fromkeys(METHODS, stack(2).astype(int))),
    "prediction_figure": lambda: ssinfnet.prediction_figure(stack(-700), stack(1).astype(int),
                                                            ["ground glass", "consolidation"], CASE),
    "painting_figure": lambda: ssinfnet.painting_figure(stack(), stack(1), stack()),
    "background_figure": lambda: afseg.background_figure(stack(), stack() > 1, stack()),
    "synthesis_figure": lambda: afseg.synthesis_figure(stack(), stack() > 1, stack()),
    "segmentation_figure": lambda: afseg.segmentation_figure(
        stack(), {method: stack() > 0 for method in METHODS}, dict.fromkeys(METHODS, [0.1234] * 3)),
    "temperature_chart": lambda: temperature_chart.temperature_chart(types.SimpleNamespace(
        curve=[(t, 1 / t) for t in np.geomspace(1e-3, 10, 30)], temperature=0.0612,
        stopped="the loss did not change for 50 updates", temperatures=np.geomspace(1, 0.06, 50))),
    "lung_view": lambda: views3d.lung_view({name: (np.ones((6, 8, 8)), np.zeros((6, 8, 8))) for name in METHODS[:3]},
                                           (2.0, 1.0, 1.0), size=60),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_label_covers_another_or_leaves_the_figure(name):
    assert faults(FIGURES[name]()) == []


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_described_in_words(name):
    text = style.described(FIGURES[name]())
    assert len(text) > 25 and "\n" not in text


def test_the_boxes_see_what_covers_and_what_leaves():
    figure = style.new_figure(2, 1)
    axes = figure.subplots()
    axes.text(0.5, 0.5, "one")
    axes.text(0.5, 0.5, "two")
    axes.text(3.0, 0.5, "far").set_in_layout(False)
    found = faults(figure)
    assert any("'one' covers 'two'" in line for line in found) and "'far' leaves the figure" in found


def test_every_figure_function_is_drawn_here():
    functions = {name for module in (afseg, charts, group_charts, overview, panels, prediction, preparation, prepared,
                                     pseudo_masks, reliability, ssinfnet, temperature_chart, views3d)
                 for name in module.__all__ if isinstance(getattr(module, name), types.FunctionType)}
    parts = {"marks_legend", "overlay", "render", "roc_curve"}  # of a figure
    others = {"draw": "pseudo-masks", "reliability_chart": "reliability", "contact_sheet": "prepared cases"}
    drawn = {name.split(",")[0] for name in FIGURES}
    assert {others.get(name, name) for name in functions - parts} == drawn


def test_labels_are_broken_and_cut_where_they_are_longest():
    assert style.wrapped("GAN + UNet + contrastive", 14) == "GAN + UNet +\ncontrastive"
    assert style.wrapped("one\ntwo", 14) == "one\ntwo"
    long = style.wrapped(f"{CASE}\nslice 12", 16)
    assert long.count("\n") == 2 and long.endswith("\nslice 12") and "\u2026" in long
    assert max(map(len, long.split("\n"))) <= 16
    assert style.short("abcdefghij", 7) == "abc\u2026hij" and style.short("abc", 3) == "abc"


def test_descriptions_name_panels_axes_and_series():
    text = style.described(charts.threshold_curve([0.1, 0.2], [40, 60], chosen=0.2, paper={0.1: 47}))
    assert text == "Chart: Dice (%) over threshold (share of each slice's maximum); ours, paper. Labels: chosen: 0.2."
    text = style.described(panels.segmentation_panel([row(3)]))
    assert "Pictures: CT, output, predicted mask, true mask" in text
