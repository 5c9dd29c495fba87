"""Branching trees of a phantom's lungs: arteries, veins, and the airways that follow the arteries."""

__all__ = ["Airways", "grow_airways", "grow_vessels"]

from dataclasses import dataclass

import numpy as np

from covid3dgan.data.phantoms.grid import Tubes

MURRAY_EXPONENT = 2.6      # parent radius ** e = sum of child radii ** e (between Murray's 3 and area-preserving 2)
PATH_WEIGHT = 0.4          # how much a short way from the hilum counts against a short twig
OTHER_LOBE_PENALTY = 60.0  # mm: vessels reach their lobe through the hilum, not through a fissure
AIRWAY_FADES_BELOW = 0.9   # mm of radius: finer bronchi are below a scanner's resolution


@dataclass(frozen=True)
class Airways:
    """Trachea and bronchi: ``lumen`` is air, ``outer`` the same tubes with their walls."""

    lumen: Tubes
    outer: Tubes


def _tree(rng, terminals, lobes, hilum, leaf_radius):
    """A tree from ``hilum`` (3,) to every terminal (N, 3): node positions (N + 1, 3), parents, radii (N + 1,).

    Greedy growth, nearest terminals first: each joins the node that makes both the new twig and the whole way to the
    hilum short. Radii follow from the number of leaves that each branch feeds.
    """
    order = np.argsort(np.linalg.norm(terminals - hilum, axis=1), kind="stable")
    nodes = np.concatenate([hilum[None], terminals[order]])
    lobe = np.concatenate([[-1], lobes[order]])
    parent = np.zeros(len(nodes), int)
    path = np.zeros(len(nodes))
    for i in range(1, len(nodes)):
        twig = np.linalg.norm(nodes[:i] - nodes[i], axis=1)
        foreign = (lobe[:i] != lobe[i]) & (lobe[:i] >= 0)
        near_hilum = path[:i] < 25.0
        cost = twig + PATH_WEIGHT * path[:i] + OTHER_LOBE_PENALTY * (foreign & ~near_hilum)
        parent[i] = np.argmin(cost)
        path[i] = path[parent[i]] + twig[parent[i]]
    flow = np.ones(len(nodes))
    for i in range(len(nodes) - 1, 0, -1):
        flow[parent[i]] += flow[i]
    radius = leaf_radius * flow ** (1 / MURRAY_EXPONENT)
    radius[1:] *= rng.uniform(0.85, 1.15, len(nodes) - 1)
    return nodes, parent, radius


def _curved(rng, nodes, parent, radius):
    """The tree's branches as tubes in two pieces each, bent a little at their middle."""
    child = np.arange(1, len(nodes))
    start, end = nodes[parent[child]], nodes[child]
    length = np.linalg.norm(end - start, axis=1, keepdims=True)
    middle = 0.5 * (start + end) + rng.normal(0, 0.05, start.shape) * length
    end_radius = radius[child]
    start_radius = np.minimum(radius[parent[child]], 1.25 * end_radius)
    middle_radius = 0.5 * (start_radius + end_radius)
    return Tubes.join([Tubes(start, middle, start_radius, middle_radius),
                       Tubes(middle, end, middle_radius, end_radius)])


def grow_vessels(rng, thorax):
    """Arteries and veins of both lungs.

    Args:
        rng: random numbers of this patient's vessels.
        thorax: the :class:`~covid3dgan.data.phantoms.anatomy.Thorax` that says where the lungs and their hila are.

    Returns:
        Two Tubes: arteries (the airways follow them) and veins.
    """
    arteries, veins = [], []
    for side in (-1, 1):
        for trees, share, shift in ((arteries, 1.0, (0, 0, 6)), (veins, 0.75, (0, -8, -14))):
            count = int(thorax.vessel_terminals * share * (0.54 if side < 0 else 0.46))
            terminals = thorax.points_in_lung(rng, side, count, depth=4.0)
            hilum = thorax.hilum(side) + np.asarray(shift, float)
            tree = _tree(rng, terminals, thorax.lobe(side, terminals), hilum, thorax.vessel_leaf_radius)
            trees.append(_curved(rng, *tree))
    return Tubes.join(arteries), Tubes.join(veins)


def grow_airways(rng, thorax, arteries):
    """Trachea, main bronchi, and bronchi beside the larger arteries."""
    trachea_radius = thorax.trachea_radius
    carina = thorax.carina
    tubes = [Tubes.polyline([thorax.trachea_top, carina], trachea_radius)]
    for side in (-1, 1):
        tubes.append(Tubes.polyline([carina, 0.5 * (carina + thorax.hilum(side)) + [0, 2, 3], thorax.hilum(side)],
                                    np.array([0.75, 0.68, 0.6]) * trachea_radius))
    large = arteries.select(np.minimum(arteries.start_radius, arteries.end_radius) > AIRWAY_FADES_BELOW)
    direction = large.end - large.start
    aside = np.cross(direction, [0.25, 1.0, 0.35])
    aside /= np.linalg.norm(aside, axis=1, keepdims=True) + 1e-9
    bronchus = large.widened(0.8)
    gap_start = (large.start_radius + 1.25 * bronchus.start_radius)[:, None]
    gap_end = (large.end_radius + 1.25 * bronchus.end_radius)[:, None]
    tubes.append(Tubes(large.start + gap_start * aside, large.end + gap_end * aside,
                       bronchus.start_radius, bronchus.end_radius))
    lumen = Tubes.join(tubes)
    return Airways(lumen, lumen.widened(1.12, rng.uniform(0.35, 0.6)))
