"""How a contrastive temperature was fitted (paper 002, section 3.3.2)."""

__all__ = ["temperature_chart"]

from covid3dgan.evaluation.figures.style import BLUE, GREY, ORANGE, new_figure, styled

PAPER = 0.06


@styled
def temperature_chart(fit, title=None):
    """Left: the loss over all temperatures, the descent's end and the paper's value; right: the descent.

    Args:
        fit: losses.temperature.TemperatureFit.
    """
    figure = new_figure(6.4, 2.9)
    whole, descent = figure.subplots(1, 2)
    temperatures, losses = zip(*fit.curve)
    whole.semilogx(temperatures, losses, color=BLUE)
    whole.axvline(fit.temperature, color=ORANGE, label=f"descent: {fit.temperature:.3g} ({fit.stopped})")
    whole.axvline(PAPER, color=GREY, linestyle="--", label=f"paper: {PAPER}")
    whole.set_xlabel("temperature")
    whole.set_ylabel("contrastive loss")
    whole.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25))
    descent.plot(fit.temperatures, color=ORANGE)
    descent.set_yscale("log")
    descent.set_xlabel("update")
    descent.set_ylabel("temperature")
    for axes in (whole, descent):
        axes.grid()
    if title:
        figure.suptitle(title)
    return figure
