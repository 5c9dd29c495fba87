"""COVID-19 lesions of a phantom: ground glass, crazy paving and consolidation, mostly peripheral, basal and dorsal."""

__all__ = ["CONSOLIDATION", "GROUND_GLASS", "LesionStyle", "Lesions", "grow_lesions"]

from dataclasses import dataclass

import numpy as np

from covid3dgan.data.phantoms.grid import smooth_noise, smoothstep

GROUND_GLASS, CONSOLIDATION = 1, 2
FLOOR = -1.5  # of the potential: this far outside a lesion nothing of it is left
MOST_LESIONS = 30


@dataclass(frozen=True)
class LesionStyle:
    """What a cohort's lesions look like."""

    consolidation: float   # mean share of the lesion volume
    crazy_paving: float    # share of lesions with thickened septa
    lesion_volume: float   # mL, the typical volume of one lesion; sets how many there are
    ground_glass: tuple[float, float] = (140.0, 360.0)  # HU that ground glass adds to a lung of -850 HU


@dataclass(frozen=True)
class Lesions:
    """Lesions on a grid; all (X, Y, Z)."""

    share: np.ndarray    # float32: how much of the voxel's parenchyma the lesion replaces (soft edges)
    hu: np.ndarray       # float32: what it is replaced by
    classes: np.ndarray  # uint8: 0 none, 1 ground glass, 2 consolidation; non-zero where the reader would draw it

    def laid_over(self, parenchyma):
        """HU of the parenchyma (X, Y, Z) with the lesions in it."""
        return parenchyma + self.share * (self.hu - parenchyma)


@dataclass(frozen=True)
class _Seed:
    centre: list
    normal: list
    radius_along: float   # along the pleura
    radius_across: float  # into the lung
    gain: float           # HU that it adds to the lung
    paving: float


def _place(rng, thorax, volume, style):
    """Lesion seeds that will together hold about ``volume`` cubic millimetres of the lungs."""
    expected = volume / (1000 * style.lesion_volume) * rng.lognormal(0, 0.4)
    count = min(1 + rng.poisson(expected), MOST_LESIONS)
    one_sided = rng.random() < (0.45 if count <= 3 else 0.12)
    first_side = rng.choice([-1, 1])
    relative = rng.lognormal(0, 0.75, count)
    relative *= 1.6 * volume / relative.sum()  # much of an ellipsoid at the pleura lies outside the lung
    seeds = []
    for own_volume in relative:
        side = int(first_side if one_sided else rng.choice([-1, 1]))
        peripheral = rng.random() < 0.8
        candidates = thorax.points_in_lung(rng, side, 40, 1.0)
        depth = -thorax.envelope(*candidates.T)
        basal = 1 - candidates[:, 2] / thorax.height
        dorsal = candidates[:, 1] / thorax.half_depth
        preference = 1.6 * basal + 1.1 * dorsal - (0.10 if peripheral else -0.01) * depth
        centre = candidates[np.argmax(preference + rng.gumbel(0, 0.7, len(candidates)))]
        flatness = rng.uniform(1.2, 2.2) if peripheral else rng.uniform(0.9, 1.3)
        across = (own_volume / (4.19 * flatness ** 2)) ** (1 / 3)
        paving = rng.uniform(0.6, 1.0) if rng.random() < style.crazy_paving else 0.0
        seeds.append(_Seed(centre.tolist(), thorax.inward(side, centre).tolist(), flatness * across, across,
                           rng.uniform(*style.ground_glass), paving))
    return seeds


def _potential(grid, seeds, growth):
    """1 at a lesion's centre, 0 on its ellipsoid, less outside; and which lesion each voxel belongs to."""
    potential = np.full(grid.shape, FLOOR, np.float32)
    owner = np.zeros(grid.shape, np.int16)
    for index, seed in enumerate(seeds):
        along, across = growth * seed.radius_along, growth * seed.radius_across
        box = grid.box(seed.centre, (1 - FLOOR) * max(along, across))
        dx, dy, dz = (v - c for v, c in zip((grid.x[box[0]], grid.y[:, box[1]], grid.z[:, :, box[2]]), seed.centre))
        inward = dx * seed.normal[0] + dy * seed.normal[1] + dz * seed.normal[2]
        tangential = dx * dx + dy * dy + dz * dz - inward * inward
        own = 1 - np.sqrt(np.maximum(tangential / along ** 2 + inward ** 2 / across ** 2, 0))
        nearer = own > potential[box]
        potential[box][nearer] = own[nearer]
        owner[box][nearer] = index
    return potential, owner


