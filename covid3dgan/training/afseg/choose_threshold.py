"""What the validation share is for: the threshold of a trained segmenter's scores (A26). No true mask is read for it.

AF-SEG's validation pairs are made as its training pairs are: a validation image as the segmenter would be shown it,
and its coarse label, which is then its true mask.
"""

__all__ = ["GRID", "best_threshold", "validation_pairs"]

import numpy as np

from covid3dgan import streams
from covid3dgan.data.batches.patches import to_network
from covid3dgan.training.afseg.networks import AfSeg
from covid3dgan.training.afseg.train_afseg import contrast_shares

GRID = tuple(round(0.1 + 0.05 * step, 2) for step in range(17))  # 0.1 to 0.9


def best_threshold(scores, labels):
    """The threshold of GRID with the largest mean Dice per image; of several the one nearest to 0.5.

    Args:
        scores: (N, H, W) in [0, 1].
        labels: (N, H, W) bool.

    Returns:
        (threshold, {threshold: mean Dice}).
    """
    dice = {}
    for threshold in GRID:
        found = scores > threshold
        both, sizes = (found & labels).sum((1, 2)), found.sum((1, 2)) + labels.sum((1, 2))
        dice[threshold] = float(np.mean(np.where(sizes > 0, 2.0 * both / np.maximum(sizes, 1), 1.0)))
    return min(GRID, key=lambda threshold: (-round(dice[threshold], 6), abs(threshold - 0.5))), dice


def validation_pairs(generator, options, images, weak, backgrounds, seed):
    """Validation images as the segmenter is shown them, (N, H, W, 1) in [-1, 1]; their labels are ``weak``.

    Args:
        generator: of the run.
        options: presets.afseg.Synthesis.
        images, backgrounds: (N, H, W) in [0, 1]; ``backgrounds`` may be the images where nothing of it is shown.
        weak: (N, H, W) bool.
        seed: of the fading.
    """
    network, shown = AfSeg(generator, None, None, options), []
    for number, (image, label, background) in enumerate(zip(images, weak, backgrounds)):
        rng = np.random.default_rng([seed, streams.AFSEG_VALIDATION, number])
        batch = {"weak": label[None, ..., None].astype(np.float32), "background": to_network(background[None]),
                 "share": contrast_shares(rng, options.fade, 1, len(image))}
        shown.append(np.asarray(network.shown(batch, generator(to_network(image[None]), training=False)))[0])
    return np.stack(shown)
