"""The built-in lung segmentation: air inside the body, without the airways, closed over vessels and consolidations.

All of it happens in millimetres on a grid of about 2.5 mm, where a ball of 10 mm costs little; only the border is
decided on the scan's own voxels.
"""

__all__ = ["find_lungs"]

import numpy as np
from scipy import ndimage

from covid3dgan.data.preprocess.airways import find_airways

COARSE = 2.5                    # mm, the grid that shapes are handled on
WINDOW = (-1024.0, 200.0)       # HU beyond which values only disturb a mean: padding, bone, metal
AIR = -400.0                    # HU, half way between lung and soft tissue
AIR_LIMITS = (-480.0, -320.0)   # what half way may be in a given scan
SOFT_TISSUE = -60.0             # HU of what borders on the lungs: muscle and fat
BOWEL_GAS = -930.0              # HU: a piece beside a lung that is darker is gas in stomach or colon
EMPTY = -980.0                  # HU: what is this dark holds no tissue at all, as a lung does
OPENING = 3.0                   # mm, cuts the couch and blankets off the body
CLOSING = 8.0                   # mm, radius of the ball that closes over vessels and small consolidations
PLEURAL_CLOSING = 40.0          # mm, the same for consolidations at the chest wall, which is nowhere dented inwards
MEDIASTINUM = 45.0              # mm to either side of the middle where there is more than chest wall beside a lung
LARGEST_HOLE = 1500.0           # mm^2 of a consolidation that lung surrounds in an axial slice; domes are larger
SMALLEST_AREA = 800.0           # mm^2 of a lung in its largest axial slice
SMALLEST_SHARE = 0.08           # of the larger lung's volume that the other one may have
SMALLEST_PIECE = 1000.0         # mm^3 of a piece that a consolidation cuts off its lung
ONE_SIDED = 0.85                # share of a region on one side of the body that makes it one lung only
FAR = 1e6                       # mm between slices in distances that must stay in their slice
SPLITTING = (1.0, 20.0)         # mm, least and greatest half-width of a bridge between the lungs


def find_lungs(hu, spacing):
    """The lungs of a chest CT.

    Args:
        hu: (X, Y, Z) float32 in canonical order: X to the patient's right, Y to the front, Z up.
        spacing: mm.

    Returns:
        (X, Y, Z) bool; all False where there are none.
    """
    factors = [max(1, int(COARSE / size + 0.25)) for size in spacing]
    coarse = _block_mean(np.clip(hu, *WINDOW), factors)
    step = tuple(size * factor for size, factor in zip(spacing, factors))
    body = _find_body(coarse, step)
    lungs, _ = _find_air(coarse, body, AIR, step)
    if not lungs:
        return np.zeros(hu.shape, bool)
    density = np.median(coarse[np.logical_or.reduce(lungs)])
    level = float(np.clip(0.5 * (density + SOFT_TISSUE), *AIR_LIMITS))
    lungs, airways = _find_air(coarse, body, level, step)
    if not lungs:
        return np.zeros(hu.shape, bool)
    lateral = np.abs(np.arange(body.shape[0])[:, None, None] - _body_middle(body)) * step[0] > MEDIASTINUM
    closed = np.logical_or.reduce([_closed(lung, lateral, step) for lung in lungs])
    return _refine(hu, closed & body & ~airways, np.logical_or.reduce(lungs), airways, level, factors)


def _block_mean(array, factors):
    """Means over blocks of ``factors`` voxels; the last block of an axis repeats its last voxel."""
    for axis, factor in enumerate(factors):
        if factor > 1:
            missing = -array.shape[axis] % factor
            array = np.pad(array, [(0, missing if k == axis else 0) for k in range(3)], mode="edge")
            array = array.reshape(array.shape[:axis] + (-1, factor) + array.shape[axis + 1:]).mean(axis=axis + 1)
    return array


