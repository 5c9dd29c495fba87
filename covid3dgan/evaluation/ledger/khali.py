"""K01 to K30: paper 002 (TransUNet) against itself and against its authors' code."""

__all__ = ["LEDGER"]

from covid3dgan.evaluation.ledger.form import Fix, Ledger, Line

_TEST = "tests/{}::{}".format
_NUMBERS = "evaluation/ledger/test_khali_ledger.py"
_TRAINING = "training/khali/test_transunet_training.py"
_COHORTS = "systems/test_cohorts.py"
_PREPARATION = "data/preprocess/test_preprocess.py"
_SYSTEM = _TEST("systems/test_khali.py", "test_whole_system_writes_its_tables_and_reuses_finished_stages")
_PRESETS = _TEST(_NUMBERS, "test_presets_take_the_texts_and_the_codes_values")
_AS_CODED = "printed beside ours, as the paper's and as the published code's number"

_LINES = (
    Line("K01", "Dice of the TransUNet", "50.09 in Table 1, 47.09 in the sentence below it", "47.0946", fixed=_AS_CODED,
         tests=(_TEST(_NUMBERS, "test_k01_the_texts_dice_is_the_codes_and_not_the_tables"),)),
    Line("K02", "Dice and sensitivity of the UNet are the same", "72.89 ± 46.69 for both",
         "a slice's score is the maximum over its pixels: about 1 where one pixel is right, else 0",
         fixed="its Table 1 is scored as coded (protocol `khali_pixel_max`); ordinary scores stand in tables beside it",
         tests=(_TEST("evaluation/test_protocols.py", "test_khali_by_hand_scores_one_right_pixel_as_perfect"),
                _TEST("evaluation/test_khali_tables.py",
                      "test_one_right_pixel_is_everything_for_the_paper_and_little_for_a_dice"))),
    Line("K03", "Dice of the UNet", "72.89 with a deviation of 46.69", "67.8899, the mean that a score of 0 or 1 with "
         "that deviation has", fixed=_AS_CODED,
         tests=(_TEST(_NUMBERS, "test_k03_only_the_codes_mean_fits_the_deviation_of_a_score_of_0_or_1"),)),
    Line("K04", "specificity of the TransUNet", "99.99 with a deviation of 1.11e-14 percent; 100 % in the sentence",
         "99.9999999", fixed=_AS_CODED, tests=(_TEST(_NUMBERS, "test_k04_specificity"),)),
    Line("K05", "spread of the Dice", "45.44 against 46.69 is read as less variability",
         "both are close to 50, the largest that a score of 0 or 1 can have",
         fixed="95 % intervals by bootstrap over cases stand beside every deviation",
         tests=(_TEST("evaluation/test_statistics.py", "test_bootstrap_draws_cases_not_slices"),)),
    Line("K06", "which network is better", "all three scores 'much better' than the UNet's; its own table has a lower "
         "Dice", "-", fixed="every score of both networks is shown, better or worse",
         tests=(_TEST(_NUMBERS, "test_k06_the_papers_own_table_has_the_lower_dice_for_the_transunet"),)),
    Line("K07", "cases for training (ours: at most)", "51 healthy; 100 with COVID-19 for the GAN (3.1), 50 after "
         "preprocessing (4.1.2)", "51 and 50", ("cohort.healthy", "cohort.covid"),
         tests=(_TEST(_NUMBERS, "test_k07_cases_of_the_code"),
                _TEST(_COHORTS, "test_paper_002_takes_51_healthy_and_100_or_50_covid_cases"))),
    Line("K08", "true masks", "every scan of CT-1 and CT-2 has one; 50 scans have", "50 scans",
         fixed="cases without a mask train, cases with one are scored",
         tests=(_TEST("data/datasets/test_datasets.py", "test_mosmed"),)),
    Line("K09", "severity of CT-1 and CT-2", "moderate and more severe; in the same paragraph mild to severe", "-",
         ("cohort.grades",),
         tests=(_TEST(_COHORTS, "test_paper_002_takes_51_healthy_and_100_or_50_covid_cases"),
                _TEST("data/batches/test_slice_groups.py", "test_quartiles_are_those_of_the_box_plot"))),
    Line("K10", "discriminator", "a dense 3D CNN with four layers; paper 001: five convolution and four dense layers",
         "paper 001's", ("gan.discriminator",),
         tests=(_TEST("models/test_discriminator3d.py",
                      "test_declared_variant_has_the_four_convolutions_of_the_notebook"), _PRESETS)),
    Line("K11", "generator", "based on DenseUNet; paper 001: modified UNet++", "paper 001's", ("gan.generator",),
         tests=(_TEST("models/test_generator3d.py", "test_unet_plus_plus_is_nested_and_dense"), _PRESETS)),
    Line("K12", "reconstruction term of Eq. 2",
         "no norm in Eq. 2, an unsquared L2 norm in Algorithm 1, MSE in the text", "MSE",
         ("gan.reconstruction_loss",),
         tests=(_TEST("training/shabani/test_gan3d.py", "test_the_reconstruction_loss_is_the_presets"), _PRESETS)),
    Line("K13", "where the noise goes", "Eq. 1: Perlin noise in the latent space",
         "paper 001's: uniform noise in the latent space, Perlin noise on the healthy inputs", ("gan.noise",),
         tests=(_TEST("models/test_generator3d.py", "test_the_noise_reaches_the_output"),
                _TEST("training/shabani/test_gan3d.py",
                      "test_published_noise_touches_a_quarter_of_the_slices_and_ours_the_lungs_only"))),
    Line("K14", "generator's loss", "log(1 - D), which saturates", "not seen; paper 001's is the squared error",
         ("gan.adversarial_loss",),
         tests=(_TEST("losses/test_adversarial.py", "test_generator_loss_by_hand"), _PRESETS)),
    Line("K15", "references [6], [19] and [20]", "one paper under the years 2020, 2022 and 2021", "-",
         fixed="Shabani et al. 2022, paper 001 here",
         tests=(_TEST(_NUMBERS, "test_k15_every_paper_is_one_system"),)),
    Line("K16", "source of the TransUNet", "an adaptation of [20] and [21]; [20] has no TransUNet",
         "mkara44/transunet_pytorch with one input channel", ("transunet.variant",),
         tests=(_TEST("models/test_transunet.py", "test_khali_table_covers_every_weight"),
                _TEST("models/test_transunet.py", "test_r50_parameters_and_shapes"))),
    Line("K17", "low infection", "between the first quartile and the median",
         "up to the third quartile, then as many as there are high slices", ("contrastive.grouping",),
         tests=(_TEST("data/batches/test_slice_groups.py", "test_quartiles_are_those_of_the_box_plot"),
                _TEST("data/batches/test_slice_groups.py", "test_quartiles_as_coded_reach_up_to_the_third"))),
    Line("K18", "temperature", "0.06, found by gradient descent", "1.0; 0.05 for the UNet; no descent",
         ("transunet.temperature", "transunet.temperature_by"),
         tests=(_TEST("training/khali/test_temperature_descent.py",
                      "test_the_second_phase_goes_on_with_what_the_descent_found"),
                _TEST("training/khali/test_temperature_descent.py", "test_a_resumed_run_is_the_uninterrupted_one"),
                _TEST("losses/test_temperature.py",
                      "test_partly_separated_classes_have_a_minimum_and_it_is_found"),
                _TEST("losses/test_temperature.py", "test_printed_update_by_hand"))),
    Line("K19", "learning-rate decay", "times 0.9 every 1000 steps", "made for the UNet alone, and used by neither",
         ("transunet.decay_steps",),
         tests=(_TEST(_TRAINING, "test_learning_rate_falls_in_steps_where_the_preset_uses_its_schedule"),)),
    Line("K20", "what is contrasted", "the encoder's features of high and low slices",
         "the last logits, of high slices alone: the sampler reads the wrong part of its array, and the loss is 0 "
         "throughout", ("transunet.features", "transunet.sampler"),
         tests=(_TEST(_TRAINING, "test_published_sampler_draws_high_slices_alone"),
                _TEST(_TRAINING, "test_published_run_has_no_contrastive_loss_and_the_balanced_one_has"))),
    Line("K21", "validation set (ours: which COVID cases train)", "50 scans", "the scans that were trained on",
         ("cohort.covid_from",),
         tests=(_TEST(_COHORTS, "test_the_published_code_trains_on_what_it_scores_and_says_so"), _SYSTEM)),
    Line("K22", "'Ground Truth Mask' of Figure 5", "-", "the GAN's pseudo-mask",
         fixed="the true mask, which the caption says", tests=(_SYSTEM,)),
    Line("K23", "patch embedding", "adjusted to the 128 x 128 x 1 image", "one token per cell of the 8 x 8 x 1024 map",
         fixed="as coded", tests=(_TEST("models/test_transunet.py", "test_khali_layer_table"),)),
    Line("K24", "which weights are kept (ours: by the Dice on the validation cases, in the second phase)",
         "those of the best performance", "the last ones", ("transunet.keep", "transunet.ema_decay"),
         tests=(_TEST("training/khali/test_train_transunet.py", "test_the_trained_network_finds_the_squares"),
                _TEST("training/khali/test_keep_best.py", "test_weights_that_got_worse_are_not_kept"),
                _TEST("training/khali/test_keep_best.py", "test_a_resumed_run_keeps_what_an_uninterrupted_one_keeps"),
                _PRESETS)),
    Line("K25", "phases", "contrastive first, then all losses (3.3.2); one combined step (Algorithm 1)",
         "100 times two contrastive steps and one of MSE, then 1000 steps of all three",
         ("transunet.first_phase", "transunet.first_phase_steps", "transunet.steps"),
         tests=(_TEST(_TRAINING,
                      "test_published_steps_are_two_contrastive_ones_to_each_mse_and_then_all_three_losses"),
                _TEST(_TRAINING, "test_the_papers_first_phase_is_contrastive_alone"))),
    Line("K26", "order of the preparation", "resize, then the lungs (4.1.1) and the crop to them (4.1.2); paper 001's "
         "text: the lungs, the crop, then the only resize", "paper 001's: resize, the lungs, the crop, resize again",
         ("preprocess.resize_before_crop", "preprocess.lung_grid"),
         tests=(_TEST(_PREPARATION, "test_the_lung_mask_is_made_where_the_option_says"), _PRESETS)),
    Line("K27", "noise filter of the scans (ours: side of a median, in pixels)",
         "\"filtering methods to enhance the clarity\", not which (4.1.1)", "none", ("preprocess.median",),
         tests=(_TEST(_PREPARATION, "test_the_median_takes_noise_out_of_the_lung_image_alone"),
                _TEST("data/preprocess/test_shards.py",
                      "test_lungs_prepared_otherwise_than_the_trainings_are_refused"))),
    Line("K28", "Eq. 4 (what it teaches: docs/experiments/eq4.md)", "one positive sample and no labels, so that the "
         "classes are not told apart; \"designed to distinguish effectively between different levels of infection\"",
         "each sample's own label, weighted by 1.5, against the others",
         ("transunet.contrastive_loss", "transunet.include_self"),
         tests=(_TEST("losses/test_enhanced_contrastive.py",
                      "test_eq4_as_printed_is_log_n_whatever_the_separation"),
                _TEST("losses/test_enhanced_contrastive.py", "test_eq4_as_printed_by_hand"),
                _TEST("losses/test_enhanced_contrastive.py", "test_descending_eq4_does_not_part_the_labels"),
                _TEST("losses/test_enhanced_contrastive.py", "test_code_form_by_hand"))),
    Line("K29", "proportions of the slices", "resized \"maintaining the aspect ratio\" (4.1.1)",
         "stretched to the network's shape", ("preprocess.keep_aspect",),
         tests=(_TEST(_PREPARATION, "test_pixels_are_as_high_as_wide_where_proportions_are_kept"),)),
    Line("K30", "contrast", "\"techniques like contrast adjustment\", not which (4.1.1)", "the HU window alone",
         fixed="the HU window alone, which the same section describes",
         tests=(_TEST(_PREPARATION, "test_k30_the_window_alone_changes_the_contrast"),)),
)

