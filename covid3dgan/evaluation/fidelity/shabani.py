"""F01 to F32: the 3D GAN + contrastive UNet of papers 001 and 000, against the notebooks published with paper 001."""

__all__ = ["LEDGER"]

import dataclasses

from covid3dgan.evaluation.fidelity.ledger import Ledger, Line

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
    Line("F08", "third input of the generator", "none", "there, and read by no layer", ("gan.unused_input",)),
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
    Line("F16", "high and low slices", "by sorting the sums (001); quartiles (002)",
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
    Line("F24", "slices that are scored", "no filter named",
         "those with more than 163 infected pixels and more than 1 % of infected lung", ("evaluation.slice_filters",)),
    Line("F25", "generator", "modified UNet++ (4.1); DenseUNet (3.1)", "a U-Net with dense skips inside each level",
         ("gan.generator",)),
    Line("F26", "segmenter", "2D UNet", "BCDU-Net: ConvLSTM2D merges in the decoder",
         ("segmenter.merge",)),
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
)

# What holds each line: files below tests/ and the tests in them.
_TESTS = {
    "F01": [
        "models/test_discriminator3d.py::test_paper_variant_has_five_convolutions_and_four_dense_layers_all_alive",
        "models/test_published_layers.py::test_every_layer_shape_parameter_count_and_connection_is_the_published_one"],
    "F02": [
        "losses/test_adversarial.py::test_discriminator_loss_by_hand",
        "losses/test_adversarial.py::test_generator_loss_by_hand"],
    "F03": ["evaluation/test_fidelity.py::test_the_published_preset_follows_the_code_and_the_paper_preset_the_text"],
    "F04": ["evaluation/test_fidelity.py::test_the_published_preset_follows_the_code_and_the_paper_preset_the_text"],
    "F05": ["training/test_gan3d.py::test_one_adam_state_serves_both_generator_updates_where_published"],
    "F06": ["training/test_gan3d.py::test_the_generators_batch_is_fresh_or_the_same"],
    "F07": ["training/test_gan3d.py::test_update_order_is_the_presets"],
    "F08": ["models/test_generator3d.py::test_the_third_input_changes_nothing"],
    "F09": ["data/test_preprocess.py::test_one_millimetre_or_two_in_the_plane"],
    "F10": ["data/test_preprocess.py::test_the_rotation_equals_the_affine_for_rps_files_only"],
    "F11": ["data/test_preprocess.py::test_the_published_crop_loses_the_last_slice_row_and_column"],
    "F12": ["data/test_preprocess.py::test_the_lung_mask_is_made_where_the_option_says"],
    "F13": ["cli/test_preprocess_cli.py::test_the_published_mistake_is_an_option"],
    "F14": ["inference/test_pseudo_masks.py::test_min_max_scales_each_volume_by_its_own_extremes"],
    "F15": ["inference/test_pseudo_masks.py::test_signed_and_clipped_difference"],
    "F16": [
        "data/test_slice_groups.py::test_published_sums_are_strict_and_cut_to_the_smaller_group",
        "data/test_slice_groups.py::test_sorting_takes_a_third_at_each_end_of_the_slices_with_lung",
        "data/test_slice_groups.py::test_quartiles_are_those_of_the_box_plot"],
    "F17": [
        "training/test_segmenter.py::test_the_contrastive_step_reaches_the_segmenter_only_through_a_shared_encoder"],
    "F18": [
        "losses/test_contrastive_losses.py::test_npairs_by_loops",
        "losses/test_contrastive_losses.py::test_supcon_is_eq_6"],
    "F19": ["losses/test_contrastive_losses.py::test_supcon_is_eq_6"],
    "F20": ["training/test_segmenter.py::test_learning_rate_schedule_is_used_only_where_the_preset_says_so"],
    "F21": ["evaluation/test_fidelity.py::test_the_published_preset_follows_the_code_and_the_paper_preset_the_text"],
    "F22": ["evaluation/test_fidelity.py::test_the_published_preset_follows_the_code_and_the_paper_preset_the_text"],
    "F23": ["evaluation/test_protocols.py::test_f23_threshold_relative_to_each_slice_or_absolute"],
    "F24": [
        "evaluation/test_protocols.py::test_f24_slice_filters_can_be_left_out",
        "evaluation/test_protocols.py::test_published_equals_the_published_formulae"],
    "F25": [
        "models/test_generator3d.py::test_unet_plus_plus_is_nested_and_dense",
        "models/test_published_layers.py::test_every_layer_shape_parameter_count_and_connection_is_the_published_one"],
    "F26": [
        "models/test_segmenter_and_contrastive.py::test_the_plain_unet_joins_its_skips_by_concatenation",
        "models/test_published_layers.py::test_every_layer_shape_parameter_count_and_connection_is_the_published_one"],
    "F27": ["evaluation/test_paper_tables.py::test_f27_the_contradicting_mosmed_dice_stands_beside_the_table"],
    "F28": ["evaluation/test_paper_tables.py::test_f28_the_papers_count_different_radiopaedia_cases"],
    "F29": ["evaluation/test_paper_tables.py::test_f29_paper_000s_mosmed_row_is_the_two_case_notebook"],
    "F30": ["training/test_gan3d.py::test_published_noise_touches_a_quarter_of_the_slices_and_ours_the_lungs_only"],
    "F31": [
        "models/test_convlstm.py::test_equals_the_layer_of_keras_2_in_outputs_and_gradients",
        "models/test_convlstm.py::test_hard_sigmoid_by_hand"],
    "F32": [
        "inference/test_pseudo_masks.py::test_latent_noise_is_fixed_or_fresh_per_volume_and_repeats_with_the_seed"],
}

LEDGER = Ledger(
    title="Papers 001 and 000: 3D GAN, pseudo-masks and contrastive UNet (F01 - F32)",
    introduction="Paper 001 is Shabani et al. 2022, paper 000 Elmourabit and Banouar; the code is "
                 "ClinicalAI/3DGAN_CT_Segmentation as of March 2022.",
    presets=("shabani/published", "shabani/paper", "shabani/improved", "shabani/demo"),
    lines=tuple(dataclasses.replace(line, tests=tuple(f"tests/{test}" for test in _TESTS[line.number]))
                for line in _LINES))
