"""Which regions of a chest are the lungs: large, on their side of the body, neither empty nor gas in the bowel."""

__all__ = ["body_middle", "find_lung_air", "lung_density"]

import numpy as np
from scipy import ndimage

from covid3dgan.data.preprocess.chest.airways import find_airways
from covid3dgan.data.preprocess.chest.lung_disease import find_ground_glass
from covid3dgan.data.preprocess.chest.shapes import dilated

GAS = -935.0                    # HU: a piece beside a lung a tenth of which is darker is gas in stomach or colon
EMPTY = -980.0                  # HU: what is this dark holds no tissue at all, as a lung does
NEAR = 16.0                     # mm from a lung to a piece that a consolidation cuts off it
SMALLEST_AREA = 800.0           # mm^2 of a lung in its largest axial slice
SMALLEST_SHARE = 0.08           # of the larger lung's volume that the other one may have
SMALLEST_PIECE = 1000.0         # mm^3 of a piece that a consolidation cuts off its lung
ARM = 15.0                      # mm in front of the lungs where air lies between an arm and the chest
ONE_SIDED = 0.85                # share of a region on one side of the body that makes it one lung only
SPLITTING = (1.0, 20.0)         # mm, least and greatest half-width of a bridge between the lungs


def body_middle(body):
    """Where the body's middle lies along X at every level (Z,), in voxels; that of the whole where a level is empty."""
    x = np.arange(body.shape[0])
    weight = body.sum(axis=1)
    whole = x @ weight.sum(axis=1) / max(weight.sum(), 1)
    return np.where(weight.any(axis=0), x @ weight / np.maximum(weight.sum(axis=0), 1), whole)


def lung_density(coarse, air, step):
    """The median HU of the air that looks like lungs, airways included; None where nothing does."""
    regions = _Regions(air, coarse, np.arange(air.shape[0])[:, None, None] > body_middle(air), step)
    mains = regions.lungs()
    return float(np.median(coarse[np.isin(regions.labels, mains)])) if mains else None


def find_lung_air(coarse, air, body, step):
    """The lungs, but for what is as dense as muscle in them.

    Args:
        coarse: (X, Y, Z) HU in canonical order.
        air: (X, Y, Z) bool, what is dark in the body.
        body: (X, Y, Z) bool.
        step: mm.

    Returns:
        Each lung - a list of none, one or two (X, Y, Z) bool -, and the airways.
    """
    middle = body_middle(body)
    on_right = np.arange(air.shape[0])[:, None, None] > middle
    airways = find_airways(air, middle, step)
    regions = _Regions(air & ~airways, coarse, on_right, step)
    if not regions.lungs():
        return [], airways
    bowel = regions.bowel()
    air = air & ~airways & ~bowel
    regions = _Regions(air | find_ground_glass(coarse, air, airways | bowel, body, step), coarse, on_right, step)
    mains = regions.lungs()
    if len(mains) == 1 and regions.one_sidedness(mains[0]) < ONE_SIDED:
        lungs = _split(regions.labels == mains[0], on_right, step)
    else:
        lungs = [regions.labels == main for main in mains]
    return regions.with_pieces(lungs, mains), airways


class _Regions:
    """The connected regions of a mask (X, Y, Z), numbered from 1 as in ``labels``."""

    def __init__(self, mask, coarse, on_right, step):
        labels, count = ndimage.label(mask)
        self.labels, self.coarse, self.on_right, self.step = labels, coarse, on_right, step
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
        """Each lung with the other regions that belong to it.

        A consolidation cuts small pieces off a lung. In one slice the liver's dome cuts it in two large ones.
        """
        smallest = max(SMALLEST_PIECE / np.prod(self.step), 2)
        large = SMALLEST_SHARE * max(lung.sum() for lung in lungs)
        candidates = [region for region in 1 + np.flatnonzero(self.size[1:] >= smallest) if region not in mains
                      and not self._is_gas(region)]
        if not candidates:
            return lungs
        near = [dilated(lung, NEAR, self.step) for lung in lungs]
        for region in candidates:
            box = self.boxes[region - 1]
            piece = self.labels[box] == region
            touched = [int((n[box] & piece).sum()) for n in near]
            if max(touched) <= 0.5 * self.size[region]:
                touched = [(self.size[region] >= large) * own for own in self._beside(region, lungs)]
            if max(touched) > 0:
                lungs[int(np.argmax(touched))][box] |= piece
        return lungs

    def bowel(self):
        """What is no lung but gas: (X, Y, Z) bool."""
        least, mains = SMALLEST_PIECE / np.prod(self.step), self.lungs()
        return np.isin(self.labels, [region for region in 1 + np.flatnonzero(self.size[1:] >= least)
                                     if region not in mains and self._is_gas(region)])

    def _beside(self, region, lungs):
        """For each lung whether the region lies on its side, no lower and no farther in front than lungs do: 1 or 0."""
        if self.one_sidedness(region) < ONE_SIDED or not self._is_lung(region):
            return [0] * len(lungs)
        occupied = [np.flatnonzero(np.logical_or.reduce(lungs).any(axis=axes)) for axes in ((0, 2), (0, 1))]
        box = self.boxes[region - 1]
        if box[1].stop > occupied[0][-1] + 1 + ARM / self.step[1] or box[2].start < occupied[1][0]:
            return [0] * len(lungs)
        return [int(self._side(region) == ((lung & self.on_right).sum() > 0.5 * lung.sum())) for lung in lungs]

    def _side(self, region):
        return self.right[region] > 0.5 * self.size[region]

    def _is_gas(self, region):
        """Gas in the bowel or air under an arm: some of it, away from its border, is darker than any lung."""
        return self._quantile(region, 0.1) <= GAS

    def _quantile(self, region, share):
        box = self.boxes[region - 1]
        return float(np.quantile(self.coarse[box][self.labels[box] == region], share))

    def _is_lung(self, region):
        box = self.boxes[region - 1]
        mask = self.labels[box] == region
        area = mask.sum(axis=(0, 1)).max() * self.step[0] * self.step[1]
        return area >= SMALLEST_AREA and self._quantile(region, 0.5) > EMPTY


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
