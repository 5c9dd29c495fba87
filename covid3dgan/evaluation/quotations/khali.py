"""Paper 002 (Khali et al.): what holds each field of khali/paper."""

__all__ = ["QUOTATIONS"]

from covid3dgan.evaluation.quotations.form import LOGS, OFF, SUMS, Quotation, Quotations, Silence

_LAYERS = Silence("layers are not described; those of paper 001's published code, whose GAN section 3.1 follows")
_UNET = Silence("the UNet of Table 1 is not described; the authors' code has paper 001's")
_UNET_LOSS = Silence("the contrastive training of the UNet of Table 1 is not described; as in the authors' code, which "
                     "is paper 001's")
_VARIANT = Silence("no size is given; None takes that of the authors' code")
_OTHER_PAPER = Silence("a choice about another paper's tables; none of this paper's reads it")
_RATE = Quotation("4.1.1", "The starting value for the learning rate ... it is set to 0.00005", 5e-5)
_DECAY_STEPS = Quotation("4.1.1", "After every 1000 training steps, the learning rate is updated", 1000,
                         "made and never used in the authors' code (K19)")
_DECAY_RATE = Quotation("4.1.1", "After each set of 1000 steps, the learning rate is multiplied by 0.9", 0.9)

_COHORT = {
    "cohort.healthy": Quotation("3.1", "Our 3D GAN model is trained using 51 healthy cases and 100 COVID-19 cases", 51),
    "cohort.covid": Quotation(
        "3.1", "Our 3D GAN model is trained using 51 healthy cases and 100 COVID-19 cases", 100,
        "the sentence on the training is followed; the authors' code has 50 (K07)",
        against=(Quotation("4.1.2", "A 50 Covid-positive CT-scans and 51 Covid-negative CT-scans"),)),
    "cohort.grades": Quotation("4.1", "we combined data from two categories, 'CT-1' and 'CT-2'", ("CT-1", "CT-2")),
    "cohort.covid_from": Quotation("4.6", "a validation set comprising these 50 COVID-19 CT scans", "unscored",
                                   "what validates is not what trains; in the authors' code it is (K21)"),
    "cohort.test": Quotation("4.6", "there were only 50 COVID-19 CT scans with ground-truth masking",
                             note="all that have a mask"),
}

_PREPROCESS = {
    "preprocess.shape": Quotation("4.5", "adjusted patch embedding to accommodate the 128 ... 128 ... 1 image size",
                                  (32, 128, 128), "that the volumes have 32 slices is paper 001's"),
    "preprocess.spacing": Quotation(
        "4.1.1", "We also performed a resampling of CT pixels, standardizing the pixel spacing across all scans",
        note="to which spacing is not said; paper 001's 1 mm"),
    "preprocess.orientation": Silence("ours reads it from the affine, so that every file lies alike"),
    "preprocess.resize_before_crop": Quotation(
        "4.1.1", "Resizing followed, where we adjusted each scan to a uniform size ... Lastly, we implemented a lung "
        "mask extraction process", True, "the crop to the lungs needs their mask, so it comes after; it ends at the "
        "network's size again (K26)"),
    "preprocess.exclusive_crop": Quotation("4.1.2", "cropping the images to focus just on the lungs", False,
                                           "nothing is said to be lost at the far sides"),
    "preprocess.crop_margin": Quotation("4.1.2", "cropping the images to focus just on the lungs", 0.0,
                                        "no margin is named, so none is kept: 0 mm (F37)"),
    "preprocess.lung_grid": Quotation(
        "4.1.1", "Resizing followed ... Lastly, we implemented a lung mask extraction process", "resampled",
        "the lungs are found on the resized scan (K26)"),
    "preprocess.lung_method": Quotation(
        "4.1.1", "applying custom scripts to isolate and highlight lung regions in each scan",
        note="which scripts is not said; the authors' code takes lungmask's R231, and so does ours where that package "
        "is installed; else the built-in method finds the lungs, and the record of a run says which one did (K31)"),
    "preprocess.binary_masks": Silence("how true masks are resized is not said; they are cut at 0.5, since a mask is 0 "
                                       "or 1"),
    "preprocess.base_holds_lung_mask": Quotation(
        "4.1.2", "arrays for healthy lung images, images showing infection, lung masks, and the original CT images",
        False, "each in its own file"),
    "preprocess.min_slices": Quotation("3.1", "We removed the cases where the number of slices was lower than 32", 32),
    "preprocess.lung_level": Silence("\"contrast adjustment\" (4.1.1) is named and not described; no levelling of the "
                                     "lungs is, so none is done (K30)"),
    "preprocess.lung_level_limits": Silence("nothing is levelled, so that these limit nothing"),
    "preprocess.median": Quotation(
        "4.1.1", "We also applied filtering methods to enhance the clarity of the scans, reducing noise",
        note="which filter is not said; a median of 3 x 3 pixels is ours, the authors' code has none (K27)"),
    "preprocess.keep_aspect": Quotation(
        "4.1.1", "adjusted each scan to a uniform size, maintaining the aspect ratio to prevent image distortion", True,
        "stretched in the authors' code (K29)"),
}

