"""Matplotlib of 2021: styles, a keyword and a way to a 3D plot that are gone."""

__all__ = ["install_plots"]

import functools

from covid3dgan.notebooks.idioms.vanished_modules import is_installed


def install_plots(recorder):
    """Changes matplotlib in this process, where it is installed; ``recorder`` gets an event at every use."""
    if not is_installed("matplotlib"):
        return
    _styles(recorder)
    _axes(recorder)
    _colour_maps(recorder)


def _styles(recorder):
    """A style that is gone: its later name (seaborn-v0_8-...), or the default with a word in the report."""
    import matplotlib
    from matplotlib import style

    use = style.use

    @functools.wraps(use)
    def use_known(name):
        if isinstance(name, str) and name not in style.available and name != "default":
            later = name.replace("seaborn", "seaborn-v0_8", 1)
            if later in style.available:
                recorder.emit("adaptation", f"style {name}", later)
                return use(later)
            try:
                return use(name)
            except OSError:
                recorder.emit("adaptation", f"style {name}", "left out: this matplotlib has no such style")
                return None
        return use(name)

    style.use = matplotlib.style.use = use_known


def _axes(recorder):
    """``fig.gca(projection="3d")`` and ``grid(b=True)``."""
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    gca, grid = Figure.gca, Axes.grid

    @functools.wraps(gca)
    def gca_or_new(self, **kwargs):
        if not kwargs:
            return gca(self)
        recorder.emit("adaptation", "gca(...)", "add_subplot: gca takes no arguments any more")
        return self.add_subplot(**kwargs)

    @functools.wraps(grid)
    def grid_as_before(self, visible=None, *args, b=None, **kwargs):
        if b is not None:
            recorder.emit("adaptation", "grid(b=...)", "visible")
        return grid(self, visible if b is None else b, *args, **kwargs)

    Figure.gca, Axes.grid = gca_or_new, grid_as_before


def _colour_maps(recorder):
    """``cm.register_cmap``."""
    import matplotlib
    from matplotlib import cm

    if hasattr(cm, "register_cmap"):
        return

    def register_cmap(name=None, cmap=None):
        recorder.emit("adaptation", "cm.register_cmap", "matplotlib.colormaps.register")
        matplotlib.colormaps.register(cmap, name=name, force=True)

    cm.register_cmap = register_cmap
