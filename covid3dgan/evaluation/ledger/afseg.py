"""A01 to A26: paper 003 (AF-SEG). No code of its authors was found, so the code column is what its words come from."""

__all__ = ["LEDGER"]

from covid3dgan.evaluation.ledger.form import Ledger, Line

_TEST = "tests/{}::{}".format
_COARSE = "data/classical/test_coarse.py"
_BACKGROUNDS = "training/afseg/test_afseg_backgrounds.py"
_TRAINING = "training/afseg/test_afseg_training.py"
_MODELS = "models/test_afseg_models.py"
_LOSSES = "losses/test_afseg_losses.py"
_SETS = "data/datasets/test_image_sets.py"
_SPLIT = "data/datasets/test_image_split.py"
_VESSELS = "data/classical/test_vessels.py"
_RIDGES = "data/classical/test_ridges.py"

_LINES = (
    Line("A01", "level set and Hessian analysis", "[Li 2011] and [Frangi 1998], no parameters",
         "Li's demo: a kernel of 4 px and a rectangle to start from, which fail on cells",
         ("coarse.method", "coarse.initial", "coarse.sigma", "coarse.warm_up", "coarse.scales", "coarse.beta",
          "coarse.c"),
         tests=(_TEST(_COARSE, "test_level_set_finds_cells_and_bias_where_no_global_threshold_can"),
                _TEST(_COARSE, "test_the_scale_that_answers_most_grows_with_the_tube"))),
    Line("A02", "erosion of the coarse mask",
         "one, size not given; none is needed where the mask covers half of the truth, as the Hessian's does", "-",
         ("coarse.erosion", "coarse.smallest_core", "coarse.dilate_back", "coarse.trim"),
         tests=(_TEST(_COARSE, "test_erosion_by_hand"),
                _TEST(_COARSE, "test_small_cores_are_dropped_and_large_ones_regain_their_size"),
                _TEST(_VESSELS, "test_trimming_takes_the_rim_of_wide_vessels_and_spares_thin_ones"))),
    Line("A03", "Deep Segmentation Prior",
         "a simple network, stopped early when it predicts lambda = 2 times the coarse area; network, loss, direction "
         "of the stop and number of networks not said",
         "ours: one U-Net, cross-entropy; stops where the ratio is within 5 % of lambda or crosses it, then exactly "
         "the top lambda x rate pixels",
         ("background.area_multiple", "background.rate", "background.width", "background.depth",
          "background.first_check", "background.most_steps", "background.dilation"),
         tests=(_TEST(_BACKGROUNDS, "test_area_rule_by_hand"),
                _TEST(_BACKGROUNDS, "test_stop_rule_takes_either_direction_or_nearness"))),
    Line("A04", "inpainting", "\"such as DIP\"", "DIP's own notebooks: several presets",
         ("background.inpainting", "background.dip_variant", "background.dip_steps", "background.paste"),
         tests=(_TEST("data/classical/test_inpainting.py", "test_a_masked_gradient_comes_back"),
                _TEST(_BACKGROUNDS, "test_dip_is_chosen_by_the_preset"))),
    Line("A05", "generator", "\"uses U-Net as its network backbone\"", "pix2pix: unet_256, tanh",
         ("synthesis.generator_backbone", "synthesis.generator_head", "synthesis.generator_width",
          "synthesis.generator_depth"),
         tests=(_TEST(_MODELS, "test_parameter_counts"),
                _TEST(_MODELS, "test_a_fresh_residual_generator_is_the_identity"))),
    Line("A06", "discriminator and its loss", "architecture not given; logarithms (Eq. 3)",
         "pix2pix: 70 x 70 PatchGAN, -log D for the generator",
         ("synthesis.discriminator_width", "synthesis.discriminator_levels", "synthesis.adversarial_loss"),
         tests=(_TEST(_MODELS, "test_discriminator_sees_70_pixel_patches"),
                _TEST(_LOSSES, "test_adversarial_losses"))),
    Line("A07", "optimizer", "Adam, 2e-4 for 50 epochs, then linear to 0 in 50; batch size and betas not given",
         "pix2pix: beta1 0.5, batch 1",
         ("synthesis.learning_rate", "synthesis.beta_1", "synthesis.batch_size", "synthesis.constant_epochs",
          "synthesis.decay_epochs", "synthesis.patches_per_image"),
         tests=(_TEST(_TRAINING, "test_learning_rate_is_constant_then_linear"),
                _TEST(_TRAINING, "test_epochs_in_steps"))),
    Line("A08", "shape loss", "a norm (Eq. 1), weight 50", "pix2pix: mean over pixels",
         ("synthesis.shape_mean", "synthesis.shape_weight"),
         tests=(_TEST(_LOSSES, "test_shape_loss_counts_the_foreground_alone"),)),
    Line("A09", "what draws G(x) to the clean background", "the discriminator alone", "-",
         ("synthesis.background_weight",), tests=(_TEST(_LOSSES, "test_background_terms_count_the_rest_alone"),)),
    Line("A10", "does L_seg train the generator", "one sum of all losses (Eq. 5), L_seg(S)", "-",
         ("synthesis.segmentation_to_generator",),
         tests=(_TEST(_TRAINING, "test_segmentation_reaches_the_generator_only_when_asked"),)),
    Line("A11", "faint foreground", "the segmenter sees G(x) as it is", "-", ("synthesis.fade", "synthesis.rim"),
         tests=(_TEST(_TRAINING,
                      "test_fading_mixes_foreground_and_its_rim_towards_background_and_touches_nothing_else"),
                _TEST(_TRAINING, "test_faded_foreground_keeps_the_strength_of_the_noise"))),
    Line("A12", "patches and their scale", "256 x 256, no augmentation mentioned", "pix2pix: flips",
         ("synthesis.patch", "synthesis.flips", "synthesis.zoom_out"),
         tests=(_TEST("data/batches/test_patches.py", "test_zooming_out_shows_more_of_the_image"),)),
    Line("A13", "preparation of angiograms", "median filter, then CLAHE; no parameters", "-",
         ("images.median", "images.clahe_clip", "images.clahe_tiles"),
         tests=(_TEST("data/classical/test_contrast.py", "test_clahe_equals_opencv"),)),
    Line("A14", "size", "both side margins removed, 512 x 512", "-", ("images.size",),
         tests=(_TEST(_SETS, "test_images_are_cut_square_and_masks_follow"),)),
    Line("A15", "threshold of the scores", "not given", "-", ("synthesis.threshold",),
         tests=(_TEST("systems/test_afseg.py",
                      "test_prediction_keeps_the_images_size_and_goes_on_after_a_bad_one"),)),
    Line("A16", "Table 1's coarse rows", "before or after the erosion: not said", "-",
         fixed="both are shown; AF-SEG is compared with the mask before it",
         tests=(_TEST("systems/test_afseg.py", "test_table_1_has_every_method_on_the_test_images"),)),
    Line("A17", "testing", "trained on patches, tested on whole images", "-",
         fixed="whole images at the working size; instance normalisation then sees the whole image",
         tests=(_TEST("systems/test_afseg.py",
                      "test_prediction_keeps_the_images_size_and_goes_on_after_a_bad_one"),)),
    Line("A18", "split", "at random; of images, although 308 images come from 5 patients", "-", ("images.split",),
         tests=(_TEST(_SPLIT, "test_split_has_the_papers_counts_and_no_overlap"),)),
    Line("A19", "debris in the mask of the prior", "not mentioned", "-", ("background.min_area",),
         tests=(_TEST(_BACKGROUNDS, "test_small_pieces_stay_in_the_image_before_the_rest_is_dilated"),)),
    Line("A20", "what stands around the label when the segmenter learns", "G(x)",
         "SC-GAN, as the text tells it: foreground and background made apart, then fused",
         ("synthesis.segmenter_background",),
         tests=(_TEST(_TRAINING, "test_inpainted_backgrounds_replace_all_but_the_foreground"),)),
    Line("A21", "images so dense that lambda times the coarse area is all of them",
         "not mentioned; its cells cover about 6 % of an image", "-", ("background.spared",),
         tests=(_TEST(_BACKGROUNDS, "test_dense_images_keep_a_share_of_their_ground"),
                _TEST(_BACKGROUNDS, "test_smears_of_any_density_get_a_background"))),
    Line("A22", "vessel filter and its scales", "Hessian analysis [2]; no scales",
         "ours for the demo: second derivatives of a Gaussian three times as long as wide, on an image of even "
         "contrast; scales in 1/512 of the image",
         ("coarse.vessel_filter", "coarse.relative_scales"),
         tests=(_TEST(_RIDGES, "test_a_long_ridge_answers_more_than_a_blob"),
                _TEST(_VESSELS, "test_relative_scales_follow_the_images_size"))),
    Line("A23", "polarity of the vessels", "not said; its angiographies have dark ones", "-",
         ("coarse.dark", "coarse.find_polarity"),
         tests=(_TEST(_VESSELS, "test_either_polarity_is_found_by_itself"),)),
    Line("A24", "from the filter's answer to a mask", "not said",
         "ours: Otsu's threshold; in the demo pieces above 0.8 times it that reach 1.5 times it",
         ("coarse.threshold", "coarse.hysteresis", "coarse.smallest_vessel"),
         tests=(_TEST(_VESSELS, "test_hysteresis_keeps_faint_vessels_that_join_clear_ones"),)),
    Line("A25", "photographs of the fundus: colour and field of view", "not in the paper; greyscale transform", "-",
         ("images.channel", "coarse.border"),
         tests=(_TEST("data/datasets/test_field_of_view.py", "test_discs_and_boxes_before_black_are_found"),
                _TEST(_VESSELS, "test_the_edge_of_the_field_is_no_vessel"))),
    Line("A26", "what the validation share is for", "split off, never mentioned again",
         "ours: it chooses the threshold of the scores, by pairs of validation images and their coarse labels, made as "
         "the training pairs are", ("synthesis.tune_threshold",),
         tests=(_TEST("training/afseg/test_choose_threshold.py", "test_the_best_threshold_by_hand"),
                _TEST("systems/test_afseg.py", "test_thresholds_are_chosen_and_kept_with_the_run"))),
)

LEDGER = Ledger(
    title="Paper 003: AF-SEG (A01 - A26)",
    introduction="Paper 003 is Yu, Dong et al. No code of theirs was found, so there is no \"published\" preset: "
                 "the first two presets follow the text and fill its gaps, mostly from pix2pix, whose option names the "
                 "text repeats; the demos are ours, at laptop size. The code column says where a filling comes from.",
    presets=("afseg/cells", "afseg/vessels", "afseg/cells/demo", "afseg/vessels/demo"), lines=_LINES, order=3)
