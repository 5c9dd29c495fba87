"""Are the coach's masks harder than random ones? The painting error under both (paper 004, section IV.A)."""

__all__ = ["mask_difficulty"]

import numpy as np

from covid3dgan.data.batches import slice_batches
from covid3dgan.evaluation import statistics

BATCHES = 24


def mask_difficulty(training, images, seed, priors=None, batches=BATCHES):
    """The mean painting error on erased pixels, for the same crops, under the coach's masks and under random ones.

    Args:
        training: training.ssinfnet.coached_inpainting.CoachedInpainting.
        images, priors: (N, S, S) in [0, 1], as it was trained on.
        seed: of the crops and of the random masks.
        batches: how many batches of crops are painted twice.

    Returns:
        dict: ``coach`` and ``random`` mean errors, the mean paired ``difference`` (coach - random), its ``error95``
        of 1.96 standard errors, and ``batches``.
    """
    errors = []
    for number in range(batches):
        batch = slice_batches.inpainting_check(images, training.options, seed, number, priors)
        errors.append([float(training.erased_error({**batch, "random_mask": np.array(kind)}))
                       for kind in (False, True)])
    coach, random = np.array(errors).T
    return {"coach": float(coach.mean()), "random": float(random.mean()), "difference": float((coach - random).mean()),
            "error95": statistics.standard_error_196(coach - random), "batches": batches}
