"""The stages that --ablation adds: which networks, with what left out, from what they start."""

import inspect
from pathlib import Path
from types import SimpleNamespace

from covid3dgan import presets
from covid3dgan.systems.ssinfnet_ablation import ABLATION, PSEUDO_LABELS, train_ablation


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
