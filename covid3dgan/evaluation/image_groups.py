"""How close groups of images lie to each other (paper 001, Fig. 2): principal components and Euclidean distances."""

__all__ = ["bootstrapped_distances", "nearer", "principal_components"]

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
        distances = _distances(a, b)
        rng = np.random.default_rng([seed, number])
        # The mean over all pairs of a draw needs only how often each image was drawn.
        of_a, of_b = _drawn(rng, len(a), repeats), _drawn(rng, len(b), repeats)
        means = np.einsum("ri,ij,rj->r", of_a, distances, of_b, optimize=True)
        result[first, second] = float(means.mean()), float(means.std())
    return result


def nearer(images, healthy, covid, repeats=1000, seed=0):
    """Whether images are nearer to the healthy ones than to the COVID ones.

    Draws and distances are those of :func:`bootstrapped_distances`; one draw of the images serves both distances.

    Args:
        images, healthy, covid: arrays (images, ...) of equally shaped images.

    Returns:
        dict: ``difference`` (distance to COVID minus distance to healthy, so positive is nearer to healthy), its 95 %
        interval ``ci95`` over the draws, and ``answer``: "yes" or "no" where the interval leaves out 0, else
        "undecided".
    """
    flat = _flat({"images": images, "healthy": healthy, "covid": covid})
    to_covid, to_healthy = (_distances(flat["images"], flat[name]) for name in ("covid", "healthy"))
    rng = np.random.default_rng([seed, 3])
    of_images, of_covid, of_healthy = (_drawn(rng, len(array), repeats) for array in (images, covid, healthy))
    drawn = (np.einsum("ri,ij,rj->r", of_images, to_covid, of_covid, optimize=True)
             - np.einsum("ri,ij,rj->r", of_images, to_healthy, of_healthy, optimize=True))
    low, high = (float(end) for end in np.percentile(drawn, [2.5, 97.5]))
    answer = "yes" if low > 0 else "no" if high < 0 else "undecided"
    return {"difference": float(to_covid.mean() - to_healthy.mean()), "ci95": (low, high), "answer": answer}


def _drawn(rng, number, repeats):
    """(repeats, number): the share of each image in each bootstrap draw."""
    return rng.multinomial(number, np.full(number, 1 / number), repeats) / number


def _distances(a, b):
    """Euclidean distances of all rows of a from all rows of b."""
    squares = _squares(a)[:, None] + _squares(b)[None] - 2.0 * _products(a, b)
    return np.sqrt(np.clip(squares, 0, None))


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