_GAN = {
    "gan.volume_shape": Silence("the size of the volumes is not given; paper 001's, whose procedure section 3.1 "
                                "follows"),
    "gan.generator": Quotation("3.1", "using a 3D CNN based on DenseUNet as the generator part", "published",
                               "the published code's U-Net has dense skips within each level (K11)"),
    "gan.generator_width": _LAYERS,
    "gan.generator_head": _LAYERS,
    "gan.discriminator": Quotation("3.1", "The discriminator is designed as a dense 3D CNN with four layers",
                                   "declared", "the four convolutions that the published code writes down (K10)"),
    "gan.discriminator_width": _LAYERS,
    "gan.adversarial_loss": Quotation("Algorithm 1", "Update G using I_c, by calculating adversarial loss for G", "log",
                                      "its log(1 - D) stands in Eq. 2 as well (K14)"),
    "gan.adversarial_weight": Quotation("3.1", "The loss function for the proposed 3D GAN is defined as",
                                        note="Eq. 2 adds its terms without weights, so 1"),
    "gan.generator_learning_rate": Quotation("3.1", "Adam optimizer with a learning rate of 5e-5", 5e-5),
    "gan.discriminator_learning_rate": Quotation("3.1", "We trained our GAN ... with a learning rate of 5e-5", 5e-5,
                                                 "one rate for the whole GAN"),
    "gan.clip_norm": Silence("no clipping is named, so none is done"),
    "gan.batch_size": Quotation("3.1", "for 10,000 iterations with a batch size of 8", 8),
    "gan.shared_optimizer": Silence("one Adam is named (Algorithm 2) and not how many states it has; ours keeps one "
                                    "for each loss, as is usual"),
    "gan.fresh_covid_batch": Quotation(
        "Algorithm 1", "Calculate generated healthy volumes ... Update D using ... Update G using I_c", False,
        "no other I_c is drawn between the two updates"),
    "gan.update_order": Quotation("Algorithm 1", "Freeze G , Unfreeze D ... Freeze D , Unfreeze G ... Add Perlin Noise",
                                  "discriminator-first"),
    "gan.reconstructions": Quotation("3.1", "The training process includes two weight update steps", 1,
                                     "one of the two is the reconstruction"),
    "gan.flip": OFF,
    "gan.reconstruction_loss": Quotation(
        "Algorithm 1", "Update G using MSE loss of pairs of", "mse",
        "the formula below these words has a norm that is not squared, Eq. 2 none (K12)"),
    "gan.reconstruction_focus": OFF,
    "gan.discriminator_warmup": Silence("Algorithm 1 starts with its full iteration, so no step comes before it"),
    "gan.noise": Quotation(
        "3.1", "These images were created by adding Perlin noise to healthy 3D CT scans", "published",
        "its numbers are not given; the published code's are taken (K13)",
        against=(Quotation("3.1", "a noise adder (Perlin Noise) operator in the encoder-decoder's latent space"),)),
    "gan.identity_probability": OFF,
    "gan.ema_decay": OFF,
    "gan.steps": Quotation("3.1", "We trained our GAN for 10,000 iterations", 10000),
    "gan.log_every": LOGS,
    "gan.checkpoint_every": LOGS,
}

