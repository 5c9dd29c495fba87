"""How close groups of images lie to each other (paper 001, Fig. 2): principal components and Euclidean distances."""

__all__ = ["bootstrapped_distances", "principal_components"]

import itertools

import numpy as np

from covid3dgan.errors import InputError

_BLOCK = 16384  # pixels at a time

def principal_components(groups, components=2):
    """Projects all images on their first principal components.

    Args:
        groups: name -> array (images, ...) of equally shaped images.
        components: how many.

    Returns:
        (name -> array (images, components), share of the variance that each component explains).
        Signs are fixed so that each component's largest coordinate is positive: the same images give the same plot.
    """
    images = _flat(groups)
    number = sum(map(len, images.values()))
    if number <= components:
        raise InputError("groups", f"more than {components} images in all", f"{number}", "give more images")
    # Images are few and pixels are many: the small Gram matrix has the same principal axes as the large covariance.
    gram = np.block([[_products(a, b) for b in images.values()] for a in images.values()])
    centred = gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True) + gram.mean()
    values, vectors = np.linalg.eigh(centred)
    values, vectors = np.clip(values[::-1], 0, None), vectors[:, ::-1]
    points = vectors[:, :components] * np.sqrt(values[:components])
    points *= np.sign(points[np.abs(points).argmax(axis=0), np.arange(components)])
    ends = np.cumsum([len(array) for array in images.values()])[:-1]
    share = values[:components] / values.sum() if values.sum() else np.zeros(components)
    return dict(zip(images, np.split(points, ends))), share


def bootstrapped_distances(groups, repeats=1000, seed=0):
    """Mean Euclidean distance between each two groups, and its spread over bootstrap draws.

    One draw takes as many images of each group as it has, with replacement, and averages the distances of all pairs
    of one with the other. The paper names bootstrapping and no more.

    Args:
        groups: name -> array (images, ...) of equally shaped images.

    Returns:
        (first, second) -> (mean over the draws, standard deviation over the draws).
    """
    images = _flat(groups)
    result = {}
    for number, (first, second) in enumerate(itertools.combinations(images, 2)):
        a, b = images[first], images[second]
        squares = _squares(a)[:, None] + _squares(b)[None] - 2.0 * _products(a, b)
        distances = np.sqrt(np.clip(squares, 0, None))
        rng = np.random.default_rng([seed, number])
        # The mean over all pairs of a draw needs only how often each image was drawn.
        of_a = rng.multinomial(len(a), np.full(len(a), 1 / len(a)), repeats) / len(a)
        of_b = rng.multinomial(len(b), np.full(len(b), 1 / len(b)), repeats) / len(b)
        means = np.einsum("ri,ij,rj->r", of_a, distances, of_b, optimize=True)
        result[first, second] = float(means.mean()), float(means.std())
    return result


def _flat(groups):
    images = {name: np.asarray(array).reshape(len(array), -1) for name, array in groups.items()}
    sizes = {array.shape[1] for array in images.values()}
    if len(images) < 2 or len(sizes) != 1 or not all(map(len, images.values())):
        raise InputError("groups", "two or more groups of images of one shape",
                         ", ".join(f"{name} {np.shape(array)}" for name, array in groups.items()), "correct the groups")
    return images


def _products(a, b):
    """Inner products of all rows of a and b in float64, block by block: whole cohorts do not fit twice in memory."""
    total = np.zeros((len(a), len(b)))
    for start in range(0, a.shape[1], _BLOCK):
        part = slice(start, start + _BLOCK)
        total += a[:, part].astype(np.float64) @ b[:, part].astype(np.float64).T
    return total


def _squares(a):
    return sum(np.square(a[:, start:start + _BLOCK].astype(np.float64)).sum(axis=1)
               for start in range(0, a.shape[1], _BLOCK))
