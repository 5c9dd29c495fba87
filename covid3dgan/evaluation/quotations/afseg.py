"""Paper 003 (Yu, Dong et al., AF-SEG): what holds each field of afseg/cells and of afseg/vessels."""

__all__ = ["QUOTATIONS"]

from covid3dgan.evaluation.quotations.form import LOGS, OFF, Quotation, Quotations, Silence

_ONE_CHANNEL = Quotation("3.1", "Finally, we perform grayscale transform", "grey",
                         "photographs of the fundus, which the paper has not, are read by their green channel (A25)")
_SPLIT = Quotation("3.1", "randomly split into training set ... (50%), validation set (20%) and test set (30%)",
                   (0.5, 0.2, 0.3))
_NOT_THE_LEVEL_SET = Silence("read by the level set alone")
_NOT_THE_HESSIAN = Silence("read by the vessel filter alone")
_LEVEL_SET = Silence("[1] is named without a parameter; its own demo's kernel of 4 pixels fails on cells, so ours is "
                     "about a cell's radius (A01)")
_PRIOR = Silence("\"a simple segmentation network\" (2.2) is all that is said; ours is a small U-Net trained as the "
                 "segmenter is (A03)")
_STOP = Silence("\"we apply the early-stop strategy\" (2.2), without an interval; ours looks every few steps (A03)")
_PIX2PIX = Silence("not given; pix2pix's, whose option names the text repeats (A05, A06)")
_SIZE_OF_UNET = Quotation("2.3", "(S) uses the classical U-Net",
                          note="whose published sizes are 64 filters at first and 4 poolings")


def _images(size, median, clip, tiles):
    return {"images.size": size, "images.channel": _ONE_CHANNEL, "images.median": median, "images.clahe_clip": clip,
            "images.clahe_tiles": tiles, "images.split": _SPLIT}


_CELL_IMAGES = _images(
    Quotation("3.1", "we preprocess them by removing two-side margins and resizing them into", 512,
              "512 x 512 follows in the text"),
    Silence("no filter is named for cells, so none is applied"), Silence("named for angiographies alone; none here"),
    Silence("read only where images.clahe_clip is above 0"))

_VESSEL_IMAGES = _images(
    Silence("the size of the angiographies is not given; that of the cells"),
    Quotation("3.1", "we preprocess them by median-filtering", note="its window is not given; 3 pixels, the smallest"),
    Quotation("3.1", "contrast-limited adaptive histogram equalization",
              note="its limit is not given; 2, as is common (A13)"),
    Silence("the tiles of the equalisation are not given; 8 x 8, as is common (A13)"))

_CELL_COARSE = {
    "coarse.method": Quotation("2.1", "in cell segmentation, we adopt the classic Level set method", "level_set"),
    "coarse.dark": Silence("which phase is the cells is not said; they are darker than their ground"),
    "coarse.min_area": OFF,
    "coarse.erosion": Quotation(
        "2.1", "we apply a morphological erosion operation to reduce the false positive rate", 1,
        "one operation; its element is not given, so a cross of 3 x 3 (A02)"),
    "coarse.smallest_core": OFF,
    "coarse.dilate_back": OFF,
    "coarse.trim": OFF,
    "coarse.initial": Silence("[1] starts from any contour; ours from Otsu's threshold, since a box fails under uneven "
                              "light (A01)"),
    "coarse.flat_field": Silence("not the text's: it belongs to the start by Otsu's threshold (A01)"),
    "coarse.sigma": _LEVEL_SET,
    "coarse.warm_up": _LEVEL_SET,
    "coarse.scales": _NOT_THE_HESSIAN,
    "coarse.beta": _NOT_THE_HESSIAN,
    "coarse.c": _NOT_THE_HESSIAN,
    "coarse.threshold": _NOT_THE_HESSIAN,
}

_VESSEL_COARSE = {
    "coarse.method": Quotation("2.1", "In vessel segmentation, Hessian analysis is also a good choice", "hessian"),
    "coarse.dark": Silence("the polarity is not said; arteries filled with contrast agent are dark"),
    "coarse.min_area": OFF,
    "coarse.erosion": Quotation(
        "2.1", "we apply a morphological erosion operation to reduce the false positive rate", 1,
        "one operation",
        departs="Table 1's Hessian has a precision of 0.943 and a recall of 0.481 already, and one erosion takes half "
                "of such a label (A02)"),
    "coarse.smallest_core": OFF,
    "coarse.dilate_back": OFF,
    "coarse.trim": OFF,
    "coarse.initial": _NOT_THE_LEVEL_SET,
    "coarse.flat_field": _NOT_THE_LEVEL_SET,
    "coarse.sigma": _NOT_THE_LEVEL_SET,
    "coarse.warm_up": _NOT_THE_LEVEL_SET,
    "coarse.scales": Silence("[2] is named without a scale; ours span the radii of the vessels at this size (A01)"),
    "coarse.beta": Silence("[2] is named without a parameter; 0.5, its own"),
    "coarse.c": Silence("[2] is named without a parameter; half of the largest norm, its own"),
    "coarse.threshold": Silence("how the answer becomes a mask is not said; by Otsu's threshold"),
}

_AIDS_OF_VESSELS = {f"coarse.{name}": OFF for name in ("vessel_filter", "relative_scales", "find_polarity",
                                                       "hysteresis", "smallest_vessel", "border")}