_PSEUDO = {
    "pseudo.minmax": Quotation("3.2", "The subtraction operation results in", False, "nothing is scaled before"),
    "pseudo.sign": Quotation(
        "3.2", "we employ the pseudo mask, denoted as ... which is computed as follows", "signed",
        "Eq. 3 takes the healthy image from the CT; section 4.3 says it the other way round",
        against=(Quotation("4.3", "by subtracting original COVID scans from the output generated by our 3D GAN"),)),
    "pseudo.latent": Silence("of inference nothing is said; drawn anew for each volume, as in paper 001's code"),
    "pseudo.latent_samples": Silence("of inference nothing is said; one draw, as in paper 001's code"),
    "pseudo.within_lung": Silence("Eq. 3 has no lung mask, so none is applied"),
}

_SEGMENTER = {
    "segmenter.width": _UNET,
    "segmenter.merge": _UNET,
    "segmenter.gate": _UNET,
    "segmenter.head": _UNET,
    "segmenter.dropout": _UNET,
    "segmenter.shared_encoder": Silence("the UNet of Table 1 is not described; paper 001's text has one encoder for "
                                        "both losses"),
    "segmenter.learning_rate": _RATE,
    "segmenter.decay_steps": _DECAY_STEPS,
    "segmenter.decay_rate": _DECAY_RATE,
    "segmenter.batch_size": _UNET,
    "segmenter.steps": Silence("the length of the UNet's training is not given; the authors' code has 100 steps"),
    "segmenter.only_grouped_slices": _UNET,
    "segmenter.flip": OFF,
    "segmenter.synthetic_share": OFF,
    "segmenter.calibration_steps": OFF,
    "segmenter.ema_decay": OFF,
    "segmenter.log_every": LOGS,
    "segmenter.checkpoint_every": LOGS,
}

_CONTRASTIVE = {
    "contrastive.enabled": _UNET_LOSS,
    "contrastive.pairs": Quotation("4.4", "We categorize lung CT images into high and low infection groups",
                                   "low-high"),
    "contrastive.grouping": Quotation(
        "4.3", "set above the upper quartile ... placed between the lower quartile and the median", "quartiles",
        "the authors' code goes up to the upper quartile (K17)"),
    "contrastive.high_above": SUMS,
    "contrastive.low_between": SUMS,
    "contrastive.loss": _UNET_LOSS,
    "contrastive.reduction": _UNET_LOSS,
    "contrastive.temperature": _UNET_LOSS,
    "contrastive.learning_rate": _UNET_LOSS,
    "contrastive.decays": _UNET_LOSS,
    "contrastive.steps_per_step": _UNET_LOSS,
    "contrastive.order": _UNET_LOSS,
    "contrastive.augmentation": _UNET_LOSS,
}

_SCORES = {
    "threshold.value": Silence("no threshold is named; 0.2 in the authors' code"),
    "threshold.relative": Silence("no threshold is named; a share of each slice's maximum in the authors' code, which "
                                  "printed Table 1"),
    "threshold.tune": Silence("no threshold is named; fixed in the authors' code"),
    "threshold.grid": Silence("read only where the threshold is tuned; paper 001's Table 5"),
    "evaluation.slice_filters": Silence("no slice is said to be left out of the ordinary scores; Table 1 is scored as "
                                        "coded (K02)"),
    "evaluation.within_lung": Silence("the ordinary scores are ours, and so are their masks, which end at the lungs; "
                                      "Table 1 is scored as coded, without (K02)"),
    "evaluation.continuous_dice": _OTHER_PAPER,
    "evaluation.mosmed_dice": _OTHER_PAPER,
    "evaluation.radiopaedia_cases": _OTHER_PAPER,
    "evaluation.two_case_row": _OTHER_PAPER,
}

