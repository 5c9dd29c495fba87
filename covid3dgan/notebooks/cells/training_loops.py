"""Loops that train, found by what they call: ``for i in range(10000): gan.train_on_batch(...)``, whatever the names."""

__all__ = ["LoopRules", "rounds"]

import ast
import itertools

from covid3dgan.notebooks.cells.text import HELPER

_TRAINS = {"train_on_batch", "fit", "fit_generator", "apply_gradients", "minimize", "train_step"}
_RANGES = {"range", "trange", "tnrange"}
_FEW = 10  # shorter loops are folds, or steps within a step


class LoopRules(ast.NodeTransformer):
    """An IPython AST transformer: ``for i in range(n)`` becomes ``for i in HELPER.rounds(range(n), 'range(n)')``.

    Functions that train count as well, in any cell after the one that defines them.
    """

    def __init__(self):
        self._trainers = set(_TRAINS)

    def visit_Module(self, node):
        # Functions may be defined in any order: until no further one is found to train.
        functions = [part for part in ast.walk(node) if isinstance(part, ast.FunctionDef)]
        while True:
            found = {part.name for part in functions if self._trains(part)} - self._trainers
            if not found:
                return self.generic_visit(node)
            self._trainers |= found

    def visit_For(self, node):
        self.generic_visit(node)
        if _counts(node.iter) and any(map(self._trains, node.body)):
            arguments = [node.iter, ast.Constant(ast.unparse(node.iter))]
            call = ast.Call(ast.Attribute(ast.Name(HELPER, ast.Load()), "rounds", ast.Load()), arguments, [])
            node.iter = ast.fix_missing_locations(ast.copy_location(call, node.iter))
        return node

    def _trains(self, node):
        calls = (part.func for part in ast.walk(node) if isinstance(part, ast.Call))
        return any(getattr(function, "attr", getattr(function, "id", None)) in self._trainers for function in calls)


def _counts(iterated):
    return any(isinstance(part, ast.Call) and getattr(part.func, "id", None) in _RANGES for part in ast.walk(iterated))


def rounds(recorder, steps, iterated, text):
    """``iterated``, or its first ``steps`` items where it has more than a few."""
    if steps is None or not hasattr(iterated, "__len__") or len(iterated) <= max(steps, _FEW):
        return iterated
    recorder.emit("cap", f"for ... in {text}", f"{steps} of {len(iterated)} rounds (--steps)")
    return itertools.islice(iterated, steps)
