"""What disease hides of the lungs: ground glass too dense to pass as air, and consolidations as dense as muscle.

Ground glass shows in its HU: nothing else in a chest lies between air and fat but rims one voxel wide. A consolidation
shows in the lungs' shape alone, and heart, liver and mediastinum dent the lungs, too: what is filled depends on where
it lies.
"""

__all__ = ["find_ground_glass", "with_consolidations"]

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from covid3dgan.data.preprocess.chest.shapes import closed, coarsened, dilated, enlarged, eroded

DENSE = -200.0            # HU, between ground glass that holds some air and fat
SKIN = 10.0               # mm under the body's surface where there is no lung
BESIDE_AIRWAY = 6.0       # mm round the airways and gas in the bowel, where walls and stool are half air, too
CLOSING = 8.0             # mm, radius of the ball that closes over vessels and small consolidations
PLEURAL_CLOSING = 40.0    # mm, of the disc that closes over consolidations at the chest wall
BULGE = 12.0              # mm that the chest wall at a consolidation may lie outside of the wall above or below it
MEDIASTINUM = 45.0        # mm to either side of the middle where there is more than chest wall beside a lung
SPINE = {1: 28.0, -1: 40.0}  # mm to the right and left of the middle where the spine, and the aorta, lie behind a lung
SMALLEST_GAP = 4000.0     # mm^3 of a consolidation that no ball closes; gaps of healthy lungs are smaller
LARGEST_HOLE = 1500.0     # mm^2 of a consolidation that lung surrounds in an axial slice; domes are larger
WIDE = 6.0                # mm, the grid of the large closings
BONE = 130.0              # HU
FAR = 1e6                 # mm between slices in distances that must stay in their slice


def find_ground_glass(coarse, air, other, body, step):
    """What is too dense to be air and too thin for fat, where there is more of it than a rim: (X, Y, Z) bool.

    Args:
        coarse: (X, Y, Z) HU.
        air: (X, Y, Z) bool, the air in the body that may be lung.
        other: (X, Y, Z) bool, airways and gas in the bowel.
        body: (X, Y, Z) bool.
        step: mm.
    """
    possible = (eroded(body, SKIN, step) & (coarse < DENSE) & ~dilated(other, BESIDE_AIRWAY, step)) | air
    core = ndimage.binary_erosion(possible, border_value=1) & ~air
    return ndimage.binary_dilation(core) & possible & ~air


def with_consolidations(lung, coarse, middle, step):
    """One lung (X, Y, Z) bool with its vessels and consolidations.

    A small ball closes gaps everywhere. Large ones are closed at the side and in the back, where nothing but the chest
    wall borders on a lung: where there is lung above and below, and in the back where a large disc bridges them. In
    front and on the diaphragm heart and liver would be closed over, too.

    Args:
        lung: its air and ground glass.
        coarse: (X, Y, Z) HU.
        middle: (Z,) where the body's middle lies along X at every level, in voxels.
        step: mm.
    """
    margin = [int(np.ceil((CLOSING + size) / size)) for size in step[:2]] + [0]
    sides = ndimage.find_objects(lung.view(np.uint8))[0][:2] + (slice(0, lung.shape[2]),)
    box = tuple(slice(max(side.start - more, 0), side.stop + more) for side, more in zip(sides, margin))
    part = lung[box]
    from_middle = ((np.arange(lung.shape[0])[:, None, None] - middle) * step[0])[box[0]]
    outwards = 1 if (from_middle * part.any(axis=1, keepdims=True)).sum() > 0 else -1
    small = ndimage.binary_fill_holes(_closed_inside(part, margin, step))
    beside_spine = np.abs(from_middle) > SPINE[outwards]
    filled = small | (_at_the_wall(small, outwards, np.abs(from_middle) > MEDIASTINUM, step) & beside_spine)
    core = ndimage.binary_erosion(filled & ~small, border_value=1)
    if core.any():
        # Chest walls bulge out between what is above and below a consolidation, or beside it.
        grown = ndimage.binary_dilation(core, iterations=2) & beside_spine
        filled = _closed_inside(small | (grown & (filled | (coarse[box] < BONE))), margin, step)
    result = np.zeros_like(lung)
    result[box] = _without_small_holes(filled, step)
    return result