def _find_body(coarse, step):
    """The trunk with everything in it (X, Y, Z) bool: the largest piece of tissue, filled slice by slice."""
    radius = max(OPENING, min(step[:2]))  # at least one voxel along the finer axis
    tissue = coarse > AIR
    labels, count = ndimage.label(_eroded(tissue, radius, step))
    if not count:
        return np.zeros(coarse.shape, bool)
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    trunk = tissue & _dilated(largest, radius, step)
    for level in range(trunk.shape[2]):
        trunk[:, :, level] = ndimage.binary_fill_holes(trunk[:, :, level])
    return trunk


def _body_middle(body):
    """Where the body's middle lies along X at every level (Z,), in voxels; that of the whole where a level is empty."""
    x = np.arange(body.shape[0])
    weight = body.sum(axis=1)
    whole = x @ weight.sum(axis=1) / max(weight.sum(), 1)
    return np.where(weight.any(axis=0), x @ weight / np.maximum(weight.sum(axis=0), 1), whole)


def _find_air(coarse, body, level, step):
    """What is darker than ``level`` in each lung - a list of none, one or two (X, Y, Z) bool - and in the airways."""
    middle = _body_middle(body)
    on_right = np.arange(body.shape[0])[:, None, None] > middle
    air = body & (coarse < level)
    airways = find_airways(air, middle, step)
    labels, count = ndimage.label(air & ~airways)
    regions = _Regions(labels, count, coarse, on_right, step)
    mains = regions.lungs()
    if not mains:
        return [], airways
    if len(mains) == 1 and regions.one_sidedness(mains[0]) < ONE_SIDED:
        lungs = _split(labels == mains[0], on_right, step)
    else:
        lungs = [labels == main for main in mains]
    return regions.with_pieces(lungs, mains), airways


class _Regions:
    """The connected regions of air, numbered from 1 as in ``labels``."""

    def __init__(self, labels, count, coarse, on_right, step):
        self.labels, self.coarse, self.step = labels, coarse, step
        self.size = np.bincount(labels.ravel(), minlength=count + 1)
        self.right = np.bincount(labels[np.broadcast_to(on_right, labels.shape)], minlength=count + 1)
        self.boxes = ndimage.find_objects(labels)

    def one_sidedness(self, region):
        """The share of a region on the side where more of it lies."""
        share = self.right[region] / self.size[region]
        return max(share, 1 - share)

    def lungs(self):
        """The numbers of the one or two regions that are lungs; the larger one first."""
        least = SMALLEST_SHARE * self.size[1:].max(initial=0)
        by_size = 1 + np.argsort(-self.size[1:], kind="stable")
        large = [region for region in by_size if self.size[region] >= least and self._is_lung(region)]
        if not large or self.one_sidedness(large[0]) < ONE_SIDED:
            return large[:1]
        side = self._side(large[0])
        others = [r for r in large[1:] if self._side(r) != side and self.one_sidedness(r) >= ONE_SIDED]
        return large[:1] + others[:1]

    def with_pieces(self, lungs, mains):
        """Each lung with the smaller regions beside it that a consolidation cut off; gas in the bowel is darker."""
        smallest = max(SMALLEST_PIECE / np.prod(self.step), 2)
        near = [_dilated(lung, 2 * CLOSING, self.step) for lung in lungs]
        for region in np.flatnonzero(self.size >= smallest):
            if region == 0 or region in mains:
                continue
            box = self.boxes[region - 1]
            piece = self.labels[box] == region
            touched = [int((n[box] & piece).sum()) for n in near]
            if max(touched) > 0.5 * self.size[region] and np.median(self.coarse[box][piece]) > BOWEL_GAS:
                lungs[int(np.argmax(touched))][box] |= piece
        return lungs

    def _side(self, region):
        return self.right[region] > 0.5 * self.size[region]

    def _is_lung(self, region):
        box = self.boxes[region - 1]
        mask = self.labels[box] == region
        area = mask.sum(axis=(0, 1)).max() * self.step[0] * self.step[1]
        return area >= SMALLEST_AREA and np.median(self.coarse[box][mask]) > EMPTY