_TRANSUNET = {
    "transunet.variant": Quotation("3.3", "Our implementation is an adaption of [20] and [21] to our specific case",
                                   "khali", "[21] is mkara44/transunet_pytorch, whose network this is (K16)"),
    "transunet.width": _VARIANT,
    "transunet.blocks": _VARIANT,
    "transunet.heads": _VARIANT,
    "transunet.mlp_units": _VARIANT,
    "transunet.attention_scale": Silence("attention is not written out; multiplied, as in [21] and the authors' code"),
    "transunet.first_phase": Quotation(
        "3.3.2", "Initially, the model was trained on contrastive tasks", "contrastive",
        "the section on the training is followed (K25)",
        against=(Quotation("Algorithm 1", "Combine losses and perform backpropagation"),)),
    "transunet.first_phase_steps": Silence("the length is not given; as many steps as in the authors' code"),
    "transunet.steps": Silence("the length is not given; as many steps as in the authors' code"),
    "transunet.contrastive_loss": Quotation(
        "3.3.2", "represents the feature vector of a positive sample", "eq4_literal",
        "Eq. 4 to the letter, with one positive sample; it lowers its loss and does not part the classes (K28)"),
    "transunet.include_self": Quotation(
        "3.3.2", r"\sum_{i=1}^N \sum_{j=1}^N \exp", True, "the pairs of a sample with itself are in the lower sum"),
    "transunet.temperature": Quotation("4.1.1", "we found that ... is equal to 0.06", 0.06,
                                       "1.0 in the authors' code (K18)"),
    "transunet.temperature_by": Quotation(
        "4.1.1", "To find the best value, we used the stochastic gradient descent method, and we found that", "fixed",
        "what their descent found is taken; `descent` finds one for the cases at hand (K18)"),
    "transunet.features": Quotation("Algorithm 1", "referring to the encoder-part only", "encoded",
                                    "the last logits in the authors' code (K20)"),
    "transunet.sampler": Quotation(
        "3.3.2", "the model was trained on contrastive tasks to effectively distinguish between different infection "
        "levels", "balanced", "which takes slices of both (K20)"),
    "transunet.contrastive_weight": Quotation("Algorithm 1", "Combine losses and perform backpropagation",
                                              note="weights are not given; the sum, as in the authors' code"),
    "transunet.beta": Quotation("3.3.2", "is the weight amplifying the influence of false negatives",
                                note="its value is not given; the authors' code has 2"),
    "transunet.output": Silence("what the MSE compares is not said; the logits, as in the authors' code"),
    "transunet.clip_target": Silence("the range of the pseudo-masks is not said; as they are, as in the authors' code"),
    "transunet.only_grouped_slices": Quotation(
        "4.4", "This segmentation process informs our model's training strategy", True,
        "\"This segmentation process\" is the one into high and low slices; the authors' code trains on these alone"),
    "transunet.start_at_mean": OFF,
    "transunet.ema_decay": Silence("no averaging of weights is named, so none is done"),
    "transunet.keep": Quotation(
        "3.3.2", "The best-performing model configurations were saved for future use and analysis", "best",
        "by the Dice on the validation cases; without such cases the last weights stay (K24)"),
    "transunet.learning_rate": _RATE,
    "transunet.decay_steps": _DECAY_STEPS,
    "transunet.decay_rate": _DECAY_RATE,
    "transunet.batch_size": Silence("the batch of the TransUNet is not given; 8 as in the authors' code"),
    "transunet.log_every": LOGS,
    "transunet.checkpoint_every": Quotation("3.3.2", "The model's performance was evaluated at regular intervals",
                                            note="the interval is not given; ours"),
}

QUOTATIONS = Quotations("khali/paper", "002",
                        {**_COHORT, **_PREPROCESS, **_GAN, **_PSEUDO, **_SEGMENTER, **_CONTRASTIVE, **_SCORES,
                         **_TRANSUNET})
