"""Which slices of a data set the recipes' figures show."""

__all__ = ["most_infected", "through_the_lungs"]

import numpy as np


def most_infected(truth, most):
    """[(case, slice)]: the most infected slice of some cases, the cases spread over the data set.

    Args:
        truth: (N, D, H, W) masks; cases without any are passed over.
        most: how many at most.
    """
    infected = [case for case in range(len(truth)) if truth[case].any()]
    if len(infected) > most:
        infected = [infected[i] for i in np.linspace(0, len(infected) - 1, most).round().astype(int)]
    return [(case, int((truth[case] > 0.5).sum((1, 2)).argmax())) for case in infected]


def through_the_lungs(slices, count):
    """``count`` slice numbers, evenly from a fifth to four fifths of ``slices``."""
    return np.linspace(0.2 * (slices - 1), 0.8 * (slices - 1), count).round().astype(int)
