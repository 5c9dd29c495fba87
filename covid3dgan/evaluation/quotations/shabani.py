"""Paper 001 (Shabani et al. 2022): what holds each field of shabani/paper."""

__all__ = ["QUOTATIONS"]

from covid3dgan.evaluation.quotations.form import ASPECT, LOGS, NO_MEDIAN, OFF, SUMS, Quotation, Quotations, Silence

_COHORT = {
    "cohort.healthy": Quotation("4.1", "we used 254 healthy and 806 COVID-19 3D CT images to train the GAN",
                                note="all that the data set has; those under 32 slices are left out later"),
    "cohort.covid": Quotation("4.1", "we used 254 healthy and 806 COVID-19 3D CT images to train the GAN",
                              note="all that the data set has and that are not scored"),
    "cohort.grades": Silence("no grade is left out"),
    "cohort.covid_from": Quotation("4.1", "Finally, we tested our model on 179 annotated 3D CT images", "unscored",
                                   "Table 1 has other cases for training"),
    "cohort.test": Quotation("4.1", "we tested our model on 179 annotated 3D CT images",
                             note="all that have a mask; Radiopaedia's 9 are `evaluation.radiopaedia_cases` (F28)"),
}

_PREPROCESS = {
    "preprocess.shape": Quotation(
        "4.1", "we resize all the 3D volumes to a size (128, 128, 32) that is the desired shape for input",
        (32, 128, 128), "ours has the slices first"),
    "preprocess.spacing": Quotation(
        "4.1", "all the pixels spacing of all CT images is mapped to a constant value (1 mm for each direction)",
        (1.0, 1.0, 1.0)),
    "preprocess.orientation": Silence("ours reads it from the affine, so that every file lies alike; the published "
                                      "code's fixed rotation fits the files of one data set alone (F10)"),
    "preprocess.resize_before_crop": Quotation(
        "4.1", "The image is then cropped to place the lung in the center of the image. Finally, we resize", False,
        "one resize, after the crop"),
    "preprocess.exclusive_crop": Quotation(
        "4.1", "The image is then cropped to place the lung in the center of the image", False,
        "nothing is said to be lost at the far sides, as it is in the published code (F11)"),
    "preprocess.crop_margin": Quotation(
        "4.1", "The image is then cropped to place the lung in the center of the image", 0.0,
        "no margin is named, so none is kept: 0 mm (F37)"),
    "preprocess.lung_grid": Quotation("4.1", "we extracted the lung area for each CT image", "original",
                                      "before the crop and the resize"),
    "preprocess.lung_method": Quotation(
        "4.1", "Using an open-source pre-trained UNet model [39], we extracted the lung area", "lungmask-if-installed",
        "[39] is lungmask's R231; that package is optional, where it is missing the built-in method finds the lungs, "
        "and the record of a run says which one did (F38)"),
    "preprocess.binary_masks": Silence("how true masks are resized is not said; they are cut at 0.5, since a mask is 0 "
                                       "or 1"),
    "preprocess.base_holds_lung_mask": Silence("the file BaseCTImages.npy is the published code's; under the name of "
                                               "the CT ours writes the CT (F13)"),
    "preprocess.min_slices": Quotation("4.1", "We removed the cases where the number of slices was lower than 32", 32),
    "preprocess.lung_level": Silence("no levelling of the lungs is named, so none is done"),
    "preprocess.lung_level_limits": Silence("nothing is levelled, so that these limit nothing"),
    "preprocess.median": NO_MEDIAN,
    "preprocess.keep_aspect": ASPECT,
}

