"""Literal indices into the authors' arrays, such as slice 20744 of 21,248, fitted to the data at hand.

An index that is out of range here, and in range for the published array, keeps its place in proportion. Only numbers
that stand in the notebook's text are fitted: an index that the notebook computed fails as ever.
"""

__all__ = ["ArrayIndices", "IndexRules"]

import ast

import numpy as np

from covid3dgan.notebooks.cells.text import HELPER


class IndexRules(ast.NodeTransformer):
    """An IPython AST transformer: ``a[i]`` becomes ``a[HELPER.index(a, i, 'a')]``.

    Args:
        literals: set that gets every whole number of the cells.
    """

    def __init__(self, literals):
        self.literals = literals

    def visit_Module(self, node):
        self.literals.update(part.value for part in ast.walk(node)
                             if isinstance(part, ast.Constant) and type(part.value) is int and part.value > 1)
        return self.generic_visit(node)

    def visit_Subscript(self, node):
        self.generic_visit(node)
        if not _may_be_literal(node.slice):
            return node
        if _is_plain(node.value):  # read twice without any effect
            node.slice = _call("index", node, _loaded(node.value), _as_value(node.slice), node.value)
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
        return isinstance(first.lower, (ast.Constant, ast.Name))
    if isinstance(first, ast.List):
        return bool(first.elts) and all(isinstance(part, ast.Constant) for part in first.elts)
    return isinstance(first, (ast.Name, ast.Subscript))


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


def _call(method, at, array, key, named=None):
    name = [ast.Constant(ast.unparse(named))] if named is not None else []
    call = ast.Call(ast.Attribute(ast.Name(HELPER, ast.Load()), method, ast.Load()), [array, key, *name], [])
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

    def index(self, array, key, name=""):
        """The index to use for ``array[key]``."""
        first = key[0] if isinstance(key, tuple) and key else key
        length = _length(array)
        if length is None or self._in_range(first, length):
            return key
        fitted = self._fitted(first, length, name)
        if fitted is first:
            return key
        return (fitted, *key[1:]) if isinstance(key, tuple) else fitted

    def item(self, array, key):
        """``array[key]``."""
        return array[self.index(array, key)]

    def _in_range(self, first, length):
        if isinstance(first, slice):
            return not _is_whole(first.start) or first.start < length
        if isinstance(first, list):
            return all(not _is_whole(part) or part < length for part in first)
        return not _is_whole(first) or first < length

    def _fitted(self, first, length, name):
        if isinstance(first, list):
            return [self._place(part, length, name) for part in first]
        if not isinstance(first, slice):
            return self._place(first, length, name)
        start = self._place(first.start, length, name)
        if start == first.start or not _is_whole(first.stop):
            return slice(start, first.stop, first.step) if start != first.start else first
        return slice(start, min(length, start + max(1, first.stop - first.start)), first.step)

    def _place(self, index, length, name):
        """One index, in proportion where the array at hand stands for a published one that has it."""
        if not _is_whole(index) or index < length or index not in self.literals:
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


def _length(array):
    """Number of items along the first axis of an array or a list; None for anything else."""
    if isinstance(array, (list, tuple)):
        return len(array)
    if isinstance(array, np.ndarray) or type(array).__name__ == "EagerTensor":
        return int(array.shape[0]) if len(array.shape) else None
    return None
