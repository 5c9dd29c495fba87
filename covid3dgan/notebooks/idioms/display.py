"""Ways of showing things that have gone or that lack a package here: progress bars, styles, drawings of models."""

__all__ = ["install_display"]

import functools
import importlib.util

_ASKED_FOR = ("tqdm", "matplotlib", "PIL", "plot_model")


def install_display(recorder, source):
    """Puts back what the notebook's ``source`` mentions."""
    for name, install in zip(_ASKED_FOR, (_tqdm, _matplotlib, _pillow, _plot_model)):
        if name in source and (name == "plot_model" or importlib.util.find_spec(name)):
            install(recorder)


def _tqdm(recorder):
    """A bar of text where ipywidgets, which draws ``tqdm.notebook``'s, is not installed."""
    if importlib.util.find_spec("ipywidgets"):
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


def _matplotlib(recorder):
    """A style that is gone: its later name (seaborn-v0_8-...), or the default with a word in the report."""
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

    style.use = use_known
    import matplotlib

    matplotlib.style.use = use_known


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

    if importlib.util.find_spec("pydot") and shutil.which("dot"):
        return

    def summary_as_picture(model, to_file="model.png", *args, **kwargs):
        recorder.emit("adaptation", "plot_model", "the summary as text: pydot or Graphviz is not installed")
        lines = []
        model.summary(print_fn=lambda line, **kwargs: lines.extend(str(line).splitlines()))
        return _picture(lines, to_file)

    found = {id(getattr(module, "__dict__", {}).get("plot_model")) for name, module in list(sys.modules.items())
             if name.endswith("keras.utils")} - {id(None)}
    for module in list(sys.modules.values()):
        if id(getattr(module, "__dict__", {}).get("plot_model")) in found:
            module.plot_model = summary_as_picture


def _picture(lines, to_file):
    """Writes ``lines`` to the image ``to_file`` and gives what a notebook shows."""
    from IPython.display import Image
    from matplotlib.figure import Figure

    width = max(map(len, lines), default=1)
    figure = Figure(figsize=(max(2, 0.075 * width), max(1, 0.16 * len(lines))), dpi=72)
    figure.text(0, 1, "\n".join(lines), family="monospace", size=8, va="top")
    figure.savefig(to_file)
    return Image(filename=str(to_file)) if str(to_file).endswith(".png") else None
