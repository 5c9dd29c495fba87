"""Names that libraries and Python itself have dropped since 2021, given back where a notebook mentions them."""

__all__ = ["install_former_names", "keras_modules", "put_back"]

import importlib

from covid3dgan.notebooks.idioms.vanished_modules import is_installed

_ABSTRACT = ("Callable", "Hashable", "Iterable", "Iterator", "Mapping", "MutableMapping", "Sequence", "Set")
# Module -> former name -> today's, as "module.name".
FORMER = {
    "time": {"clock": "time.perf_counter"},
    "collections": {name: f"collections.abc.{name}" for name in _ABSTRACT},
    "matplotlib.cm": {"get_cmap": "matplotlib.pyplot.get_cmap"},
    "scipy": {name: f"numpy.{name}" for name in ("array", "interp", "linspace", "mean", "ones", "sqrt", "zeros")},
    "scipy.integrate": {"cumtrapz": "scipy.integrate.cumulative_trapezoid", "simps": "scipy.integrate.simpson",
                        "trapz": "scipy.integrate.trapezoid"},
    "skimage.measure": {"compare_mse": "skimage.metrics.mean_squared_error",
                        "compare_psnr": "skimage.metrics.peak_signal_noise_ratio",
                        "compare_ssim": "covid3dgan.notebooks.idioms.former_names.compare_ssim",
                        "marching_cubes_lewiner": "skimage.measure.marching_cubes"},
    "skimage.morphology": {"watershed": "skimage.segmentation.watershed"},
}


def install_former_names(recorder, source):
    """Puts back the names in FORMER that ``source`` mentions; ``recorder`` gets an event at every use."""
    for module, names in FORMER.items():
        wanted = {name: target for name, target in names.items() if name in source}
        if not wanted or not is_installed(module.partition(".")[0]):
            continue
        module = importlib.import_module(module)
        for name, target in wanted.items():
            if not hasattr(module, name):
                put_back(module, name, _found(target), recorder, target)


def compare_ssim(first, second, **kwargs):
    """scikit-image's structural similarity, which once took its range of values from the type alone."""
    from skimage.metrics import structural_similarity
    from skimage.util.dtype import dtype_range

    low, high = dtype_range[first.dtype.type]
    if kwargs.pop("multichannel", False):
        kwargs["channel_axis"] = -1
    return structural_similarity(first, second, **{"data_range": high - low, **kwargs})


def _found(target):
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)


def keras_modules(*ends):
    """The modules that a notebook may get for ``keras.layers`` and the like (``ends``), loaded now.

    TensorFlow hands the same names out below two roots of its own, as modules that are made when they are first asked
    for.
    """
    roots = {"keras", "tensorflow.keras", importlib.import_module("tensorflow").keras.__name__}
    found = [importlib.import_module(f"{root}.{end}") for root in sorted(roots) for end in ends]
    return list({id(module): module for module in found}.values())


def put_back(module, name, value, recorder, how="put back"):
    """Makes ``module.name`` give ``value`` and report it (where ``recorder`` is given).

    A module has one ``__getattr__``, which answers for all of its names.
    """
    table = module.__dict__.setdefault("_covid3dgan_names", {})
    if not table:
        former = module.__dict__.get("__getattr__")

        def attribute(wanted):
            if wanted in table:
                value, reporter, how = table[wanted]
                if reporter is not None:
                    reporter.emit("alias", f"{module.__name__}.{wanted}", how)
                return value
            if former is not None:
                return former(wanted)
            raise AttributeError(f"module {module.__name__!r} has no attribute {wanted!r}")

        module.__getattr__ = attribute
    table[name] = value, recorder, how
