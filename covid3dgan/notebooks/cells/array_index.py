"""Literal indices into the authors' arrays, such as slice 20744 of 21,248, fitted to the data at hand.

An index that is out of range here, and in range for the published array, keeps its place in proportion. Only numbers
that stand in the notebook's text are fitted, and sums and products of such numbers: an index that the notebook computed
from the data fails as ever.
"""

__all__ = ["ArrayIndices", "IndexRules"]

import ast

import numpy as np

from covid3dgan.notebooks.cells.text import HELPER

_PLACES = 128  # numbers in a sum that are above it are places in the authors' data; others are sides and counts
_LONGEST = 100_000  # values of a range of the notebook's text that are remembered


class IndexRules(ast.NodeTransformer):
    """An IPython AST transformer: ``a[i]`` becomes ``a[HELPER.index(a, i, 'a')]``.

    Args:
        literals: set that gets every whole number of the cells.
    """

    def __init__(self, literals):
        self.literals = literals

    def visit_Module(self, node):
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and type(part.value) is int and part.value > 1:
                self.literals.add(part.value)
            elif isinstance(part, ast.Call) and getattr(part.func, "id", None) == "range":
                self.literals.update(_values(part))
        return self.generic_visit(node)

    def visit_Subscript(self, node):
        self.generic_visit(node)
        if not _may_be_literal(node.slice):
            return node
        if _is_plain(node.value):  # read twice without any effect
            node.slice = _call("index", node, _loaded(node.value), _as_value(node.slice), node.value,
                               _numbers(node.slice))
            return node
        if isinstance(node.ctx, ast.Load):
            return _call("item", node, node.value, _as_value(node.slice))
        return node

    def visit_AnnAssign(self, node):
        node.target = self.visit(node.target)
        node.value = node.value and self.visit(node.value)
        return node

    def visit_arg(self, node):
        return node

    def visit_FunctionDef(self, node):
        returns, node.returns = node.returns, None
        self.generic_visit(node)
        node.returns = returns
        return node


def _may_be_literal(key):
    """Whether the first part of an index is a number, a name or an item that may be one, a range, a list of numbers."""
    first = key.elts[0] if isinstance(key, ast.Tuple) and key.elts else key
    if isinstance(first, ast.Constant):
        return type(first.value) is int
    if isinstance(first, ast.Slice):
        return isinstance(first.lower, (ast.Constant, ast.Name)) or _is_bound(first)
    if isinstance(first, ast.List):
        return bool(first.elts)
    if isinstance(first, ast.Call):
        return getattr(first.func, "attr", None) in ("array", "asarray")
    return isinstance(first, (ast.Name, ast.Subscript, ast.BinOp))


def _values(call):
    """The values of a ``range`` whose bounds are numbers of the text, the places among them."""
    bounds = [part.value for part in call.args if isinstance(part, ast.Constant) and type(part.value) is int]
    if len(bounds) != len(call.args) or not bounds or 0 in bounds[2:]:
        return ()
    found = range(*bounds)
    return found if len(found) <= _LONGEST and bounds[0] > 1 and len(bounds) > 1 else ()


def _numbers(key):
    """The numbers and names in a sum or product that is an index, as an expression; () where it is none."""
    first = key.elts[0] if isinstance(key, ast.Tuple) and key.elts else key
    parts = [part for part in ast.walk(first) if isinstance(part, (ast.Name, ast.Constant))]
    return ast.Tuple(parts if isinstance(first, ast.BinOp) and _is_arithmetic(first) else [], ast.Load())


def _is_arithmetic(node):
    return all(isinstance(part, (ast.BinOp, ast.operator, ast.Name, ast.Constant, ast.expr_context))
               for part in ast.walk(node))


def _is_bound(key):
    """Whether a slice is ``[:600]``."""
    return key.lower is None and key.step is None and isinstance(key.upper, ast.Constant)


def _is_plain(node):
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id != HELPER


def _loaded(node):
    return ast.parse(ast.unparse(node), mode="eval").body


def _as_value(key):
    """The index as an expression: slices become calls of ``slice``."""
    if isinstance(key, ast.Tuple):
        return ast.Tuple([_as_value(part) for part in key.elts], ast.Load())
    if isinstance(key, ast.Slice):
        parts = [part or ast.Constant(None) for part in (key.lower, key.upper, key.step)]
        return ast.Call(ast.Name("slice", ast.Load()), parts, [])
    return key


def _call(method, at, array, key, named=None, numbers=None):
    more = [ast.Constant(ast.unparse(named)), *([numbers] if numbers.elts else [])] if named is not None else []
    call = ast.Call(ast.Attribute(ast.Name(HELPER, ast.Load()), method, ast.Load()), [array, key, *more], [])
    return ast.fix_missing_locations(ast.copy_location(call, at))


class ArrayIndices:
    """Fits indices while the notebook runs.

    Args:
        recorder: gets an event for every index that changes.
        sizes: DataSizes, which knows how long the published arrays are, and the ones at hand.
    """

    def __init__(self, recorder, sizes):
        self.recorder, self.sizes = recorder, sizes
        self.literals = set()

    def index(self, array, key, name="", numbers=()):
        """The index to use for ``array[key]``.

        Args:
            numbers: the parts of a sum that the first index is.
        """
        first = key[0] if isinstance(key, tuple) and key else key
        length = _length(array)
        if length is None or self._in_range(first, length):
            return key
        if _is_whole(first) and any(_is_whole(part) and part > _PLACES and part in self.literals for part in numbers):
            fitted = self._place(first, length, name, computed=True)
        else:
            fitted = self._fitted(first, length, name)
        if fitted is first:
            return key
        return (fitted, *key[1:]) if isinstance(key, tuple) else fitted

    def item(self, array, key):
        """``array[key]``."""
        return array[self.index(array, key)]

    def _in_range(self, first, length):
        if isinstance(first, slice):
            bound = first.stop if first.start is None and first.step is None else first.start
            return not _is_whole(bound) or bound < length
        if _is_list(first):
            return all(not _is_whole(part) or part < length for part in first)
        return not _is_whole(first) or first < length

    def _fitted(self, first, length, name):
        if _is_list(first):
            return [self._place(part, length, name) for part in first]
        if not isinstance(first, slice):
            return self._place(first, length, name)
        if first.start is None:
            stop = self._place(first.stop, length, name)
            return slice(None, stop) if stop != first.stop else first
        start = self._place(first.start, length, name)
        if start == first.start or not _is_whole(first.stop):
            return slice(start, first.stop, first.step) if start != first.start else first
        return slice(start, min(length, start + max(1, first.stop - first.start)), first.step)

    def _place(self, index, length, name, computed=False):
        """One index, in proportion where the array at hand stands for a published one that has it."""
        if not _is_whole(index) or index < length or not (computed or index in self.literals):
            return index
        published = self.sizes.published_length(length, index, name)
        if published is None:
            return index
        value = int(index) * length // published
        self.recorder.emit("adaptation", f"index {index}" + (f" of {name}" if name else ""),
                           f"{value}: there are {length} here, {published} in the published data")
        return value


def _is_whole(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_list(key):
    return isinstance(key, list) or isinstance(key, np.ndarray) and key.ndim == 1 and key.dtype.kind in "iu"


def _length(array):
    """Number of items along the first axis of an array or a list; None for anything else."""
    if isinstance(array, (list, tuple)):
        return len(array)
    if isinstance(array, np.ndarray) or type(array).__name__ == "EagerTensor":
        return int(array.shape[0]) if len(array.shape) else None
    return None
