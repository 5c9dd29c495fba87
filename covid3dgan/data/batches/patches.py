"""Random patches of 2D images: the batch at a step is a pure function of (seed, step)."""

__all__ = ["patch_batches", "to_network"]

import numpy as np

from covid3dgan import streams
from covid3dgan.data.batches.pipelines import Indices
from covid3dgan.errors import ArgumentError


def to_network(image):
    """Grey values in [0, 1] as the networks take them: [-1, 1] float32 with a channel."""
    return (np.asarray(image, np.float32) * 2.0 - 1.0)[..., None]


def patch_batches(arrays, patch, batch_size, seed, flips=False, zoom_out=1.0, halvings=0):
    """A function step -> {name: (B, patch, patch, 1) float32}, the same place of the same image under every name.

    Args:
        arrays: name -> (N, H, W); boolean arrays become 0 and 1, images in [0, 1] become [-1, 1].
        patch: side in pixels.
        batch_size: patches per step; every image is used equally often.
        seed: any sequence of ints.
        flips: turn and mirror patches at random.
        zoom_out: up to how many times more of the image a patch shows, at fewer pixels; 1 leaves scales alone.
        halvings: how often the networks halve a patch, and later a whole image; the sides must allow it.
    """
    first = next(iter(arrays.values()))
    count, rows, columns = first.shape
    if patch > min(rows, columns):
        raise ArgumentError("patch", f"at most the images' size {rows} x {columns}", str(patch),
                            "use smaller patches or larger images (images.size)")
    for name, sides in (("patch", (patch,)), ("images.size", (rows, columns))):
        if any(side % 2**halvings for side in sides):
            raise ArgumentError(name, f"a multiple of {2**halvings}, which the networks halve {halvings} times",
                                " x ".join(map(str, sides)), "use another size or shallower networks (depth)")
    indices = Indices(count, batch_size, [*seed, streams.PATCH_ORDER], sampling="epochs")

    most = min(zoom_out, min(rows, columns) / patch)

    def at(step):
        rng = np.random.default_rng([*seed, streams.PATCH_PLACES, step])
        places = []
        for index in indices.at(step):
            # Nearest pixels, not means: a mean would also smooth the noise away.
            reach = np.floor(np.arange(patch) * rng.uniform(1.0, most)).astype(int)
            top, left = rng.integers(rows - reach[-1]), rng.integers(columns - reach[-1])
            places.append((index, top + reach, left + reach, rng.integers(8) if flips else 0))
        return {name: np.stack([_cut(array, *place) for place in places]) for name, array in arrays.items()}

    return at


def _cut(array, index, rows, columns, turn):
    """One patch; ``turn`` counts quarter turns, from 4 on with a mirror."""
    piece = np.rot90(array[index][np.ix_(rows, columns)], turn % 4)
    piece = piece[:, ::-1] if turn >= 4 else piece
    return piece[..., None].astype(np.float32) if piece.dtype == bool else to_network(piece)
