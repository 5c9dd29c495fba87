"""Changes to a cell's syntax tree: placeholders, loop counts, sizes of the authors' data, slices of path names."""

__all__ = ["COUNTS", "INTERVALS", "TreeRules"]

import ast
import re

from covid3dgan.notebooks.cells.data_sizes import AMBIGUOUS, CONSTANTS
from covid3dgan.notebooks.cells.text import HELPER

COUNTS = {"nb_epoch", "nb_epochs", "epochs", "epoch_count", "n_epochs", "num_epochs", "max_epochs", "iterations",
          "n_iterations", "num_iterations", "n_iter", "steps", "n_steps", "num_steps", "training_steps"}
# How often something is drawn or saved: never more seldom than once in a capped loop.
INTERVALS = {"plt_frq", "plot_frq", "plt_freq", "plot_freq", "plot_interval", "save_freq", "save_interval",
             "checkpoint_interval", "sample_interval", "print_freq"}
_BOUNDS = {"con_num", "cov_num"}
_NO_SIZES = {"seed", "random_state", "figsize", "dpi", "decay_steps", "bins"}
_PATH_SLICE_FROM = 20  # a slice of a path from here on cuts off the authors' own folder names
# Functions that read the path they are given; ``open`` by its mode.
_READERS = re.compile(r"load|read|imread|listdir|glob|scandir|exists|isfile|isdir|open$|import_", re.I)


class TreeRules(ast.NodeTransformer):
    """An IPython AST transformer.

    Args:
        recorder: gets an event for every change.
        placeholders: Placeholders, or None.
        steps: cap of every loop count; None leaves them.
    """

    def __init__(self, recorder, placeholders=None, steps=None):
        self.recorder = recorder
        self.placeholders = placeholders
        self.steps = steps
        self._ranges = 0
        self._reading = 0

    # Loop counts.

    def visit_keyword(self, node):
        if node.arg in _NO_SIZES:
            return node
        self._cap(node.arg, node, "value")
        bounds = node.arg in _BOUNDS
        self._ranges += bounds
        self.generic_visit(node)
        self._ranges -= bounds
        return node

    def visit_Assign(self, node):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        for name in names:
            self._cap(name, node, "value")
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        positional = [*node.args.posonlyargs, *node.args.args]
        for argument, index in zip(reversed(positional), range(len(node.args.defaults) - 1, -1, -1)):
            self._cap_default(argument.arg, node.args.defaults, index)
        for index, argument in enumerate(node.args.kwonlyargs):
            self._cap_default(argument.arg, node.args.kw_defaults, index)
        return self._without_docstring(node)

    def visit_AsyncFunctionDef(self, node):
        return self._without_docstring(node)

    def visit_ClassDef(self, node):
        return self._without_docstring(node)

    def _cap(self, name, holder, field):
        value = getattr(holder, field)
        if isinstance(value, ast.Constant):
            setattr(holder, field, self._capped(name, value))

    def _cap_default(self, name, defaults, index):
        if isinstance(defaults[index], ast.Constant):
            defaults[index] = self._capped(name, defaults[index])

    def _capped(self, name, constant):
        known = (name or "").lower()
        if self.steps is None or known not in COUNTS | INTERVALS:
            return constant
        if type(constant.value) is not int or constant.value <= self.steps:
            return constant
        self.recorder.emit("cap", f"{name}={constant.value}", f"{name}={self.steps} (--steps)")
        return ast.copy_location(ast.Constant(self.steps), constant)

    # Constants.

    def visit_Call(self, node):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", None)
        if name in _NO_SIZES or _is_helper(node.func):
            return node
        node.func = self.visit(node.func)
        # keras.layers.Conv2D(200, 3) is no size of the data; range(0, 200) and sample(range(200, 226)) are.
        self._ranges += name == "range"
        reads = bool(_READERS.match(name or "")) and not _opened_for_writing(node)
        self._reading += reads
        node.args = [self.visit(argument) for argument in node.args]
        self._ranges -= name == "range"
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        self._reading -= reads
        return node

    def visit_Constant(self, node):
        if isinstance(node.value, str) and self.placeholders is not None:
            path = self.placeholders.replace(node.value, bool(self._reading))
            return node if path is None else ast.copy_location(ast.Constant(path), node)
        if type(node.value) is int and node.value in CONSTANTS and (self._ranges or node.value not in AMBIGUOUS):
            return _expression(f"{HELPER}.size({node.value})", node)
        return node

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return node  # a string on its own is a comment
        return self.generic_visit(node)

    def visit_MatchValue(self, node):
        return node  # a pattern takes no call

    def visit_FormattedValue(self, node):
        node.value = self.visit(node.value)
        return node

    def _without_docstring(self, node):
        body = node.body
        documented = ast.get_docstring(node, clean=False) is not None
        kept, node.body = (body[:1], body[1:]) if documented else ([], body)
        self.generic_visit(node)
        node.body = kept + node.body
        return node

    # Slices of path names.

    def visit_Subscript(self, node):
        self.generic_visit(node)
        cut = node.slice
        if not (isinstance(node.ctx, ast.Load) and isinstance(cut, ast.Slice) and cut.upper is None
                and cut.step is None and isinstance(cut.lower, ast.Constant) and type(cut.lower.value) is int
                and cut.lower.value >= _PATH_SLICE_FROM):
            return node
        call = _expression(f"{HELPER}.tail(None, {cut.lower.value})", node)
        call.args[0] = node.value
        return call


def _opened_for_writing(call):
    modes = [part for part in [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
             if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return any(set(mode.value) & set("wax+") for mode in modes if len(mode.value) <= 3)


def _is_helper(function):
    return isinstance(function, ast.Attribute) and getattr(function.value, "id", None) == HELPER


def _expression(text, at):
    return ast.fix_missing_locations(ast.copy_location(ast.parse(text, mode="eval").body, at))

