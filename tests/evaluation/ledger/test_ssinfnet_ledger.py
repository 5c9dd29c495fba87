"""What the ledger says of paper 004's presets."""

from covid3dgan.evaluation.ledger.form import option_value
from covid3dgan.evaluation.ledger.ssinfnet import LEDGER


def test_the_ledger_has_all_of_i01_to_i30():
    assert [line.number for line in LEDGER.lines] == [f"I{number:02d}" for number in range(1, 31)]


def test_presets_take_the_texts_and_the_codes_values():
    expected = {
        "single_inpainting.loss": ("truncated-square", "cross-entropy"),
        "single_inpainting.context_weight": (0.01, 0.0), "single_inpainting.kl_weight": (1e-6, 0.0),
        "single_inpainting.coach_through_network": (True, True),
        "multi_inpainting.coach_through_network": (False, True),
        "multi_inpainting.coach_sees_mean": (True, False),
        "single_inpainting.activation": ("tanh", "linear"), "single_inpainting.edge_target": ("image", "edge"),
        "single_inpainting.starts_with": ("coach", "network"), "multi_inpainting.starts_with": ("network", "network"),
        "multi_inpainting.coach_first_round": (100, 200),
        "single_inpainting.learning_rates": ("first-round", "every-round"),
        "single_inpainting.network_epochs": (1200, 2000), "multi_inpainting.images": ("labelled", "all"),
        "single_inpainting.images": ("all", "all"), "single.transfer": ("all", "all-but-last"),
        "multi.transfer": ("all", "all-but-last"), "multi.variant": ("improved", "published"),
        "single.batch_size": (8, 24), "multi.batch_size": (4, 16), "slices.size": (352, 352),
        "single_inpainting.crop": (128, 128), "multi.alpha": (1.0, 1.0), "multi.gamma": (2.0, 2.0),
        "multi.lookahead": (True, True), "alike": (False, False), "multi.training_prior": ("truth", "predicted"),
        "slices.split": ("image", "image"), "multi_inpainting.aligned_prior": (False, True),
        "multi_inpainting.scaling": ("potsdam", "potsdam"), "single.decay": ("cumulative", "none"),
        "single.backbone": ("resnet50", "res2net50"), "multi.class_weights": ((1.0,) * 3, (1.0,) * 3),
        "multi.prior_minmax": (True, True),
    }
    presets = "ssinfnet/published", "ssinfnet/paper"
    found = {path: tuple(option_value(preset, path) for preset in presets) for path in expected}
    assert found == expected