_BACKGROUND = {
    "background.area_multiple": Quotation("2.2", r"In this experiment, we simply set \lambda = 2", 2.0),
    "background.rate": Quotation("2.2", "the multiple of the size of the coarse segmentation", "image",
                                 "of each image or of the set is not said; of each, since cells per image vary (A03)"),
    "background.min_area": OFF,
    "background.dilation": Quotation("Fig. 2", "are larger in order to mask-out entire false negatives",
                                     note="by how much is not said; one pixel"),
    "background.spared": Silence("what is done where lambda times the coarse area is nearly all of an image is not "
                                 "said; a tenth of what is no label stays known, or nothing could be drawn (A21)"),
    "background.width": _PRIOR,
    "background.depth": _PRIOR,
    "background.patch": Quotation("3.1", r"randomly choose 256 \times 256 patches as the inputs of our model", 256),
    "background.batch_size": _PRIOR,
    "background.learning_rate": Quotation(
        "3.1", "In all experiments, we use the Adam optimizer [12] with a learning rate of 2e-4", 2e-4),
    "background.check_every": _STOP,
    "background.first_check": _STOP,
    "background.most_steps": _STOP,
    "background.inpainting": Quotation("2.2", "we use image inpainting techniques, such as DIP", "dip"),
    "background.dip_variant": Silence("which of DIP's networks is not said; its notebook's for inpainting (A04)"),
    "background.dip_steps": Silence("the length is not said; its notebook's (A04)"),
    "background.paste": Silence("whether known pixels are kept is not said; they are, so that the background is the "
                                "image's own"),
}

_SYNTHESIS = {
    "synthesis.patch": Quotation("3.1", r"randomly choose 256 \times 256 patches as the inputs of our model", 256),
    "synthesis.batch_size": Silence("not given; 1, as in pix2pix (A07)"),
    "synthesis.patches_per_image": Silence("what an epoch is, is not said; each image once"),
    "synthesis.constant_epochs": Quotation("3.1", "The learning rate remains constant for the first 50 epochs", 50),
    "synthesis.decay_epochs": Quotation("3.1", "then linearly decreases till 0 for another 50 epochs", 50),
    "synthesis.learning_rate": Quotation(
        "3.1", "In all experiments, we use the Adam optimizer [12] with a learning rate of 2e-4", 2e-4),
    "synthesis.beta_1": Silence("not given; 0.5, as in pix2pix (A07)"),
    "synthesis.shape_weight": Quotation("2.3", r"is a hyper-parameter and we set \mu = 50 in our experiments", 50.0),
    "synthesis.shape_mean": Silence("the norm of Eq. 1 has no denominator; the mean over pixels, as in pix2pix (A08)"),
    "synthesis.background_weight": OFF,
    "synthesis.adversarial_weight": Quotation("2.3", r"(G, D) + \mathcal{L}_{seg}(S) + \mu \mathcal{L}_{shape}(G)",
                                              1.0, "Eq. 5 has no factor before the adversarial loss, so one"),
    "synthesis.adversarial_loss": Quotation(
        "2.3", r"\log D(Real_{bg})", "nonsaturating",
        "the generator's half as pix2pix has it, which has the same fixed point as Eq. 3 and does not fade (A06)"),
    "synthesis.segmentation_to_generator": Quotation(
        "2.3", r"\mathcal{L}_{seg}(S) = -", False, "the loss is one of S, so G does not learn from it (A10)",
        against=(Quotation("2.3", "We integrate image synthesis and segmentation into an end-to-end model"),)),
    "synthesis.segmenter_background": Quotation(
        "2", "we use the coarse segmentation as a pixel-level annotation of the synthetic image", "generated"),
    "synthesis.fade": OFF,
    "synthesis.rim": OFF,
    "synthesis.flips": Silence("no augmentation is named, so none is done"),
    "synthesis.zoom_out": Silence("no augmentation is named, so none is done"),
    "synthesis.generator_width": _PIX2PIX,
    "synthesis.generator_depth": _PIX2PIX,
    "synthesis.generator_backbone": Quotation("2.3", "The generator (G) uses U-Net as its network backbone", "pix2pix",
                                              "which U-Net is not said; pix2pix's (A05)"),
    "synthesis.generator_head": _PIX2PIX,
    "synthesis.discriminator_width": _PIX2PIX,
    "synthesis.discriminator_levels": _PIX2PIX,
    "synthesis.segmenter_width": _SIZE_OF_UNET,
    "synthesis.segmenter_depth": _SIZE_OF_UNET,
    "synthesis.threshold": Silence("no threshold is named; 0.5 where there are no validation images (A15)"),
    "synthesis.tune_threshold": Silence("what the validation set is for is not said; here it chooses the threshold, by "
                                        "pairs that need no true mask (A26)"),
    "synthesis.log_every": LOGS,
    "synthesis.checkpoint_every": LOGS,
}


def _entries(task, images, coarse):
    return {"task": task, **images, **coarse, **_AIDS_OF_VESSELS, **_BACKGROUND, **_SYNTHESIS}


QUOTATIONS = (
    Quotations("afseg/cells", "003", _entries(
        Quotation("Abstract", "including red blood cell (RBC) segmentation on microscope images", "cells"),
        _CELL_IMAGES, _CELL_COARSE)),
    Quotations("afseg/vessels", "003", _entries(
        Quotation("Abstract", "vessel segmentation on digital subtraction angiographies (DSA)", "vessels"),
        _VESSEL_IMAGES, _VESSEL_COARSE)),
)