_GAN = {
    "gan.volume_shape": Quotation("4.1", "a size (128, 128, 32) that is the desired shape for input into our model",
                                  (32, 128, 128), "ours has the slices first"),
    "gan.generator": Quotation(
        "4.1", "We used a modified version of the UNet++ model [40] to implement our generator model", "unetpp",
        "the section on the implementation is followed (F25)",
        against=(Quotation("3.1", "encoder-decoder model with 3D CNN based on DenseUNet [28] as the generator part"),)),
    "gan.generator_width": Silence("filters are not given; 8 at the first level is the published code's"),
    "gan.generator_head": Silence("the last layer is not described; ReLU is the published code's"),
    "gan.discriminator": Quotation(
        "4.1", "we use a simple model consisting of five convolution layers and four dense layers", "paper",
        "the section on the implementation is followed (F01)",
        against=(Quotation("3.1", "The discriminator is simply a dense 3D CNN with four layers"),)),
    "gan.discriminator_width": Silence("filters are not given; 32 scales them to the published code's, the fifth "
                                       "convolution goes on doubling"),
    "gan.adversarial_loss": Quotation("3.1", "The first two terms of Eq (2), show the standard GAN loss", "log",
                                      "both are logarithms there and in Algorithm 1 (F02)"),
    "gan.adversarial_weight": Quotation("3.1", "we modified the standard GAN loss function by adding a new term",
                                        note="Eq. 2 adds it without a weight, so 1"),
    "gan.generator_learning_rate": Quotation("4.1", "Adam optimizer with a learning rate of 5e-5", 5e-5),
    "gan.discriminator_learning_rate": Quotation(
        "4.1", "We train our GAN ... Adam optimizer with a learning rate of 5e-5", 5e-5,
        "one rate for the GAN, which \"consists of two networks\" (F03)"),
    "gan.clip_norm": Silence("no clipping is named, so none is done"),
    "gan.batch_size": Quotation("4.1", "for 10,000 iterations with a batch size of 8", 8),
    "gan.shared_optimizer": Silence("one Adam is named and not how many states it has; ours keeps one for each loss, "
                                    "as is usual; the published code's single state is F05"),
    "gan.fresh_covid_batch": Quotation(
        "Algorithm 1", "calculate generated healthy volume ... update D using ... update G using I_C", False,
        "no other I_C is drawn between the two updates (F06)"),
    "gan.update_order": Quotation(
        "3.1", "the first one with the standard GAN objectives (blue part) and the second to reconstruct healthy",
        "discriminator-first", "as in Algorithm 1, where D is updated before G (F07)"),
    "gan.reconstructions": Quotation("3.1", "Each training iteration include two weights update steps", 1,
                                     "one of the two is the reconstruction"),
    "gan.flip": OFF,
    "gan.reconstruction_loss": Quotation("Algorithm 1", "update G using MSE loss of pairs of", "mse",
                                         "the formula below these words has a norm that is not squared: "
                                      "gan.reconstruction_loss=norm (F39)"),
    "gan.reconstruction_focus": OFF,
    "gan.discriminator_warmup": Silence("Algorithm 1 starts with its full iteration, so no step comes before it; the "
                                        "published code has one"),
    "gan.noise": Quotation(
        "3.1", "The healthy-noisy images were created by adding Perlin noise to the healthy 3D CT scans", "published",
        "scale, octaves, strength and slices are not given; the published code's are taken (F30)"),
    "gan.identity_probability": OFF,
    "gan.ema_decay": OFF,
    "gan.steps": Quotation("4.1", "We train our GAN for 10,000 iterations", 10000),
    "gan.log_every": LOGS,
    "gan.checkpoint_every": LOGS,
}

_PSEUDO = {
    "pseudo.minmax": Quotation("3.2", "by subtracting the synthesized healthy image from the original CT image", False,
                               "nothing is scaled before (F14)"),
    "pseudo.sign": Quotation(
        "3.2", "by subtracting the synthesized healthy image from the original CT image", "signed",
        "Eq. 3 cuts nothing off; a probability would have no sign (F15)",
        against=(Quotation("3.3", "contain continuous values of the infection probability"),)),
    "pseudo.latent": Silence("of inference nothing is said; drawn anew for each volume, as in the published code "
                             "(F32)"),
    "pseudo.latent_samples": Silence("of inference nothing is said; one draw, as in the published code"),
    "pseudo.within_lung": Silence("Eq. 3 has no lung mask, so none is applied"),
}

_SEGMENTER = {
    "segmenter.width": Silence("filters are not given; 32 at the first level is the published code's"),
    "segmenter.merge": Quotation(
        "4.1", "Our segmentation model is a 2D UNet model [30]", "convlstm",
        "[30] is BCDU-Net, whose decoder merges by ConvLSTM. The sections that describe the network and its training "
        "cite it, 3.3 as well (\"The 2D UNet [30] is trained in a hybrid fashion\"), and the published code is it; "
        "[27], Ronneberger's U-Net, stands once, in the outline: segmenter.merge=concatenate (F26)",
        against=(Quotation("3", "Training a contrastive-aware 2D U-Net [27] segmentation network"),)),
    "segmenter.gate": Silence("the gate of ConvLSTM is not described; that of Keras 2's layer, as in the published "
                              "code (F31)"),
    "segmenter.head": Silence("the last layers are not described; ReLU before the output is the published code's"),
    "segmenter.dropout": Silence("no dropout is named; the published code's"),
    "segmenter.shared_encoder": Quotation(
        "3.3", "In each iteration, the encoder part of the model is trained with", True,
        "U_e is a part of U_ed in Algorithm 1 (F17)"),
    "segmenter.learning_rate": Quotation("4.1", "the Adam optimizer with an initial learning rate of 0.001", 1e-3),
    "segmenter.decay_steps": Quotation("4.1", "an initial learning rate of 0.001, a decay step of 1000", 1000),
    "segmenter.decay_rate": Quotation("4.1", "a decay step of 1000, a decay rate of 0.9", 0.9),
    "segmenter.batch_size": Quotation("4.1", "a decay rate of 0.9, and a batch size of 32 for 1000 epochs", 32),
    "segmenter.steps": Quotation(
        "4.1", "a batch size of 32 for 1000 epochs", 664000,
        "\"226 healthy cases and 664 COVID-19 cases\" (4.1) of 32 slices are 21,248 slices, 664 batches an epoch, "
        "664000 in 1000 epochs (F22)"),
    "segmenter.only_grouped_slices": Quotation(
        "Algorithm 1", "update U_{ed} using MSE loss of pairs of I_C and I_{inf} as input and output", False,
        "I_C are the COVID volumes; I_p and I_n, the high and the low slices, appear in the contrastive loss alone. "
        "Of slices without lung nothing is said; ours leaves them out (F33)"),
    "segmenter.flip": OFF,
    "segmenter.synthetic_share": OFF,
    "segmenter.calibration_steps": OFF,
    "segmenter.ema_decay": OFF,
    "segmenter.log_every": LOGS,
    "segmenter.checkpoint_every": LOGS,
}

