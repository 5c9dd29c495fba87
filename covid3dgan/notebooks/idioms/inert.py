"""Stand-ins for packages that a notebook imports but that are not installed: importing works, use says why not."""

__all__ = ["Inert", "MissingPackage", "inert_module"]


# Settings: without the package there is nothing to set.
_WITHOUT_EFFECT = {"manual_seed", "manual_seed_all", "empty_cache", "set_option", "set_style", "set_theme",
                   "set_context", "set_palette", "despine", "simplefilter", "filterwarnings"}


class MissingPackage(ImportError):
    """Something of a package that is not installed was used."""

    def __init__(self, name):
        package = name.partition(".")[0]
        super().__init__(f"{name}: expected the package {package}, found it not installed; install it (a file of your "
                         "own: put it beside the notebook), or leave the cell out with --keep-going.")


class Inert:
    """A function or module of a missing package: it can be imported and asked for further names, and nothing else."""

    def __init__(self, name):
        self.__dict__["_name"] = name

    def __getattr__(self, attribute):
        return _name_of(self._name, attribute)

    def __call__(self, *args, **kwargs):
        name = self._name.rpartition(".")[2]
        if name in ("no_grad", "inference_mode"):
            return lambda function: function  # as a decorator only
        if self._name.endswith("cuda.is_available"):
            return False  # and so it is
        if self._name.endswith("cuda.device_count"):
            return 0
        if name in _WITHOUT_EFFECT or self._name in ("seaborn.set", "google.colab.output.eval_js"):
            return None
        if self._name == "torch.device":
            return Inert("torch.device")  # named at the top of many cells, used where a network runs
        raise MissingPackage(self._name)

    def __bool__(self):
        raise MissingPackage(self._name)

    def __iter__(self):
        raise MissingPackage(self._name)

    def __repr__(self):
        return f"<{self._name}: not installed>"


class _InertType(type):
    """The type of classes of a missing package: they can be subclassed and tested against, but not made."""

    def __getattr__(cls, attribute):
        return _name_of(f"{cls.__module__}.{cls.__name__}", attribute)


def _name_of(owner, attribute):
    if attribute.startswith("_"):
        raise AttributeError(attribute)
    name = f"{owner}.{attribute}"
    if not attribute[0].isupper():
        return Inert(name)

    def refuse(self, *args, **kwargs):
        raise MissingPackage(name)

    return _InertType(attribute, (), {"__init__": refuse, "__module__": owner})


def inert_module(module):
    """Makes a new module answer every name with something inert."""
    if "." not in module.__name__:
        module.__version__ = "0+not.installed"  # notebooks print it

    def attribute(name):
        if name == "__all__":  # ``from PACKAGE import *``: nobody knows which names the cells will miss
            raise MissingPackage(f"{module.__name__}.*")
        return _name_of(module.__name__, name)

    module.__getattr__ = attribute
