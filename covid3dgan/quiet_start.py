"""Start-up messages of C++ code, kept silent: TensorFlow's lines about missing GPUs, TFLite's about its delegate."""

__all__ = ["quiet_tensorflow", "without_information"]

import contextlib
import importlib.abc
import importlib.util
import os
import sys
import tempfile


def quiet_tensorflow():
    """Hides what TensorFlow's C++ code prints while it is imported and below the level of errors afterwards.

    Its later versions print some of it whatever the level, so standard error is held back during the import; where the
    import fails, what was held back is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _QuietImport())


class _QuietImport(importlib.abc.MetaPathFinder):
    """Finds tensorflow, once, and has it loaded with standard error held back."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module):
                with _held_back():
                    load(module)

            spec.loader.exec_module = exec_module
        return spec


@contextlib.contextmanager
def without_information():
    """Leaves out the lines that C++ code prints to standard error with INFO before them; all others follow after the
    block."""
    with _elsewhere() as (held, real):
        try:
            yield
        finally:
            held.seek(0)
            os.write(real, b"".join(line for line in held if not line.startswith(b"INFO:")))


@contextlib.contextmanager
def _held_back():
    """Sends standard error to a file; prints the file if the block raises."""
    with _elsewhere() as (held, real):
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(real, held.read())
            raise


@contextlib.contextmanager
def _elsewhere():
    """Sends file descriptor 2 to a file: yields (the file, a descriptor of what 2 was)."""
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        real = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield held, real
        finally:
            os.dup2(real, 2)
            os.close(real)
