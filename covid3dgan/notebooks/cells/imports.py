"""Imports of a cell: TensorFlow's private copy of Keras, and packages that the notebook itself expects to miss."""

__all__ = ["ImportRules"]

import ast

_PRIVATE, _PUBLIC = "tensorflow.python.keras", "tensorflow.keras"
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class ImportRules(ast.NodeTransformer):
    """An IPython AST transformer.

    ``tensorflow.python.keras`` was never public: TensorFlow 2.15 has an old copy of Keras there that fails at its first
    step, later ones have none. It becomes ``tensorflow.keras``.

    Args:
        recorder: gets an event for every change.
        optional: set that gets the packages that are imported below ``try``: the notebook has an answer where one is
            missing, so it must get the truth.
    """

    def __init__(self, recorder, optional):
        self.recorder, self.optional = recorder, optional

    def visit_Try(self, node):
        if any(_catches(handler) for handler in node.handlers):
            for statement in node.body:
                if isinstance(statement, ast.Import):
                    self.optional.update(alias.name.partition(".")[0] for alias in statement.names)
                elif isinstance(statement, ast.ImportFrom):
                    self.optional.add((statement.module or "").partition(".")[0])
        return self.generic_visit(node)

    def visit_ImportFrom(self, node):
        module = node.module or ""
        if module == "tensorflow.python" and [alias.name for alias in node.names] == ["keras"]:
            self._reported()
            node.module = "tensorflow"
        elif _private(module):
            self._reported()
            node.module = _PUBLIC + module[len(_PRIVATE):]
        return node

    def visit_Import(self, node):
        for alias in node.names:
            if _private(alias.name) and alias.asname:
                self._reported()
                alias.name = _PUBLIC + alias.name[len(_PRIVATE):]
        return node

    def _reported(self):
        self.recorder.emit("alias", _PRIVATE, _PUBLIC)


def _private(module):
    return module == _PRIVATE or module.startswith(_PRIVATE + ".")


def _catches(handler):
    names = {part.id for part in ast.walk(handler.type) if isinstance(part, ast.Name)} if handler.type else _CAUGHT
    return bool(names & _CAUGHT)
