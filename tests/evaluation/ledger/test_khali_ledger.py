"""What the ledger says of paper 002's numbers and of its presets."""

import math

import pytest

from covid3dgan import papers
from covid3dgan.evaluation import paper_tables
from covid3dgan.evaluation.ledger.form import option_value
from covid3dgan.evaluation.ledger.khali import LEDGER

PAPER = paper_tables.numbers()["002"]
TABLE, CODE = PAPER["table1"], PAPER["authors_code_output"]


def test_the_ledger_has_all_of_k01_to_k31():
    assert [line.number for line in LEDGER.lines] == [f"K{number:02d}" for number in range(1, 32)]


def test_k01_the_texts_dice_is_the_codes_and_not_the_tables():
    assert PAPER["text"]["TransUNET_dice"] == round(CODE["TransUNET"]["dice"]["mean"], 2) == 47.09
    assert TABLE["TransUNET"]["dice"]["mean"] == 50.09


def test_k03_only_the_codes_mean_fits_the_deviation_of_a_score_of_0_or_1():
    def deviation(mean):
        return 100 * math.sqrt(mean / 100 * (1 - mean / 100))

    printed = TABLE["UNET"]["dice"]
    assert deviation(CODE["UNET"]["dice"]["mean"]) == pytest.approx(printed["std"], abs=0.01)
    assert deviation(printed["mean"]) == pytest.approx(44.45, abs=0.01)


def test_k04_specificity():
    assert TABLE["TransUNET"]["specificity"] == {"mean": 99.99, "std": 1.11e-14}
    assert CODE["TransUNET"]["specificity"]["mean"] > 99.999


def test_k06_the_papers_own_table_has_the_lower_dice_for_the_transunet():
    assert TABLE["TransUNET"]["dice"]["mean"] < TABLE["UNET"]["dice"]["mean"]


def test_k07_cases_of_the_code():
    assert PAPER["scans"] == {"covid": 50, "healthy": 51}


def test_k15_every_paper_is_one_system():
    assert len({record.number for record in papers.all()}) == len(papers.all()) == 5


def test_presets_take_the_texts_and_the_codes_values():
    expected = {
        "gan.discriminator": ("published", "declared"), "gan.generator": ("published", "published"),
        "gan.reconstruction_loss": ("mse", "mse"), "gan.adversarial_loss": ("mse", "log"),
        "preprocess.resize_before_crop": (True, True), "preprocess.lung_grid": ("resampled", "resampled"),
        "contrastive.grouping": ("quartiles-coded", "quartiles"), "transunet.temperature": (1.0, 0.06),
        "transunet.decay_steps": (None, 1000), "transunet.features": ("logits", "encoded"),
        "transunet.sampler": ("published", "balanced"),
        "transunet.first_phase": ("contrastive-and-mse", "contrastive"),
        "transunet.keep": ("last", "best"), "transunet.ema_decay": (0.0, 0.0),
        "cohort.healthy": (51, 51), "cohort.covid": (50, 100), "cohort.covid_from": ("scored", "unscored"),
        "cohort.grades": ((), ("CT-1", "CT-2")), "preprocess.median": (1, 3), "preprocess.keep_aspect": (False, True),
        "transunet.contrastive_loss": ("khali_code", "eq4_literal"), "transunet.include_self": (True, True),
        "transunet.temperature_by": ("fixed", "fixed"), "transunet.learning_rate": (5e-5, 5e-5),
        "transunet.beta": (2.0, 2.0),
    }
    found = {path: tuple(option_value(f"khali/{name}", path) for name in ("published", "paper")) for path in expected}
    assert found == expected
