"""What a cohort of phantoms is like in numbers: infection rates, HU histograms, and how far a threshold gets."""

__all__ = ["BIN_EDGES", "CohortStatistics", "hu_statistics"]

from dataclasses import dataclass

import numpy as np

BIN_EDGES = np.arange(-1030.0, 3091.0, 10.0)  # covers every HU that a phantom can hold


@dataclass(frozen=True)
class CohortStatistics:
    """Statistics of one cohort, all of them inside the true lungs."""

    infection_rates: np.ndarray  # (cases,) percentage of the lung's voxels
    histograms: dict             # "lung" (healthy tissue), "vessel", "lesion" -> (bins,) voxel counts over BIN_EDGES
    threshold: float             # HU: "at least this is lesion", the best single value for the whole cohort
    threshold_dice: float        # Dice with it over all voxels of the cohort
    mean_threshold_dice: float   # the best mean over cases of the Dice with one threshold
    window: tuple                # (low, high) HU: the best "from low up to high is lesion"
    window_dice: float           # Dice with it over all voxels of the cohort

    def density(self, tissue):
        """The tissue's histogram as a density per HU, (bins,); zeros where there is no such voxel."""
        counts = self.histograms[tissue]
        return counts / (max(counts.sum(), 1) * np.diff(BIN_EDGES))


def hu_statistics(cases):
    """Statistics of a cohort; cases may come from a generator, only histograms are kept.

    Args:
        cases: iterable of :class:`~covid3dgan.data.phantoms.chest_ct.PhantomCase`.

    Returns:
        A :class:`CohortStatistics`. Thresholds are bin edges; without lesions each Dice is 0.
    """
    rates, lesion_counts, other_counts = [], [], []
    histograms = {tissue: np.zeros(len(BIN_EDGES) - 1, np.int64) for tissue in ("lung", "vessel", "lesion")}
    for case in cases:
        lungs, infected, vessels = (v.array > 0 for v in (case.lungs, case.infection, case.vessels))
        parts = {"lung": lungs & ~infected & ~vessels, "vessel": lungs & vessels & ~infected, "lesion": infected}
        counts = {tissue: np.histogram(case.ct.array[part], BIN_EDGES)[0] for tissue, part in parts.items()}
        for tissue, count in counts.items():
            histograms[tissue] += count
        lesion_counts.append(counts["lesion"])
        other_counts.append(counts["lung"] + counts["vessel"])
        rates.append(100.0 * infected.sum() / lungs.sum())
    lesion_counts, other_counts = np.array(lesion_counts), np.array(other_counts)
    curves = _threshold_dice(lesion_counts, other_counts)
    pooled = _threshold_dice(lesion_counts.sum(0), other_counts.sum(0))
    window, window_dice = _best_window(lesion_counts.sum(0), other_counts.sum(0))
    return CohortStatistics(
        infection_rates=np.array(rates), histograms=histograms, threshold=float(BIN_EDGES[pooled.argmax()]),
        threshold_dice=float(pooled.max()), mean_threshold_dice=float(curves.mean(0).max()), window=window,
        window_dice=window_dice)


def _threshold_dice(lesion, other):
    """Dice of "at least this bin's lower edge" for each bin: (..., bins) counts in, (..., bins) out."""
    hits = np.cumsum(lesion[..., ::-1], axis=-1)[..., ::-1]
    false = np.cumsum(other[..., ::-1], axis=-1)[..., ::-1]
    return 2 * hits / np.maximum(hits + false + lesion.sum(axis=-1, keepdims=True), 1)


def _best_window(lesion, other):
    """The (low, high) HU and the Dice of the best window over (bins,) counts."""
    hits, false = (np.concatenate([[0], np.cumsum(counts)]) for counts in (lesion, other))
    hits, false = (np.triu(total[None, :] - total[:, None]) for total in (hits, false))
    dice = 2 * hits / np.maximum(hits + false + lesion.sum(), 1)
    low, high = np.unravel_index(dice.argmax(), dice.shape)
    return (float(BIN_EDGES[low]), float(BIN_EDGES[high])), float(dice.max())