def grow_lesions(rng, grid, thorax, lungs, parenchyma, rate, style):
    """Lesions that fill exactly ``rate`` of the lung mask.

    Args:
        rng: random numbers of this patient's disease.
        lungs: (X, Y, Z) bool lung mask.
        parenchyma: (X, Y, Z) HU of the healthy lung: ground glass is a veil over it, denser where it was denser.
        rate: lesion voxels / lung voxels.
        style: the cohort's :class:`LesionStyle`.
    """
    seeds = _place(rng, thorax, rate * lungs.sum() * grid.voxel_volume, style)
    target = max(int(round(rate * lungs.sum())), 1)
    depth, owner = _extent(rng, grid, lungs, seeds, target)
    infected = lungs & (depth >= 0)
    softness = rng.uniform(0.16, 0.32)
    texture = smooth_noise(rng, grid, 11.0)
    hu = _ground_glass(rng, grid, parenchyma, seeds, owner, texture)
    classes = infected.astype(np.uint8) * GROUND_GLASS
    _consolidate(rng, grid, depth, infected, style, rng.normal(0, 0.35, len(seeds)).astype(np.float32)[owner], texture,
                 hu, classes)
    return Lesions(smoothstep(-softness, softness, depth), hu, classes)


def _extent(rng, grid, lungs, seeds, target):
    """How far inside a lesion each voxel is (0 on the edge, so that ``target`` voxels of the lungs lie inside), and
    which lesion it belongs to: two (X, Y, Z)."""
    ragged = 0.30 * smooth_noise(rng, grid, 21.0) + 0.17 * smooth_noise(rng, grid, 8.0)
    growth = 1.0
    while True:
        potential, owner = _potential(grid, seeds, growth)
        potential = np.where(potential > FLOOR, potential + ragged, np.float32(FLOOR))
        edge = np.partition(potential[lungs], -target)[-target]
        if edge > FLOOR + 0.9:
            return potential - edge, owner
        growth *= 1.25  # most of a lesion fell outside the lung: let all of them grow


def _ground_glass(rng, grid, parenchyma, seeds, owner, texture):
    """HU (X, Y, Z) of ground glass, in some lesions with the thickened septa of crazy paving."""
    hu = 0.6 * parenchyma - 0.4 * 850 + np.array([s.gain for s in seeds], np.float32)[owner]
    hu += 45 * texture + 30 * smooth_noise(rng, grid, 5.0)
    septa = np.exp(-(smooth_noise(rng, grid, (9.0, 9.0, 14.0)) / 0.22) ** 2)
    hu += 190 * septa * np.array([s.paving for s in seeds], np.float32)[owner]
    return np.clip(hu, -760, -250)


def _consolidate(rng, grid, depth, infected, style, density, texture, hu, classes):
    """Turns the cores and patches of some lesions into consolidation: changes ``hu`` and ``classes`` in place.

    Args:
        density: (X, Y, Z) how readily the voxel's lesion consolidates.
    """
    share = np.clip(style.consolidation * rng.lognormal(-0.3, 0.8), 0, 0.7)
    count = int(round(share * infected.sum()))
    if count == 0:
        return
    core = 0.45 * depth + density + 0.34 * smooth_noise(rng, grid, 15.0) + 0.22 * smooth_noise(rng, grid, 7.0)
    start = np.partition(core[infected], -count)[-count]
    solid = smoothstep(-0.12, 0.12, core - start)
    bronchi = np.exp(-(smooth_noise(rng, grid, 10.0) / 0.15) ** 2)  # air bronchograms: dark streaks that stay open
    hu += solid * (-20 + 30 * texture - 280 * bronchi - hu)
    classes[infected & (core >= start)] = CONSOLIDATION
