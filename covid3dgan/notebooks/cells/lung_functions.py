"""Functions of a notebook that need PyTorch, or inner parts of lungmask, to make lung masks: ours in their place.

The published notebook Preprocess holds a changed copy of lungmask's functions. They are found by what they use, not by
their names: a name imported from the missing package, and something that only lung masks have.
"""

__all__ = ["LungFunctionRules", "lung_function"]

import ast
import re

from covid3dgan.errors import InputError
from covid3dgan.notebooks.cells.text import HELPER
from covid3dgan.notebooks.idioms.lung_masks import is_image

# Modules that work only with PyTorch; the stand-in for lungmask.mask works without.
_NEED_PYTORCH = ("torch", "torchvision", "lungmask.utils", "lungmask.resunet")
_KNOWN = {"torch", "LMInferer"}  # even where the import stands in a file that is not seen
_OF_LUNGS = re.compile(r"lung|r231|ltrclobes|reshape_mask|post_?p?rocessing|resunet|nohu", re.I)
_OF_LUNGMASK = {"apply", "apply_fused", "get_model"}  # its public functions, often copied one by one


class LungFunctionRules(ast.NodeTransformer):
    """An IPython AST transformer that replaces such functions where they are defined, in any cell, at any depth."""

    def __init__(self):
        self._names = set(_KNOWN)

    def visit_Import(self, node):
        for alias in node.names:
            if _needs_pytorch(alias.name):
                self._names.add(alias.asname or alias.name.partition(".")[0])
        return node

    def visit_ImportFrom(self, node):
        for alias in node.names:
            if _needs_pytorch(node.module or "") or _needs_pytorch(f"{node.module}.{alias.name}"):
                self._names.add(alias.asname or alias.name)
        return node

    def visit_ClassDef(self, node):
        """A class that holds the network: its methods get volumes, and making one needs nothing."""
        self.generic_visit(node)
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        if not used & self._names or not _speaks_of_lungs(node) or any(map(_is_network, node.bases)):
            return node
        body = []
        for part in node.body:
            body.append(part)
            if isinstance(part, ast.FunctionDef) and (part.name in ("__init__", "__call__") or self._needs(part)):
                body.append(_replacement(part))
                part.decorator_list = []
        node.body = body
        return node

    def _needs(self, function):
        return any(isinstance(part, ast.Name) and part.id in self._names for part in ast.walk(function))

    def visit_FunctionDef(self, node):
        self.generic_visit(node)  # its own imports are seen before it is judged
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        copied = node.name in _OF_LUNGMASK and "sitk" in used
        if not copied and not (used & self._names and (node.name in _OF_LUNGMASK or _speaks_of_lungs(node))):
            return node
        replaced = _replacement(node)
        node.decorator_list = []  # such as torch.no_grad()
        return [node, replaced]


def _replacement(function):
    replaced = ast.parse(f"{function.name} = {HELPER}.lung_function({function.name!r})").body[0]
    for part in ast.walk(replaced):
        ast.copy_location(part, function)
    return replaced


def _is_network(base):
    """Whether a base class is a network's, such as nn.Module, whose class is of use to its own package alone."""
    return "Module" in ast.unparse(base)


def _needs_pytorch(module):
    return any(module == name or module.startswith(name + ".") for name in _NEED_PYTORCH)


def _speaks_of_lungs(function):
    """Whether a name, an argument or a short text in the function is of lungs or of lungmask's own helpers."""
    for part in ast.walk(function):
        words = [getattr(part, field, None) for field in ("id", "attr", "arg", "name", "value")]
        if any(isinstance(word, str) and len(word) < 80 and _OF_LUNGS.search(word) for word in words):
            return True
    return False


def lung_function(name, labels):
    """The function that stands for the notebook's ``name``.

    It gives ``labels(volume)`` for the first volume among its arguments, None where it gets no array at all (a function
    that loads the network), and refuses anything else.
    """
    def ours(*args, **kwargs):
        given = [*args, *kwargs.values()]
        volumes = [argument for argument in given if getattr(argument, "ndim", None) == 3 or is_image(argument)]
        if volumes:
            return labels(volumes[0])
        others = [argument for argument in given if hasattr(argument, "shape")
                  or type(argument).__name__ == "Inert"]
        if not others:
            return None
        raise InputError(f"{name}()", "a volume (slices, rows, columns) in HU",
                         str(getattr(others[0], "shape", type(others[0]).__name__)),
                         "install torch and lungmask for anything else")

    ours.__name__ = name
    return ours