_FIXES = (
    Fix("attention is divided by the root of its width", "multiplied, as coded, it saturates the softmax",
        ("transunet.attention_scale",)),
    Fix("a low weight for paper 001's contrastive loss", "the masks' loss shall lead",
        ("transunet.contrastive_weight",)),
    Fix("a sigmoid, targets held to 0..1, the first output at their mean",
        "a linear output under a logistic loss has no natural cut, and one half is far from mostly empty masks",
        ("transunet.output", "transunet.clip_target", "transunet.start_at_mean")),
    Fix("the slices that the UNet sees too, in larger batches at a higher rate",
        "the groups of the contrastive step leave many slices out, and 5e-5 is slow from random weights",
        ("transunet.only_grouped_slices", "transunet.batch_size", "transunet.learning_rate")),
)

LEDGER = Ledger(
    title="Paper 002: TransUNet (K01 - K30)",
    introduction="Paper 002 is Khali et al.; the code is its authors' aymaneelfahsi1/"
                 "UnsupervisedML_GAN_TransUNET_SegmentationCovid, whose network is mkara44/transunet_pytorch. "
                 "Numbers in percent. What paper 002 takes over from paper 001 is in the lines F.",
    presets=("khali/published", "khali/paper", "khali/improved", "khali/demo"), lines=_LINES, order=2,
    improved="khali/improved", fixes=_FIXES, taken_over="shabani/improved")
