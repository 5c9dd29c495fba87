"""F01 to F39: the 3D GAN + contrastive UNet of papers 001 and 000, against the notebooks published with paper 001."""

__all__ = ["LEDGER"]

import dataclasses

from covid3dgan.evaluation.ledger.form import Fix, Ledger, Line

_LINES = (
    Line("F01", "depth of the discriminator",
         "five convolution and four dense layers (4.1); a dense 3D CNN with four layers (3.1)",
         "four convolutions, the first of them dead: the second takes the network's input again; three count",
         ("gan.discriminator",)),
    Line("F02", "GAN loss", "logarithms (Eq. 2, Algorithm 1)", "squared error on the two softmax outputs",
         ("gan.adversarial_loss",)),
    Line("F03", "discriminator's learning rate", "5e-5", "1e-3", ("gan.discriminator_learning_rate",)),
    Line("F04", "batch size of the GAN", "8 (paper 001), 5 (paper 000)", "5", ("gan.batch_size",)),
    Line("F05", "optimizer of reconstruction and GAN", "not said", "one Adam object, so one state, for both",
         ("gan.shared_optimizer",)),
    Line("F06", "COVID batch of the generator's update", "the batch of the discriminator's update (Algorithm 1)",
         "five other COVID volumes", ("gan.fresh_covid_batch",)),
    Line("F07", "order within an iteration", "discriminator, generator, reconstruction (Algorithm 1)",
         "reconstruction, discriminator, generator", ("gan.update_order",)),
    Line("F08", "third input of the generator", "none", "there, and read by no layer",
         fixed="left out of every preset: it has no weights and no layer reads it, so weights, outputs and training "
               "are the same; `models.build_generator(with_unused_input=True)` has it and takes any published "
               "generator's weights"),
    Line("F09", "voxel spacing (mm: slice, row, column)", "1 mm in every direction",
         "2 mm in plane, slices as they are", ("preprocess.spacing",)),
    Line("F10", "orientation", "not said", "rotated by -90 degrees whatever the affine says",
         ("preprocess.orientation",)),
    Line("F11", "crop to the lungs", "crop that centres the lung",
         "the last slice, row and column are lost: the stop index is exclusive", ("preprocess.exclusive_crop",)),
    Line("F12", "where R231 finds the lungs", "on the CT", "on the CT resampled to 32 x 128 x 128",
         ("preprocess.lung_grid",)),
    Line("F13", "BaseCTImages.npy", "the CT", "holds the lung masks, by mistake", ("preprocess.base_holds_lung_mask",)),
    Line("F14", "before the subtraction", "nothing (Eq. 3)",
         "input and output are scaled to [0, 1], each volume by its own extremes", ("pseudo.minmax",)),
    Line("F15", "sign of the pseudo-mask", "signed (Eq. 3), called an infection probability", "signed",
         ("pseudo.sign",)),
    Line("F16", "high and low slices (ours, sorted: a third at each end of the slices with lung)",
         "by sorting the sums, without a number (001); quartiles (002)",
         "sums above 95 and between 65 and 80", ("contrastive.grouping",)),
    Line("F17", "encoder of the two losses", "shared: U_e is the encoder of U_ed (Algorithm 1)",
         "two encoders: the contrastive loss cannot reach the segmenter", ("segmenter.shared_encoder",)),
    Line("F18", "contrastive loss", "supervised contrastive (Eq. 6)", "n-pairs of tensorflow-addons",
         ("contrastive.loss",)),
    Line("F19", "temperature", "0.05 in the text, missing in Eq. 6", "0.05", ("contrastive.temperature",)),
    Line("F20", "learning rate of the segmenter", "1e-3, times 0.9 every 1000 steps",
         "5e-5 constant: a schedule is made and never used", ("segmenter.learning_rate", "segmenter.decay_steps")),
    Line("F21", "batch size of the segmenter", "32", "8: 4 high and 4 low", ("segmenter.batch_size",)),
    Line("F22", "length of its training (ours: steps)", "1000 epochs", "100 'epochs' of one batch each",
         ("segmenter.steps",)),
    Line("F23", "threshold", "a fixed simple threshold, T = 0.2", "0.2 of each slice's own maximum",
         ("threshold.relative",)),
    Line("F24", "what is scored",
         "no filter of slices named, no lung mask applied to the output; for the Dice score [38] is cited, which is on "
         "a continuous Dice coefficient of maps",
         "slices with more than 163 infected pixels and more than 1 % of infected lung, with what was found outside of "
         "the lungs; the Dice of masks",
         ("evaluation.slice_filters", "evaluation.within_lung", "evaluation.continuous_dice")),
    Line("F25", "generator", "modified UNet++ (4.1); DenseUNet (3.1)", "a U-Net with dense skips inside each level",
         ("gan.generator",)),
    Line("F26", "segmenter",
         "2D U-Net [27], Ronneberger's, in the outline (3); 2D UNet [30], which is BCDU-Net, where the network and its "
         "training are described (3.3, 4.1). Two sources for one network: [30] is followed, since both later places "
         "name it and the code agrees",
         "BCDU-Net: ConvLSTM2D merges in the decoder", ("segmenter.merge",)),
    Line("F27", "Mosmed Dice of paper 001", "68.43 in section 4.3, 58.43 in Table 2", "-",
         ("evaluation.mosmed_dice",)),
    Line("F28", "Radiopaedia cases", "10 (000), 9 (001)", "-",
         ("evaluation.radiopaedia_cases",)),
    Line("F29", "paper 000's test tables", "10 cases per data set",
         "its Mosmed row is what the notebook Segmentation2D printed for two sample cases",
         ("evaluation.two_case_row",)),
    Line("F30", "Perlin noise on healthy volumes", "added to the volume",
         "2D fields on 8 of 32 slices, of either sign, also outside the lungs", ("gan.noise",)),
    Line("F31", "gate of ConvLSTM2D", "not said",
         "Keras 2's hard_sigmoid, clip(0.2 x + 0.5); Keras 3 would take sigmoid, or its own hard_sigmoid",
         ("segmenter.gate",)),
    Line("F32", "latent noise at inference", "not said", "drawn anew, so two runs differ", ("pseudo.latent",)),
    Line("F33", "slices of the end-to-end step (ours: high and low slices alone)",
         "the pairs of all COVID slices and their pseudo-masks (Algorithm 1): 1000 epochs of 664 x 32 slices in "
         "batches of 32 are the 664,000 steps of F22. Of slices without lung nothing is said; ours leaves them out, "
         "and the crop ends at the lungs, so they are few", "high and low slices alone, half of each",
         ("segmenter.only_grouped_slices",)),
    Line("F34", "contrastive updates to one end-to-end update",
         "one (3.3, Algorithm 1); an epoch of them (3.3)", "two", ("contrastive.steps_per_step",)),
    Line("F35", "order of the segmenter's two updates",
         "contrastive, then end to end (3.3, 4.5); end to end, then contrastive (Algorithm 1)",
         "contrastive, then end to end", ("contrastive.order",)),
    Line("F36", "contrastive loss of a batch", "the summation of L_cont for all samples (3.3); Adam's steps hardly "
         "depend on the factor", "the mean over the batch", ("contrastive.reduction",)),
    Line("F37", "margin of the crop to the lungs (ours: mm)",
         "none named: \"cropped to place the lung in the center of the image\" (4.1)", "none",
         ("preprocess.crop_margin",)),
    Line("F38", "what finds the lungs (ours: the built-in method, or lungmask where that package is installed; the "
         "record of a run says which one did)",
         "an open-source pre-trained UNet model [39] (4.1), which is lungmask's R231", "lungmask's R231",
         ("preprocess.lung_method",)),
    Line("F39", "error of the reconstruction",
         "an \"MSE loss\" in words, a norm that is not squared in the formula below them (Algorithm 1, both loops); a "
         "difference alone, which has no least value (Eq. 2); squared (Eq. 7, of the segmenter, which is followed "
         "there)",
         "mean squared error", ("gan.reconstruction_loss",)),
)