def _split(region, on_right, step):
    """Both lungs of one region: it is worn away until the bridges break, then each voxel joins the nearer lung."""
    depth = ndimage.distance_transform_edt(region, sampling=step)
    sides = np.broadcast_to(on_right, region.shape)
    for radius in np.arange(SPLITTING[0], SPLITTING[1], 1.0):
        labels, count = ndimage.label(depth > radius)
        size = np.bincount(labels.ravel(), minlength=count + 1)
        right = np.bincount(labels[sides], minlength=count + 1)
        larger = np.flatnonzero(size >= SMALLEST_SHARE * size[1:].max()) if count else []
        cores = {}
        for number in larger:
            share = right[number] / size[number]
            if number and max(share, 1 - share) >= ONE_SIDED:
                cores.setdefault(bool(share > 0.5), number)
        if len(cores) == 2:
            to_left, to_right = (ndimage.distance_transform_edt(labels != cores[side], sampling=step)
                                 for side in (False, True))
            nearer = to_right < to_left
            return [region & ~nearer, region & nearer]
    return [region & ~sides, region & sides]


def _closed(lung, lateral, step):
    """One lung (X, Y, Z) bool with its vessels and consolidations.

    A small ball closes gaps everywhere. Towards the back and the side the chest wall is smooth, so that a large disc
    closes over what lies between it and the lung; elsewhere that would take in heart, mediastinum and diaphragm.
    """
    wide = [(int(np.ceil(PLEURAL_CLOSING / size)) + 1,) * 2 for size in step[:2]] + [(0, 0)]
    box = ndimage.find_objects(lung.view(np.uint8))[0][:2]
    part = np.pad(lung[box], wide)
    closed = ndimage.binary_fill_holes(_eroded(_dilated(part, CLOSING, step), CLOSING, step))
    in_slice = (step[0], step[1], FAR)
    smooth = _eroded(_dilated(closed, PLEURAL_CLOSING, in_slice), PLEURAL_CLOSING, in_slice)
    back = np.arange(part.shape[1])[:, None] < np.nonzero(part)[1].mean()
    closed |= smooth & back & _outermost(closed) & np.pad(lateral[box[0]], [wide[0], (0, 0), (0, 0)], mode="edge")
    result = np.zeros_like(lung)
    result[box] = _without_small_holes(closed, step)[tuple(slice(w, -w) for w, _ in wide[:2])]
    return result


def _outermost(mask):
    """What has no voxel of ``mask`` behind it or none to one of its sides: (X, Y, Z) bool.

    The dome of the diaphragm, in contrast to a consolidation at the chest wall, has lung all round it.
    """
    beyond = [np.logical_or.accumulate(mask, axis=1), np.logical_or.accumulate(mask, axis=0),
              np.logical_or.accumulate(mask[::-1], axis=0)[::-1]]
    return ~np.logical_and.reduce(beyond)


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


def _refine(hu, closed, air, airways, level, factors):
    """The lungs on the scan's own voxels (X, Y, Z) bool: certain inside, decided by ``level`` at the border."""
    if max(factors) == 1:
        return closed
    cube = np.ones((3, 3, 3), bool)
    certain = ndimage.binary_erosion(closed, cube, border_value=1) | (closed & ~air)
    possible = ndimage.binary_dilation(closed, cube) & ~airways
    return _enlarged(certain, factors, hu.shape) | (_enlarged(possible, factors, hu.shape) & (hu < level))


def _enlarged(mask, factors, shape):
    for axis, factor in enumerate(factors):
        mask = np.repeat(mask, factor, axis=axis)
    return mask[tuple(slice(0, n) for n in shape)]


def _dilated(mask, radius, step):
    """``mask`` grown by ``radius`` mm."""
    return ndimage.distance_transform_edt(~mask, sampling=step) <= radius if mask.any() else mask


def _eroded(mask, radius, step):
    """``mask`` shrunk by ``radius`` mm; beyond the array's edge the mask is taken to go on."""
    return ndimage.distance_transform_edt(mask, sampling=step) > radius if not mask.all() else mask
