"""What notebooks do to their own runtime: restart it, and ask for a GPU that is not there.

Colab's cells restart the runtime after an installation and stop without a GPU. Here nothing was installed, and the CPU
does the work.
"""

__all__ = ["Captured", "GpuRules", "install_restarts"]

import ast
import functools
import os
import re

from covid3dgan.notebooks.cells.text import HELPER

_GPU = re.compile(r"gpu|cuda", re.I)
_SET_UP = {"set_memory_growth", "set_visible_devices", "set_logical_device_configuration",
           "set_virtual_device_configuration", "set_session"}


def install_restarts(recorder, ipython):
    """``os.kill(os.getpid(), 9)``, ``os._exit``, ``exit()``, ``quit()`` and a shutdown of the kernel do nothing."""
    def stay(what):
        recorder.emit("skipped", what, "the kernel goes on: nothing was installed that needs a restart")

    kill = os.kill

    @functools.wraps(kill)
    def kill_others(pid, signal):
        return stay("os.kill of this kernel") if pid == os.getpid() else kill(pid, signal)

    os.kill = kill_others
    leave = os._exit  # forked workers end with it

    def exit_others(status=0):
        return stay("os._exit of this kernel") if os.getpid() == here else leave(status)

    here, os._exit = os.getpid(), exit_others
    if not hasattr(ipython, "magic"):  # gone in IPython 9
        type(ipython).magic = lambda self, line: self.run_line_magic(*line.partition(" ")[::2])
    for name in ("exit", "quit"):
        ipython.user_ns[name] = lambda *args, called=name: stay(f"{called}()")
    if hasattr(ipython, "kernel"):
        ipython.kernel.do_shutdown = _unless_asked_from_outside(ipython.kernel, stay)


def _unless_asked_from_outside(kernel, stay):
    shutdown = kernel.do_shutdown

    def do_shutdown(restart):
        from covid3dgan.notebooks.idioms.vanished_modules import called_by_notebook

        return stay("shutdown of this kernel") if called_by_notebook() else shutdown(restart)

    return do_shutdown


class Captured:
    """What ``%%capture NAME`` binds; the output is shown where it was made, so this holds none."""

    stdout = stderr = ""
    outputs = ()

    def show(self):
        """Nothing is left to show."""

    __call__ = show


class GpuRules(ast.NodeTransformer):
    """An IPython AST transformer for a machine without a GPU.

    A test for one that would end the notebook (``if ...: raise``, ``assert``) goes on; a setting of one is left out.
    """

    def visit_If(self, node):
        self.generic_visit(node)
        if _GPU.search(_names_and_texts(node.test)) and any(isinstance(part, ast.Raise) for part in node.body):
            node.body = [_note("a check that stops without a GPU", node)]
        return node

    def visit_Assert(self, node):
        text = _names_and_texts(node)
        return _note("a check that stops without a GPU", node) if _GPU.search(text) else node

    def visit_Expr(self, node):
        function = getattr(node.value, "func", None)
        name = getattr(function, "attr", getattr(function, "id", None))
        if name in _SET_UP:
            return _note(f"{name}()", node)
        return node


def _names_and_texts(node):
    """Names, attributes and texts of an expression, in one string; ``devices`` alone says what was asked for."""
    words = []
    for part in ast.walk(node):
        words += [str(getattr(part, field)) for field in ("id", "attr", "value") if
                  isinstance(getattr(part, field, None), str)]
    return " ".join(words).replace("physical_devices", "gpu")


def _note(what, at):
    statement = ast.parse(f"{HELPER}.no_gpu({what!r})").body[0]
    for part in ast.walk(statement):
        ast.copy_location(part, at)
    return statement
