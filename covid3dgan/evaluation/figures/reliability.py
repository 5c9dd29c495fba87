"""The reliability curve: which share of the voxels of one score is lesion."""

__all__ = ["reliability_chart"]

from covid3dgan.evaluation.figures.style import BLUE, GREY, new_figure, styled


@styled
def reliability_chart(curve, title="Scores on held-out phantoms"):
    """Above: share of lesion over score, and what a calibrated network would have; below: voxels of each score.

    Args:
        curve: evaluation.reliability.Reliability.
    """
    figure = new_figure(3.6, 4.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="calibrated")
    above.plot(curve.score, curve.share, color=BLUE, marker="o", label=f"found (error {curve.error:.3f})")
    above.set_ylabel("share of lesion")
    above.set_title(title)
    above.legend()
    below.bar(curve.score, curve.count, width=0.08, color=BLUE)
    below.set_yscale("log")
    below.set_ylabel("voxels")
    below.set_xlabel("score")
    return figure
