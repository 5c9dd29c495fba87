"""The stages that --ablation adds: which networks, with what left out, from what they start."""

import inspect
from pathlib import Path
from types import SimpleNamespace

from covid3dgan import presets
from covid3dgan.systems.ssinfnet_ablation import ABLATION, PSEUDO_LABELS, train_ablation
from covid3dgan.systems.ssinfnet_report import missing_table


def planned(unlabelled):
    """{folder: the arguments of its training, by name} of a run whose own networks are there."""
    calls = {}
    run = SimpleNamespace(out=Path("out"), preset=presets.get("ssinfnet/paper"), train="train", validation="validation",
                          unlabelled=unlabelled, priors=("priors", "of validation"), multi_painter=Path("out/painted"),
                          single={"SInfNet": Path("out/single_SInfNet")})

    def train_stage(path, function, *data, preset=None, **named):
        bound = inspect.signature(function).bind(*data, path=path, preset=preset or run.preset, execution=None, **named)
        calls[path.name] = bound.arguments

    run.train_stage = train_stage
    train_ablation(run)
    return calls


def test_each_network_lacks_one_part_and_starts_from_the_inpainting():
    calls = planned("unlabelled")
    assert list(calls) == [*ABLATION, PSEUDO_LABELS]
    held = {folder: calls[folder]["preset"].multi for folder in ABLATION}
    assert {folder: (multi.loss, multi.lookahead) for folder, multi in held.items()} == {
        "multi_without_focal": ("bce", True), "multi_without_lookahead": ("focal", False),
        "multi_without_both": ("bce", False)}
    assert {(calls[folder]["method"], calls[folder]["start"]) for folder in ABLATION} == {
        ("SSInfNet", Path("out/painted"))}
    assert calls[PSEUDO_LABELS]["start"] == Path("out/single_SInfNet")
    assert calls[PSEUDO_LABELS]["unlabelled"] == "unlabelled"


def test_without_unlabelled_slices_there_are_no_pseudo_labels():
    assert list(planned(None)) == list(ABLATION)


def test_the_report_names_what_the_paper_has_and_it_has_not():
    drawn = {"Figures 1 to 4", "the slices of Figures 5 and 7"}
    text = missing_table(presets.get("ssinfnet/paper"), phantom=False, ablation=True, backbone_weights="imagenet.h5")
    assert {row[0] for row in text.rows} == drawn
    demo = dict(missing_table(presets.get("ssinfnet/demo"), phantom=True, ablation=False, backbone_weights=None).rows)
    assert set(demo) - drawn == {
        "all results on patients", "the networks without a part of the paper, and on pseudo-labels",
        "ImageNet weights of Inf-Net's trunk", "the size of the slices", "the length of the single network's training",
        "the length of the multi-class network's training"}
    assert demo["the size of the slices"] == "96 of 352 pixels a side"
    assert demo["the length of the single network's training"].startswith("16 of 500 epochs")