_FIDELITY = "evaluation/ledger/test_fidelity.py"
# What holds each line: files below tests/ and the tests in them.
_TESTS = {
    "F01": [
        "models/test_discriminator3d.py::test_paper_variant_has_five_convolutions_and_four_dense_layers_all_alive",
        "models/test_published_layers.py::test_every_layer_shape_parameter_count_and_connection_is_the_published_one"],
    "F02": [
        "losses/test_adversarial.py::test_discriminator_loss_by_hand",
        "losses/test_adversarial.py::test_generator_loss_by_hand"],
    "F03": [f"{_FIDELITY}::test_the_published_preset_follows_the_code_and_the_paper_preset_the_text"],
    "F04": [f"{_FIDELITY}::test_the_published_preset_follows_the_code_and_the_paper_preset_the_text"],
    "F05": ["training/shabani/test_gan3d.py::test_one_adam_state_serves_both_generator_updates_where_published"],
    "F06": ["training/shabani/test_gan3d.py::test_the_generators_batch_is_fresh_or_the_same"],
    "F07": ["training/shabani/test_gan3d.py::test_update_order_is_the_presets"],
    "F08": [
        "models/test_generator3d.py::test_the_third_input_changes_nothing",
        "training/shabani/test_gan3d.py::test_f08_a_trained_generators_weights_fit_the_published_three_inputs",
        "models/test_published_layers.py::test_every_layer_shape_parameter_count_and_connection_is_the_published_one"],
    "F09": ["data/preprocess/test_preprocess.py::test_one_millimetre_or_two_in_the_plane"],
    "F10": ["data/preprocess/test_preprocess.py::test_the_rotation_equals_the_affine_for_rps_files_only"],
    "F11": ["data/preprocess/test_preprocess.py::test_the_published_crop_loses_the_last_slice_row_and_column"],
    "F12": ["data/preprocess/test_preprocess.py::test_the_lung_mask_is_made_where_the_option_says"],
    "F13": ["cli/test_preprocess_cli.py::test_the_published_mistake_is_an_option"],
    "F14": ["inference/test_pseudo_masks.py::test_min_max_scales_each_volume_by_its_own_extremes"],
    "F15": ["inference/test_pseudo_masks.py::test_signed_and_clipped_difference"],
    "F16": [
        "data/batches/test_slice_groups.py::test_published_sums_are_strict_and_cut_to_the_smaller_group",
        "data/batches/test_slice_groups.py::test_sorting_takes_a_third_at_each_end_of_the_slices_with_lung",
        "data/batches/test_slice_groups.py::test_quartiles_are_those_of_the_box_plot"],
    "F17": [
        "training/shabani/test_segmenter.py::test_the_contrastive_step_reaches_the_segmenter_only_through_a_shared_encoder"],
    "F18": [
        "losses/test_contrastive_losses.py::test_npairs_by_loops",
        "losses/test_contrastive_losses.py::test_supcon_is_eq_6"],
    "F19": ["losses/test_contrastive_losses.py::test_supcon_is_eq_6"],
    "F20": ["training/shabani/test_segmenter.py::test_learning_rate_schedule_is_used_only_where_the_preset_says_so"],
    "F21": [f"{_FIDELITY}::test_the_published_preset_follows_the_code_and_the_paper_preset_the_text"],
    "F22": [f"{_FIDELITY}::test_the_published_preset_follows_the_code_and_the_paper_preset_the_text"],
    "F23": ["evaluation/test_protocols.py::test_f23_threshold_relative_to_each_slice_or_absolute"],
    "F24": [
        "evaluation/test_protocols.py::test_f24_slice_filters_can_be_left_out",
        "evaluation/test_protocols.py::test_f24_the_continuous_dice_stands_beside_the_dice_of_the_masks",
        "systems/test_shabani_tables.py::test_f24_what_is_found_outside_of_the_lungs_counts_where_the_option_says",
        "evaluation/test_protocols.py::test_published_equals_the_published_formulae"],
    "F25": [
        "models/test_generator3d.py::test_unet_plus_plus_is_nested_and_dense",
        "models/test_published_layers.py::test_every_layer_shape_parameter_count_and_connection_is_the_published_one"],
    "F26": [
        "models/test_segmenter_and_contrastive.py::test_the_plain_unet_joins_its_skips_by_concatenation",
        "models/test_segmenter_and_contrastive.py::test_f26_the_option_merge_builds_bcdu_net_or_a_plain_unet",
        "models/test_published_layers.py::test_every_layer_shape_parameter_count_and_connection_is_the_published_one"],
    "F27": ["evaluation/test_paper_tables.py::test_f27_the_contradicting_mosmed_dice_stands_beside_the_table"],
    "F28": ["evaluation/test_paper_tables.py::test_f28_the_papers_count_different_radiopaedia_cases"],
    "F29": ["evaluation/test_paper_tables.py::test_f29_paper_000s_mosmed_row_is_the_two_case_notebook"],
    "F30": [
        "training/shabani/test_gan3d.py::test_published_noise_touches_a_quarter_of_the_slices_and_ours_the_lungs_only"],
    "F31": [
        "models/blocks/test_convlstm.py::test_equals_the_layer_of_keras_2_in_outputs_and_gradients",
        "models/blocks/test_convlstm.py::test_hard_sigmoid_by_hand"],
    "F32": [
        "inference/test_pseudo_masks.py::test_latent_noise_is_fixed_or_fresh_per_volume_and_repeats_with_the_seed"],
    "F33": [
        "training/shabani/test_segmenter.py::test_batches_hold_half_of_each_group",
        "training/shabani/test_segmenter.py::test_without_grouping_every_slice_is_seen_once_per_pass"],
    "F34": [
        "training/shabani/test_segmenter.py::test_batches_hold_half_of_each_group",
        f"{_FIDELITY}::test_the_published_preset_follows_the_code_and_the_paper_preset_the_text"],
    "F35": ["training/shabani/test_segmenter.py::test_a_step_is_the_two_phases_in_the_presets_order"],
    "F36": [
        "losses/test_contrastive_losses.py::test_the_sum_is_the_mean_times_the_anchors",
        "training/shabani/test_segmenter.py::test_the_contrastive_loss_of_a_step_is_the_mean_or_the_sum",
        "training/shabani/test_segmenter.py::test_two_devices_sum_over_the_whole_batch"],
    "F37": ["data/preprocess/test_preprocess.py::test_f37_the_crop_ends_at_the_lungs_or_a_margin_beyond"],
    "F38": [
        "data/preprocess/test_lung_method.py::test_f38_lungmask_finds_the_lungs_where_it_is_installed",
        "data/preprocess/test_lung_method.py::test_f38_the_record_says_what_made_the_lungs"],
    "F39": ["training/shabani/test_gan3d.py::test_f39_the_reconstruction_error_is_squared_or_a_norm"],
}

