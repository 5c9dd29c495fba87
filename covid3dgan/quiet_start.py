"""TensorFlow's start-up messages: several lines about missing GPUs on every command of a CPU machine, kept silent."""

__all__ = ["quiet_tensorflow"]

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
def _held_back():
    """Sends file descriptor 2 to a file; prints the file if the block raises."""
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        real = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(real, held.read())
            raise
        finally:
            os.dup2(real, 2)
            os.close(real)
