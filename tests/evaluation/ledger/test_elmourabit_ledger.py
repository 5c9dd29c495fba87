"""What the ledger says of paper 000's numbers and presets."""

import math

import numpy as np
import pytest

from covid3dgan.evaluation import paper_tables
from covid3dgan.evaluation.ledger.elmourabit import LEDGER
from covid3dgan.evaluation.ledger.form import option_value
from covid3dgan.losses import discriminator_loss

PAPER = paper_tables.numbers()["000"]
MOSMED = {"healthy": 254, "infected": 684 + 125 + 45 + 2}  # CT-0, and CT-1 to CT-4 (docs/DATASETS.md)


def test_the_ledger_has_all_of_e01_to_e06():
    assert [line.number for line in LEDGER.lines] == [f"E{number:02d}" for number in range(1, 7)]


def test_the_preset_follows_the_tables():
    expected = {"gan.adversarial_loss": "mse", "gan.reconstruction_loss": "mse", "gan.steps": 10000,
                "cohort.healthy": 250, "cohort.covid": 850, "cohort.test": 10,
                "contrastive.order": "contrastive-first"}
    assert {path: option_value("elmourabit/paper", path) for path in expected} == expected
    assert PAPER["table2_gan"]["loss"] == "mse"


def test_e01_eq_2_by_hand_and_table_2s_squared_error_differ():
    """D says 0.8 of a healthy volume and 0.3 of a generated one."""
    scores = np.float32([[0.2, 0.8], [0.7, 0.3]])
    eq_2 = math.log(0.8) + math.log(1 - 0.3)
    assert float(discriminator_loss("log", scores, [1, 0])) == pytest.approx(-eq_2 / 2, rel=1e-5)
    assert float(discriminator_loss("mse", scores, [1, 0])) == pytest.approx((0.2 ** 2 + 0.3 ** 2) / 2, rel=1e-5)


def test_e03_ten_thousand_epochs_would_be_1_7_million_steps():
    epochs, batch = PAPER["table2_gan"]["epochs"], PAPER["table2_gan"]["batch_size"]
    assert epochs * 850 / batch == 1_700_000 and option_value("elmourabit/paper", "gan.steps") == epochs


def test_e04_the_data_set_has_ten_infected_cases_less_than_table_1_counts():
    counted = {kind: sum(row["cases"] for row in PAPER["table1_data"]
                         if row["dataset"] == "Mosmed" and row["kind"] == kind) for kind in MOSMED}
    assert counted == {"healthy": 250, "infected": 860} and sum(counted.values()) == sum(MOSMED.values()) == 1110
    assert MOSMED["infected"] - counted["infected"] == -4 and MOSMED["infected"] - 10 == 846
