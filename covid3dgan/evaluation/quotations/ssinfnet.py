"""Paper 004 (Fung et al.): what holds each field of ssinfnet/paper."""

__all__ = ["QUOTATIONS"]

from covid3dgan.evaluation.quotations.form import LOGS, Quotation, Quotations, Silence

_PHANTOMS = Silence("read only where there are no real data; ours")
_LAST = Quotation("V.B", "Then the weights from the trained networks except for the last layer are transferred",
                  "all-but-last", "everything in the authors' code (I07)")
_BEST = Silence("Algorithm 1 tests and saves and does not say which weights are kept; those of the lowest validation "
                "loss, as in the authors' code")
_PLAIN = Silence("no augmentation is named, so none is done")


def _single_default(value, note):
    return Quotation("IV", "We do not change the structure of the InfNet model and use the default parameters as "
                     "included in their GitHub code", value, note)


def _multi_default(value, note):
    return Quotation("IV.A", "We also use the default model and hyperparameters from the InfNet code", value, note)


_SLICES = {
    "slices.size": _single_default(352, "Inf-Net's code has 352"),
    "slices.window": Silence("how HU become grey is not said; -1000 to 400, as in the other papers (the authors' code "
                             "cuts raw HU to 8 bits)"),
    "slices.per_case": Silence("no selection of slices is named, so all are taken"),
    "slices.split": Quotation(
        "V.A", "We randomly assign the CT lung images into a training set, validation set, and testing set", "image",
        "slices of one patient come into several parts, and a warning says so; slices.split=patient keeps them "
        "together (I19)"),
    "slices.validation_share": Quotation(
        "V.A", "the validation set contains 114 CT lung images, and the testing set contains 117 CT lung images",
        note="114 of the 929 slices of all three parts, 0.1227; the text's total of 932 does not fit them (I27)"),
    "slices.test_share": Quotation(
        "V.A", "the validation set contains 114 CT lung images, and the testing set contains 117 CT lung images",
        note="117 of the 929 slices of all three parts, 0.1259"),
    "slices.phantom_cases": _PHANTOMS,
    "slices.phantom_unlabelled": _PHANTOMS,
    "slices.phantom_size": _PHANTOMS,
}

_CROP = "of the pictures while inpainting nothing is said; "
_COACH_SIZE = Silence("\"has a similar network architecture with the model that inpaints\" gives no size; that of the "
                      "authors' code")
_INPAINTING = {
    "loss": Quotation("Algorithm 1", "L_{rec} = CrossEntropy(InpaintingOutput, inputImage)", "cross-entropy",
                      "a squared error in the authors' code (I01)"),
    "activation": Quotation("IV.A", "The last layer for each output prediction is replaced with a different linear "
                            "activation layer", "linear", "tanh in the authors' code (I03)"),
    "edge_target": Quotation(
        "IV.A", "replaced with a different convolutional layer to reconstruct the image and the edge appropriately",
        "edge", "the image in the authors' code (I04)",
        against=(Quotation("IV.A", "The linear activation layer recreates the original image that is covered by the "
                           "masks"),)),
    "reconstruction_weight": Quotation("Algorithm 1", "L_{rec} = CrossEntropy(InpaintingOutput, inputImage)",
                                       note="no weight is named, so 1"),
    "context_weight": Quotation("IV.A", "recreates the original image that is covered by the masks",
                                note="nothing asks for what is not covered, so that term has the weight 0"),
    "context_heads": Silence("read only where context_weight is not 0"),
    "kl_weight": Quotation("IV.A", r"L_{coach}(x) = 1 - L_{rec}(x \odot M)",
                           note="Eq. 1 has no other term, so 0; 1e-6 in the authors' code (I02)"),
    "coach_sees_mean": Quotation("IV.A", "The loss for the coach network is constructed from the loss of the image "
                                 "inpainting from the InfNet", False, "that loss as it is, not divided"),
    "coach_through_network": Quotation("IV.A", r"L_{coach}(x) = 1 - L_{rec}(x \odot M)", True,
                                       "the mask acts through what the network sees of x"),
    "keep": Quotation("IV.A", "If ... is 0.75 then 0.75 fraction of the images is not erased", 0.75),
    "coach_sharpness": Quotation("IV.A", r"We keep \alpha = 1 while training the coach network", 1.0),
    "scaling": Silence(_CROP + "the scale of the authors' code (I20)"),
    "aligned_prior": Quotation(
        "IV.A", "The CT lung images and prior (infected region) for the CT lung images are concatenated together", True,
        "which says that they fit each other; the authors' code crops them apart (I21)"),
    "images": Quotation("V.A", "in combination with the MedSeg dataset to undergo self-supervised learning", "all",
                        "iCTCF and MedSeg (I09)"),
    "crop": Silence(_CROP + "128 in the authors' code (I10)"),
    "batch_size": Silence("no batch is named; 64 in the authors' scripts"),
    "first_round": Quotation("V.B", "The network is trained for the first 200 epochs before we train the coach network",
                             200),
    "later_round": Quotation(
        "V.B", "we alternate in between training the self-supervised image inpainting and the coach network with 100 "
        "epochs in between", 100),
    "coach_first_round": Quotation("V.B", "before we train the coach network for 200 epochs", 200),
    "network_epochs": Quotation("V.B", "During the self-supervised image inpainting stage, we train the network for "
                                "2000 epochs", 2000, "the coach's epochs are not counted in (I05)"),
    "starts_with": Quotation("V.B", "The network is trained for the first 200 epochs before we train the coach network",
                             "network", against=(Quotation("Algorithm 1", "for ... each coach step ... update coach "
                                                           "weights ... for ... each network step"),)),
    "learning_rates": Quotation(
        "V.B", "For every alternating between the training of the self-supervised image inpainting and the coach "
        "network, we set the learning rate to 0.1", "every-round"),
    "later_rate": Silence("read only where learning_rates is first-round; the authors' code's value"),
    "rates": Quotation("V.B", "0.1 at the start of the epoch ... 0.01 at 40th epoch ... 0.001 at 80th epochs, and "
                       "0.0001 at the 90th epoch", (0.1, 0.01, 0.001, 0.0001)),
    "rate_epochs": Quotation("V.B", "at the start of the epoch ... at 40th epoch ... at 80th epochs ... at the 90th "
                             "epoch", (0, 40, 80, 90)),
    "coach_rate": Quotation("V.B", "we use Adam optimizer with a learning rate of 0.00001", 1e-5),
    "coach_width": _COACH_SIZE,
    "coach_latent": _COACH_SIZE,
    "coach_blocks": _COACH_SIZE,
}