def _closed_inside(mask, margin, step):
    """``mask`` closed over vessels and small consolidations, with ``margin`` voxels of room around it."""
    roomy = closed(np.pad(mask, [(more, more) for more in margin]), CLOSING, step)
    return roomy[tuple(slice(more, more + size) for more, size in zip(margin, mask.shape))]


def _at_the_wall(lung, outwards, lateral, step):
    """Large gaps (X, Y, Z) bool along the chest wall.

    Args:
        outwards: the direction along X that leads from the mediastinum to the chest wall, 1 or -1.
        lateral: bool, what lies beside the mediastinum; broadcasts to (X, Y, Z).
    """
    factors = [max(1, int(WIDE / size + 0.25)) for size in step]
    wide = tuple(size * factor for size, factor in zip(step, factors))
    rough = coarsened(lung, factors)
    reach = [int(np.ceil(PLEURAL_CLOSING / size)) + 1 for size in wide[:2]]
    disc = closed(np.pad(rough, [(n, n) for n in reach] + [(0, 0)]), PLEURAL_CLOSING, (*wide[:2], FAR))
    disc = disc[tuple(slice(n, -n) for n in reach)]
    dorsal = np.arange(rough.shape[1])[:, None] < np.nonzero(rough.any(axis=(0, 2)))[0].mean()
    dorsal = np.arange(rough.shape[1])[:, None] < np.nonzero(rough.any(axis=(0, 2)))[0].mean()
    between = np.zeros_like(rough)
    for axis, direction in ((0, outwards), (1, -1)):
        smeared = _smeared(rough, axis, direction, int(BULGE / wide[axis] + 0.5))
        between |= ~_seen(rough, axis, direction) & _seen(smeared, 2, 1) & _seen(smeared, 2, -1)
    gaps = between & _hull(rough)
    gaps = _large(ndimage.binary_opening(gaps & ~rough, np.ones((2, 2, 2))), SMALLEST_GAP / np.prod(wide))
    disc &= dorsal & ~(_seen(rough, 1, -1) & _seen(rough, 0, outwards))
    return (enlarged(gaps, factors, lung.shape) | (enlarged(disc, factors, lung.shape) & lateral)) & ~lung


def _large(mask, least):
    """The connected regions of ``mask`` (X, Y, Z) that have at least so many voxels."""
    labels, count = ndimage.label(mask)
    return (np.bincount(labels.ravel(), minlength=count + 1) >= least)[labels] & mask


def _seen(mask, axis, direction):
    """What has some of ``mask`` in its place or in a direction along an axis, (X, Y, Z) bool."""
    if direction < 0:
        return np.logical_or.accumulate(mask, axis=axis)
    return np.flip(np.logical_or.accumulate(np.flip(mask, axis), axis=axis), axis)


def _smeared(mask, axis, direction, voxels):
    """``mask`` and all of it moved by up to ``voxels`` in a direction along an axis."""
    result = mask.copy()
    for _ in range(voxels):
        moved = np.roll(result, direction, axis)
        edge = [slice(None)] * 3
        edge[axis] = 0 if direction > 0 else -1
        moved[tuple(edge)] = False
        result |= moved
    return result


def _hull(mask):
    """The convex hull of ``mask``, (X, Y, Z) bool; empty where it is flat."""
    points = np.argwhere(mask & ~ndimage.binary_erosion(mask))
    try:
        planes = ConvexHull(points).equations.astype(np.float32)
    except (QhullError, ValueError):
        return np.zeros_like(mask)
    place = np.stack(np.meshgrid(*map(np.arange, mask.shape), indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.ones(len(place), bool)
    for plane in planes:
        inside[inside] = place[inside] @ plane[:3] + plane[3] <= 1e-3
    return inside.reshape(mask.shape)


def _without_small_holes(mask, step):
    """``mask`` (X, Y, Z) with the holes filled that an axial slice shows, up to ``LARGEST_HOLE``."""
    in_plane = ndimage.generate_binary_structure(3, 1)
    in_plane[:, :, [0, 2]] = False
    labels, count = ndimage.label(~mask, in_plane)
    area = np.bincount(labels.ravel(), minlength=count + 1) * step[0] * step[1]
    small = area <= LARGEST_HOLE
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        small[edge] = False
    return mask | small[labels]
