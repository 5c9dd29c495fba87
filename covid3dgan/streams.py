"""The names of the random streams: what stands beside the seed in ``np.random.default_rng([seed, NAME, ...])``.

A stream that shares no number with another is independent of it. The numbers are part of what a seed means: another
number gives another training, so a new stream takes a free one and no old one changes. Where two places hold the same
number, the comment says so; they never meet in one command on the same data, or one appends a number of its own.
"""

# Paper 001's GAN: which volumes each phase sees, then what is drawn within a step.
GAN_CLEAN, GAN_HEALTHY, GAN_COVID, GAN_COVID_AGAIN = 0, 1, 2, 3
GAN_STEP = 10

# Paper 001's UNet: the groups of the contrastive pairs, the end-to-end slices, and the lesions painted into them.
GROUP_POSITIVE, GROUP_NEGATIVE, GROUP_HIGH, GROUP_LOW = 20, 21, 22, 23
SEGMENTER_SLICES, SEGMENTER_FLIPS = 30, 31
PAINTED_VOLUMES, PAINTED_LESIONS, PAINTED_SLICES = 32, 33, 34
PAINTED_CHECK = 35  # of the threshold of a segmenter that learned from painted lesions alone
CALIBRATION = 40

# Paper 002's TransUNet; 61 is SSINFNET_BOOTSTRAP too.
TRANSUNET_HIGH, TRANSUNET_LOW = 61, 62

# Paper 003: the patches of the two trainings, each with a stream of its own within (order and places), the fading of
# foreground in training and in validation, the split, and the inpainting of each image.
PRIOR_PATCHES, AFSEG_PATCHES, AFSEG_FADING, AFSEG_VALIDATION = 5, 7, 8, 9
PATCH_ORDER, PATCH_PLACES = 0, 1
IMAGE_SPLIT = 50
INPAINTED_IMAGES = 60

# Paper 004: the split, and for each training the order of the slices and what is drawn within a step.
SLICE_SPLIT = 41
INPAINTING_ORDER, INPAINTING_STEP = 51, 52
SINGLE_ORDER, SINGLE_STEP = 53, 54
MULTI_ORDER, MULTI_STEP = 55, 56
PSEUDO_LABEL_ORDER = 57
SSINFNET_BOOTSTRAP = 61

# The fit of paper 002's temperature, and the synthetic images: 71 stands for both, but images append their number.
TEMPERATURE_FIT = 71
BLOOD_SMEARS, ANGIOGRAMS, FUNDI = 71, 72, 73

# Fine-tuning on corrected masks: which cases are held out together, the volumes of a turn, the slices of a step.
CORRECTED_FOLDS, CORRECTED_VOLUMES, CORRECTED_SLICES = 80, 81, 82