_SINGLE = {
    "single.backbone": _single_default("res2net50", "Inf-Net's code trains Res2Net-50; the authors' ResNet-50 (I08)"),
    "single.width": _single_default(64, "the trunk of Inf-Net's code starts with 64 planes"),
    "single.blocks": _single_default((3, 4, 6, 3), "the trunk of Inf-Net's code"),
    "single.channels": _single_default(32, "Inf-Net's code has 32"),
    "single.bce": Silence("Eq. 4 names no weights of pixels; the cross-entropy is the plain one that Inf-Net's code "
                          "computes, and the IoU is weighted towards borders as there (I13)"),
    "single.scales": _single_default((0.75, 1.0, 1.25), "Inf-Net's code steps at three scales"),
    "single.learning_rate": Quotation("V.B", "We use Adam as the optimizer with a learning rate of 0.0001", 1e-4),
    "single.decay": Silence("no decay is named, so the rate stays; Inf-Net's code ends it in effect at epoch 53 (I22)"),
    "single.batch_size": _single_default(24, "Inf-Net's code has 24; the authors' 8 (I08)"),
    "single.epochs": Quotation("V.B", "For the Single InfNet, we train the network for 500 epochs", 500),
    "single.keep": _BEST,
    "single.augment": _PLAIN,
    "single.threshold": Silence("which threshold made the masks of Table II is not said; 0.5 by default in the "
                                "authors' code"),
    "single.transfer": _LAST,
}

_MULTI = {
    "multi.width": _multi_default(64, "the U-Net of Inf-Net's code starts with 64 filters"),
    "multi.variant": _multi_default("published", "Inf-Net's U-Net; the authors' code has another (I08)"),
    "multi.loss": Quotation("IV.A", "we use focal loss instead of the binary cross entropy loss function for the "
                            "self-supervised InfNet model", "focal"),
    "multi.gamma": Silence("\"the term that controls the rate of the downweighted examples\" has no value; 2 in the "
                           "authors' code (I11)"),
    "multi.alpha": Silence("\"controls the weight of positive and negative samples\" and has no value; 1 for both in "
                           "the authors' code (I11)"),
    "multi.class_weights": Silence("no weights of the classes are named, so all count alike (I26)"),
    "multi.lookahead": Quotation("IV.A", "We also wrap Lookahead optimizer around the SGD optimiser", True,
                                 "with the k of 5 and the step of 0.5 that follow; training/ssinfnet/infnet_multi.py"),
    "multi.optimizer": Quotation("V.B", "For the Multi InfNet ... We use SGD as the optimizer", "sgd",
                                 "with the momentum of 0.7 that follows; training/ssinfnet/infnet_multi.py"),
    "multi.learning_rate": Quotation("V.B", "The momentum is set as 0.7 and the learning rate is set as 0.01", 0.01),
    "multi.batch_size": _multi_default(16, "Inf-Net's code has 16; the authors' 4 (I08)"),
    "multi.epochs": Quotation("V.B", "For the Multi InfNet, we train the network for 500 epochs", 500),
    "multi.shuffle": Silence("the order of the slices is not said; drawn, as in Inf-Net's code"),
    "multi.augment": _PLAIN,
    "multi.keep": _BEST,
    "multi.training_prior": Quotation("IV.A", "The prior is generated from the single segmentation InfNet", "predicted",
                                      "the true masks in the authors' training (I16)"),
    "multi.prior_minmax": Silence("the scale of the prior is not said; stretched, as in Inf-Net's code (I23)"),
    "multi.transfer": _LAST,
}

_PSEUDO = Silence("the semi-supervised rival is described and its settings are not; those of Inf-Net's code (I29)")
_REST = {
    "pseudo_labels.group": _PSEUDO,
    "pseudo_labels.images": _PSEUDO,
    "pseudo_labels.epochs": _PSEUDO,
    "pseudo_labels.learning_rate": _PSEUDO,
    "pseudo_labels.batch_size": _PSEUDO,
    "alike": Quotation("V.B", "As for the Multi InfNet with added focal loss and lookahead optimizer", False,
                       "that is SSInfNet's; the other methods have neither"),
    "log_every": LOGS,
    "validate_every": Silence("how often the validation part is looked at is not said; after every epoch"),
    "checkpoint_every": LOGS,
}


def _both_stages():
    return {f"{stage}_inpainting.{field}": entry for stage in ("single", "multi")
            for field, entry in _INPAINTING.items()}


# The multi-class network has no edge branch.
_STAGES = {**_both_stages(), "multi_inpainting.edge_target": Silence("read only by Inf-Net's painting; the multi-class "
                                                                    "network has no edge branch")}

QUOTATIONS = Quotations("ssinfnet/paper", "004", {**_SLICES, **_STAGES, **_SINGLE, **_MULTI, **_REST})
