"""I01 to I30: paper 004 (SSInfNet and Inf-Net) against its authors' code of September 2020."""

__all__ = ["LEDGER"]

from covid3dgan.evaluation.ledger.form import Ledger, Line

_TEST = "tests/{}::{}".format
_PRESETS = _TEST("evaluation/ledger/test_ssinfnet_ledger.py", "test_presets_take_the_texts_and_the_codes_values")
_SYSTEM = _TEST("systems/test_ssinfnet_system.py", "test_reproduce_from_slices_to_report")
_LOSSES, _MODELS, _DATA = "losses/test_ssinfnet_losses.py", "models/test_infnet.py", "data/datasets/test_slices.py"
_TRAINING, _TABLES = "training/ssinfnet/test_ssinfnet_training.py", "evaluation/test_ssinfnet_tables.py"


def _both(field):
    """The field of both inpainting stages: Inf-Net's and the multi-class network's."""
    return f"single_inpainting.{field}", f"multi_inpainting.{field}"


_LINES = (
    Line("I01", "L_rec", "a cross-entropy (Algorithm 1)",
         "squared error, at most 2, on erased pixels, times 0.99, and 0.01 of the same on kept ones",
         ("single_inpainting.loss", "single_inpainting.reconstruction_weight", "single_inpainting.context_weight"),
         tests=(_TEST(_LOSSES, "test_inpainting_error_is_per_erased_pixel_and_truncated"),
                _TEST(_LOSSES, "test_paper_s_cross_entropy_reads_logits"), _PRESETS)),
    Line("I02", "L_coach", "1 - L_rec",
         "+ 1e-6 KL; single: L_rec summed over five heads and the gradient also through the network; multi: the mean "
         "over channels and the network detached", (*_both("kl_weight"), *_both("coach_sees_mean"),
                                                    *_both("coach_through_network")),
         tests=(_TEST(_LOSSES, "test_coach_gains_where_the_painting_fails"),
                _TEST(_TRAINING, "test_coach_loss_is_the_sum_or_the_mean_and_may_pass_the_network_by"), _PRESETS)),
    Line("I03", "last layers while inpainting", "replaced by linear ones",
         "heads of their own beside the old ones, with tanh; twice for the decoder's", _both("activation"),
         tests=(_TEST(_MODELS, "test_inpainting_trains_the_guidance_but_neither_the_last_map_nor_the_edge"),)),
    Line("I04", "what the edge branch paints", "'the image and the edge'", "the image, like the other heads",
         ("single_inpainting.edge_target",),
         tests=(_TEST(_DATA, "test_the_edge_head_paints_edges_where_the_preset_says_so"),)),
    Line("I05", "epochs and learning rates of the inpainting", "2000; 0.1, 0.01, 0.001, 0.0001 in every round",
         "fails after 1200, where its list of rates ends; 1e-5 in every round after the first",
         ("single_inpainting.network_epochs", "single_inpainting.learning_rates"),
         tests=(_TEST(_TRAINING, "test_plan_of_the_paper_starts_its_rates_anew_in_every_round"),
                _TEST(_TRAINING, "test_plan_of_the_code_keeps_a_low_rate_after_the_first_round"))),
    Line("I06", "turns", "network 200, coach 200, then 100 epochs each",
         "single: the coach first; multi: the coach 100 in its first round",
         (*_both("starts_with"), *_both("coach_first_round")),
         tests=(_TEST(_TRAINING, "test_paper_s_rounds"), _TEST(_TRAINING, "test_published_rounds"))),
    Line("I07", "what is taken over from the inpainting", "all but the last layer", "everything, by name",
         ("single.transfer", "multi.transfer"),
         tests=(_TEST(_TRAINING, "test_multi_training_starts_from_the_inpainting_and_loads_back"), _PRESETS)),
    Line("I08", "Inf-Net's networks and settings", "unchanged",
         "SSInfNet's multi-class network is another U-Net ('improved'), batches of 8 and 4 for 24 and 16, ResNet-50 "
         "for Res2Net-50", ("multi.variant", "single.batch_size", "multi.batch_size", "single.backbone"),
         tests=(_TEST(_MODELS, "test_multi_class_network_has_the_published_parameters"), _PRESETS)),
    Line("I09", "slices that are painted", "iCTCF and MedSeg", "single: one folder; multi: MedSeg's training part",
         _both("images"), tests=(_SYSTEM, _PRESETS)),
    Line("I10", "size of the pictures", "not given", "painting on parts of 128 x 128, segmenting at 352 x 352",
         ("single_inpainting.crop", "slices.size"), tests=(_TEST(_DATA, "test_batches_depend_on_seed_and_step_alone"),
                                                           _PRESETS)),
    Line("I11", "focal loss", "alpha_t weighs positives against negatives", "alpha = 1, gamma = 2",
         ("multi.alpha", "multi.gamma"), tests=(_TEST(_LOSSES, "test_focal_and_cross_entropy_by_hand"), _PRESETS)),
    Line("I12", "Lookahead", "around SGD", "multi: around SGD, for SSInfNet alone; single: around Adam, but only after "
         "Table II was made", ("multi.lookahead", "multi.loss", "alike"),
         tests=(_TEST(_TRAINING, "test_focal_loss_and_lookahead_are_those_of_the_method_or_of_all"), _PRESETS)),
    Line("I13", "Eq. 4", "IoU + BCE with lambda 1",
         "the IoU is weighted towards borders, the BCE by a misspelt argument is not", ("single.bce",),
         tests=(_TEST(_LOSSES, "test_published_slip_leaves_the_cross_entropy_unweighted"),)),
    Line("I14", "Eq. 6", "no minus, divided by the batch", "mean cross-entropy of three sigmoids",
         fixed="as coded: the equation as printed has no minimum",
         tests=(_TEST(_LOSSES, "test_focal_and_cross_entropy_by_hand"),)),
    Line("I15", "significance", "t-test and Wilcoxon",
         "half of the two-sided p of an unpaired rank-sum test, the precision of both kinds of infection against the "
         "other model's background precision; no t-test, but the variances for one",
         fixed="every report has both: the signed rank over patients, and the marks as coded",
         tests=(_TEST(_TABLES, "test_significance_finds_a_real_difference_over_patients"),
                _TEST(_TABLES, "test_coded_precision_compares_with_the_background"))),
    Line("I16", "infection prior", "comes from the single network", "in the test; training sees the true masks",
         ("multi.training_prior",), tests=(_SYSTEM, _PRESETS)),
    Line("I17", "sharpness alpha of Eq. 3", "1 while the coach learns", "the same, and binary masks for the network",
         _both("coach_sharpness"),
         tests=(_TEST(_MODELS, "test_soft_mask_is_the_paper_s_equation_3"),
                _TEST(_MODELS, "test_coach_erases_17_of_64_cells"))),
    Line("I18", "segmentation loss while inpainting", "drawn in Figures 2 and 3",
         "none; but the multi-class network paints true priors", fixed="none; the priors are those of I16",
         tests=(_TEST(_TRAINING, "test_each_turn_changes_its_own_network"),)),
    Line("I19", "split", "698, 114 and 117 images drawn at random",
         "the same, which puts slices of one patient into several parts", ("slices.split",),
         tests=(_TEST(_DATA, "test_image_split_of_the_paper_warns_of_its_leak"),
                _TEST(_DATA, "test_patients_stay_together"))),
    Line("I20", "input scale while inpainting", "not said", "0..255 minus the mean of aerial images",
         _both("scaling"), tests=(_TEST(_DATA, "test_inpainting_scales"), _PRESETS)),
    Line("I21", "crops of image and prior", "not said", "drawn apart, so that they do not fit each other",
         ("multi_inpainting.aligned_prior",),
         tests=(_TEST(_DATA, "test_image_and_prior_are_cropped_alike_unless_as_published"), _PRESETS)),
    Line("I22", "learning rate of Inf-Net", "1e-4, no decay named",
         "times 0.1^(epoch // 50) at every epoch anew: over after epoch 53", ("single.learning_rate", "single.decay"),
         tests=(_TEST(_TRAINING, "test_published_rate_collapses_after_fifty_epochs"),)),
    Line("I23", "scale of the priors", "not said", "stretched to 0..255 in every image, healthy ones too",
         ("multi.prior_minmax",),
         tests=(_TEST("inference/test_ssinfnet_inference.py", "test_prior_is_stretched_and_rounded_as_published"),)),
    Line("I24", "U-Net beside both", "its rows stand in both tables", "its training is not in the code",
         ("alike",), tests=(_TEST(_TRAINING, "test_a_unet_is_trained_like_infnet_where_all_are_alike"),
                            _TEST(_TRAINING, "test_focal_loss_and_lookahead_are_those_of_the_method_or_of_all"))),
    Line("I25", "optimizer of the multi-class network", "SGD in Lookahead", "the same", ("multi.optimizer",),
         tests=(_TEST(_TRAINING, "test_the_multi_class_networks_optimizer_is_the_presets"),)),
    Line("I26", "weights of the classes", "none named", "none: a pixel of background counts as much as one of "
         "consolidation", ("multi.class_weights",),
         tests=(_TEST(_LOSSES, "test_class_weights_let_a_rare_class_win"), _PRESETS)),
    Line("I27", "labelled slices", "932 in the text, 698 + 114 + 117 = 929 in its three parts", "929",
         ("slices.validation_share", "slices.test_share"),
         tests=(_TEST(_DATA, "test_the_image_split_has_the_papers_counts"),)),
    Line("I28", "slow weights of Lookahead", "not said", "copied from the network after its first step",
         fixed="copied before the first step, from the weights that the inpainting left",
         tests=(_TEST(_TRAINING, "test_lookahead_starts_at_the_weights_of_the_inpainting"),)),
    Line("I29", "pseudo-labels, beside the inpainting", "described, not run; 'more than 3 times the time'",
         "not in the authors' code; Inf-Net's labels 1600 slices in groups of 5, 9 epochs after each, keeps soft maps "
         "as labels and pre-trains a new network on them",
         ("pseudo_labels.group", "pseudo_labels.images", "pseudo_labels.epochs"),
         tests=(_TEST("training/ssinfnet/test_pseudo_labels.py", "test_each_round_trains_on_all_that_has_labels"),)),
    Line("I30", "ablation", "'adding focal loss and lookahead optimizer further improves' (VII), without a table",
         "a table without both in an earlier draft", fixed="--ablation trains SSInfNet without either and without both",
         tests=(_SYSTEM,)),
)

LEDGER = Ledger(
    title="Paper 004: SSInfNet (I01 - I30)",
    introduction="Paper 004 is Fung et al. 2021, its code darylfung96/self-supervised-CT-segmentation as of September "
                 "2020, which extends DengPingFan/Inf-Net; the coach is that of Singh et al. 2018. HU are windowed to "
                 "-1000..400 (the code saturates raw HU to 8 bits); labels are resized by nearest neighbour (the code "
                 "resizes them bilinearly before it maps greys to classes); MedSeg's label 3, pleural effusion, is "
                 "background; edges are drawn after augmentation (the code leaves them as they were). The U-Net is the "
                 "multi-class network without a prior.",
    presets=("ssinfnet/published", "ssinfnet/paper", "ssinfnet/demo"), lines=_LINES, order=4)