_FIXES = (
    Fix("cut the lungs out with a margin, then resize",
        "what lies at the pleura stays within the box, and the grid is spent on the lungs",
        ("preprocess.resize_before_crop", "preprocess.crop_margin")),
    Fix("masks are 0 or 1 on the network's grid", "resized as published they hold values between",
        ("preprocess.binary_masks",)),
    Fix("refuse CTs with fewer slices than the grid", "slices would be made up between the real ones",
        ("preprocess.min_slices",)),
    Fix("lungs are brought to one level from front to back",
        "how deeply a patient breathed in changes every voxel as much as faint disease does",
        ("preprocess.lung_level",)),
    Fix("the generator gives a signed change of its input",
        "a last ReLU may fall silent, and an image made anew is blurred everywhere", ("gan.generator_head",)),
    Fix("voxels with noise weigh more in the reconstruction",
        "most voxels carry none, so that changing nothing is nearly as good as mending", ("gan.reconstruction_focus",)),
    Fix("some volumes get no noise at all", "healthy lungs shall stay as they are", ("gan.identity_probability",)),
    Fix("more reconstruction updates at a higher rate, mirrored volumes, gradients cut to a norm",
        "the reconstruction teaches what a lesion is; at a higher rate a training without the cut ended in NaN",
        ("gan.reconstructions", "gan.generator_learning_rate", "gan.flip", "gan.clip_norm")),
    Fix("the adversarial loss weighs little, and the discriminator gets no start",
        "it judges whole volumes and does not say where a lesion is",
        ("gan.adversarial_weight", "gan.discriminator_warmup")),
    Fix("moving averages of the weights are used for inference", "the last step is one of many that differ",
        ("gan.ema_decay", "segmenter.ema_decay")),
    Fix("differences within the lungs alone, averaged over latent noise",
        "what changes outside is no lesion, and one draw of noise is one of many",
        ("pseudo.within_lung", "pseudo.latent_samples")),
    Fix("two linear maps before the last layer", "two ReLU maps may fall silent and then learn nothing more",
        ("segmenter.head",)),
    Fix("less dropout", "short trainings are far from learning their slices by heart", ("segmenter.dropout",)),
    Fix("half of the segmenter's slices are mirrored", "a mirrored lung is a lung, too, and slices are few",
        ("segmenter.flip",)),
    Fix("lesions of known extent painted into healthy slices",
        "pseudo-masks alone say where the generator changed something, not how far a lesion reaches",
        ("segmenter.synthetic_share",)),
    Fix("pseudo-masks calibrated on lesions painted into healthy lungs",
        "what a difference means for a lesion's extent differs from training to training, and with how dense both are",
        ("segmenter.calibration_steps",)),
    Fix("the rate falls by a quarter at a time, the contrastive one with it",
        "else late contrastive steps move the shared encoder more than the others",
        ("segmenter.decay_rate", "contrastive.decays")),
    Fix("the threshold is chosen on validation cases, from a fine grid",
        "scores of one training are not those of another",
        ("threshold.tune", "threshold.grid")),
)

LEDGER = Ledger(
    title="Papers 001 and 000: 3D GAN, pseudo-masks and contrastive UNet (F01 - F39)",
    introduction="Paper 001 is Shabani et al. 2022, paper 000 Elmourabit and Banouar; the code is "
                 "ClinicalAI/3DGAN_CT_Segmentation as of March 2022.",
    presets=("shabani/published", "shabani/paper", "shabani/improved", "shabani/demo"),
    lines=tuple(dataclasses.replace(line, tests=tuple(f"tests/{test}" for test in _TESTS[line.number]))
                for line in _LINES),
    improved="shabani/improved", fixes=_FIXES)
