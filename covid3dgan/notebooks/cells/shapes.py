"""``reshape`` to the authors' number of cases, such as (64, 128, 128, 1): the data at hand says how many there are."""

__all__ = ["ReshapeRules", "reshaped"]

import ast
import math
import re

from covid3dgan.notebooks.cells.text import HELPER

_REFUSED = re.compile(r"cannot reshape array of size (\d+) into shape", re.I)


class ReshapeRules(ast.NodeTransformer):
    """An IPython AST transformer: ``x.reshape(64, 128)`` becomes ``HELPER.reshape(x.reshape, 64, 128)``."""

    def visit_Call(self, node):
        self.generic_visit(node)
        if getattr(node.func, "attr", None) != "reshape" or getattr(node.func.value, "id", None) == HELPER:
            return node
        ours = ast.Attribute(ast.Name(HELPER, ast.Load()), "reshape", ast.Load())
        call = ast.Call(ours, [node.func, *node.args], node.keywords)
        return ast.fix_missing_locations(ast.copy_location(call, node))


def reshaped(recorder, function, args, kwargs):
    """``function(*args, **kwargs)``, a reshape of NumPy; where the size does not fit, the first number of the shape
    gives way if the others leave a whole one."""
    try:
        return function(*args, **kwargs)
    except ValueError as error:
        found = _REFUSED.search(str(error))
        at = next((at for at, part in enumerate(args) if isinstance(part, (tuple, list, int))), None)
        if found is None or at is None:
            raise
        single = isinstance(args[at], int)  # x.reshape(64, 128, 128) and x.reshape((64, 128, 128))
        shape = args[at:] if single else args[at]
        rest = math.prod(shape[1:]) if all(isinstance(part, int) for part in shape) else 0
        if len(shape) < 2 or rest <= 0 or int(found[1]) % rest:
            raise
        first = int(found[1]) // rest
        recorder.emit("adaptation", f"reshape to {tuple(shape)}",
                      f"{first} in the place of {shape[0]}: so many are here")
        shape = (first, *shape[1:])
        return function(*args[:at], *(shape if single else (shape, *args[at + 1:])), **kwargs)
