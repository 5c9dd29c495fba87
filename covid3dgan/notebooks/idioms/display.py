"""Ways of showing things that have gone or that lack a package here: progress bars, drawings of models, filters."""

__all__ = ["install_display"]

import io

from covid3dgan.notebooks.idioms.plots import install_plots
from covid3dgan.notebooks.idioms.vanished_modules import is_installed

_ASKED_FOR = ("tqdm", "matplotlib", "PIL")


def install_display(recorder, source):
    """Puts back what the notebook's ``source`` mentions."""
    for name, install in zip(_ASKED_FOR, (_tqdm, install_plots, _pillow)):
        if name in source and is_installed(name):
            install(recorder)
    if "plot_model" in source or "model_to_dot" in source:
        _plot_model(recorder)


def _tqdm(recorder):
    """A bar of text where ipywidgets, which draws ``tqdm.notebook``'s, is not installed."""
    if is_installed("ipywidgets"):
        return
    import warnings

    import tqdm
    import tqdm.std

    class TextBar(tqdm.std.tqdm):
        def __init__(self, *args, **kwargs):
            recorder.emit("adaptation", "tqdm.notebook", "a bar of text: ipywidgets is not installed")
            super().__init__(*args, **kwargs)

    with warnings.catch_warnings():  # each module says that it misses ipywidgets
        warnings.simplefilter("ignore")
        import tqdm.auto
        import tqdm.autonotebook
        import tqdm.notebook

    def text_range(*args, **kwargs):
        return TextBar(range(*args), **kwargs)

    for module in (tqdm.notebook, tqdm.auto, tqdm.autonotebook):
        module.tqdm, module.trange = TextBar, text_range
    tqdm.notebook.tqdm_notebook = tqdm.tqdm_notebook = TextBar
    tqdm.notebook.tnrange = tqdm.tnrange = text_range


def _pillow(recorder):
    """Filters under the names that Pillow 10 dropped."""
    from PIL import Image

    names = {"ANTIALIAS": "LANCZOS", "LINEAR": "BILINEAR", "CUBIC": "BICUBIC"}

    def attribute(name):
        if name in names:
            recorder.emit("alias", f"PIL.Image.{name}", names[name])
            return getattr(Image, names[name])
        raise AttributeError(f"module 'PIL.Image' has no attribute {name!r}")

    Image.__getattr__ = attribute


def _plot_model(recorder):
    """``plot_model`` without pydot or Graphviz: the model's summary, drawn as text."""
    import shutil
    import sys

    if is_installed("pydot") and shutil.which("dot"):
        return

    def summary_as_picture(model, to_file="model.png", *args, **kwargs):
        recorder.emit("adaptation", "plot_model", "the summary as text: pydot or Graphviz is not installed")
        return _picture(_summary(model), to_file)

    def summary_as_graph(model, *args, **kwargs):
        recorder.emit("adaptation", "model_to_dot", "the summary as text: pydot or Graphviz is not installed")
        return _Graph(model)

    for name, ours in (("plot_model", summary_as_picture), ("model_to_dot", summary_as_graph)):
        found = {id(getattr(module, "__dict__", {}).get(name)) for module_name, module in list(sys.modules.items())
                 if module_name.endswith(("keras.utils", "vis_utils", "model_visualization"))} - {id(None)}
        for module in list(sys.modules.values()):
            if id(getattr(module, "__dict__", {}).get(name)) in found:
                setattr(module, name, ours)


def _summary(model):
    lines = []
    model.summary(print_fn=lambda line, **kwargs: lines.extend(str(line).splitlines()))
    return lines


class _Graph:
    """What ``model_to_dot`` gives, as far as notebooks show or save it."""

    def __init__(self, model):
        self._lines = _summary(model)

    def create(self, prog=None, format="png", **kwargs):
        """The picture's bytes."""
        content = io.BytesIO()
        _drawn(self._lines).savefig(content, format=format)
        return content.getvalue()

    def create_png(self, **kwargs):
        """The same as PNG."""
        return self.create()

    def write_png(self, path, **kwargs):
        """The same in a file."""
        _drawn(self._lines).savefig(path)


def _picture(lines, to_file):
    """Writes ``lines`` to the image ``to_file`` and gives what a notebook shows."""
    from IPython.display import Image

    _drawn(lines).savefig(to_file)
    return Image(filename=str(to_file)) if str(to_file).endswith(".png") else None


def _drawn(lines):
    from matplotlib.figure import Figure

    width = max(map(len, lines), default=1)
    figure = Figure(figsize=(max(2, 0.075 * width), max(1, 0.16 * len(lines))), dpi=72)
    figure.text(0, 1, "\n".join(lines), family="monospace", size=8, va="top")
    return figure
