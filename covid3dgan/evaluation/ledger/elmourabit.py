"""E01 to E06: what paper 000 says against itself, against its data set and against the code that it follows."""

__all__ = ["LEDGER"]

from covid3dgan.evaluation.ledger.form import Ledger, Line

_TEST = "tests/{}::{}".format
_NUMBERS = "evaluation/ledger/test_elmourabit_ledger.py"
_COHORTS = "systems/test_cohorts.py"

_LINES = (
    Line("E01", "loss of the GAN", "logarithms of D (Eq. 2); \"mse\" (Table 2)",
         "squared error on the two softmax outputs", ("gan.adversarial_loss",),
         tests=(_TEST(_NUMBERS, "test_e01_eq_2_by_hand_and_table_2s_squared_error_differ"),
                _TEST("training/shabani/test_gan3d.py",
                      "test_e01_a_training_step_follows_eq_2_or_table_2_of_paper_000"))),
    Line("E02", "reconstruction loss", "part of the \"multi-objective loss function\" (2.4), and no term of Eq. 2",
         "squared error, with an update of its own", ("gan.reconstruction_loss",),
         tests=(_TEST("training/shabani/test_gan3d.py", "test_the_reconstruction_loss_is_the_presets"),)),
    Line("E03", "length of the GAN's training (ours: steps)", "10000 under the heading epoch (Table 2)",
         "10000 iterations of one batch each", ("gan.steps",),
         tests=(_TEST(_NUMBERS, "test_e03_ten_thousand_epochs_would_be_1_7_million_steps"),)),
    Line("E04", "cases (ours: those that there are)", "MosMedData: 250 healthy, 850 + 10 infected (Table 1), of 1110; "
         "the data set has 254 without findings and 856 with",
         "not seen; paper 001's takes all", ("cohort.healthy", "cohort.covid", "cohort.test"),
         tests=(_TEST(_NUMBERS, "test_e04_the_data_set_has_ten_infected_cases_less_than_table_1_counts"),
                _TEST(_COHORTS, "test_paper_000_takes_250_healthy_cases_and_what_is_left_of_850"),
                _TEST(_COHORTS, "test_numbers_are_upper_limits_and_spread_over_the_cases"))),
    Line("E05", "when the encoder is trained by itself",
         "before the whole network, in every iteration (2.4); after it, \"subsequently\" (3.3)",
         "before it", ("contrastive.order",),
         tests=(_TEST("training/shabani/test_segmenter.py", "test_a_step_is_the_two_phases_in_the_presets_order"),)),
    Line("E06", "Dice of supervised methods on UESTC and Radiopaedia",
         "nnU-Net 81 and 76, COPLE-Net 83 and 59 (2.3)",
         "none; paper 001 has 81.6 and 76.7, 83.9 and 59.3",
         fixed="the text's numbers stand in a table of the report beside ours, with the remark that they are cut, not "
               "rounded",
         tests=(_TEST("evaluation/test_paper_tables.py", "test_e06_the_texts_supervised_numbers_are_paper_001s_cut"),)),
)

LEDGER = Ledger(
    title="Paper 000: settings and cases of its own (E01 - E06)",
    introduction="Paper 000 is Elmourabit and Banouar; it has no code of its own, \"code\" is paper 001's. What it "
                 "takes over from paper 001 is in the lines F.",
    presets=("elmourabit/paper", "elmourabit/demo"), lines=_LINES, order=1)