_CONTRASTIVE = {
    "contrastive.enabled": Quotation("4.1", "the encoder was trained with an additional contrastive loss", True),
    "contrastive.pairs": Quotation(
        "4.5", "We found paired data as low-infection versus high-infection CT slices has the best segmentation "
        "performance", "low-high"),
    "contrastive.grouping": Quotation(
        "3.3", "by sorting slices according to the sum of their pseudo mask pixels counts", "sorted",
        "how many are high and low is not said; ours takes a third at each end (F16)"),
    "contrastive.high_above": SUMS,
    "contrastive.low_between": SUMS,
    "contrastive.loss": Quotation(
        "3.3", "we incorporated a supervised contrastive loss in our segmentation model [31]", "supcon",
        "Eq. 6 is that of one anchor (F18)"),
    "contrastive.reduction": Quotation("3.3", "We calculated the summation of L_{cont} for all samples", "sum",
                                       "over the slices of a batch (F36)"),
    "contrastive.temperature": Quotation("3.3", "We set ... = 0.05 for the constant temperature parameter", 0.05,
                                         "missing in Eq. 6 (F19)"),
    "contrastive.learning_rate": Quotation(
        "4.1", "Adam optimizer with a learning rate of 0.0001 and a batch size of 32", 1e-4),
    "contrastive.decays": Silence("a decay is named for the MSE loss alone, so this rate stays"),
    "contrastive.steps_per_step": Quotation(
        "3.3", "In each iteration, the encoder part of the model is trained with ... then the whole model is trained "
        "end-to-end", 1, "one of each in every iteration (F34)",
        against=(Quotation("3.3", "In each epoch, first the ... module is trained using the contrastive learning"),)),
    "contrastive.order": Quotation(
        "3.3", "the encoder part of the model is trained with ... then the whole model is trained end-to-end",
        "contrastive-first", "section 4.5 says so again; the order of Algorithm 1 is contrastive.order="
        "end-to-end-first (F35)",
        against=(Quotation("Algorithm 1", "update U_{ed} using MSE loss ... update U_e using the contrastive loss"),)),
    "contrastive.augmentation": Silence("no augmentation is named; the published code's contrastive model has it, as "
                                        "such losses usually do"),
}

_SCORES = {
    "threshold.value": Quotation("4.5", "T = 0.2 is the optimized value to achieve the best segmentation dice score",
                                 0.2),
    "threshold.relative": Quotation("4.5", "We applied a fixed simple threshold to the segmentation network output",
                                    False, "not one of each slice's own (F23)"),
    "threshold.tune": Quotation("4.5", "We used our validation dataset to tune the threshold value", True),
    "threshold.grid": Quotation("Table 5", "Threshold 0.1 0.15 0.2 0.25 0.3", (0.1, 0.15, 0.2, 0.25, 0.3),
                                "five, though its caption says \"four different values of threshold\""),
    "evaluation.slice_filters": Silence("no slice is said to be left out; the published code leaves some out (F24)"),
    "evaluation.within_lung": Silence("no lung mask is said to cut the output before it is scored, so none does; "
                                      "nor does the published code (F24)"),
    "evaluation.continuous_dice": Quotation(
        "4.1", "we use three metrics including, dice score (DSC) [38], specificity, and sensitivity",
        note="[38] is \"Continuous Dice Coefficient: a Method for Evaluating Probabilistic Segmentations\"; the text "
             "cuts the output at a threshold first, so the Dice score is that of masks; set, this puts the coefficient "
             "beside it (F24)"),
    "evaluation.mosmed_dice": Quotation(
        "Table 2", "63.69 ± 17.5 61.71 ± 16.8 58.43 ± 19.0", "table",
        "Tables 3 and 4 have 58.4 and 58.43 as well (F27)",
        against=(Quotation("4.3", "dice scores of 61.71%, 68.43%, and 63.69%"),)),
    "evaluation.radiopaedia_cases": Quotation("Table 1", "Radiopeadia [31] Test 9 COVID 10.33", 9,
                                              "paper 000 has 10 (F28)"),
    "evaluation.two_case_row": Silence("a row of paper 000's tables (F29); none of this paper's reads it"),
}

QUOTATIONS = Quotations("shabani/paper", "001",
                        {**_COHORT, **_PREPROCESS, **_GAN, **_PSEUDO, **_SEGMENTER, **_CONTRASTIVE, **_SCORES})
