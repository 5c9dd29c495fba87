"""The client that runs a notebook's cells in a kernel of this very Python."""

__all__ = ["kernel_client"]

import re
import sys


def kernel_client(notebook, work):
    """An nbclient whose kernel is this very Python, whatever kernels are registered on the machine."""
    import logging

    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from nbclient import NotebookClient

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name):
            return KernelSpec(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                              display_name="Python 3", language="python")

    class Client(NotebookClient):
        """Hands on the last line that a cell printed, so that its loops can be followed."""

        show = staticmethod(lambda line: None)

        def process_message(self, message, cell, cell_index):
            if message["msg_type"] == "stream":
                lines = [line.strip() for line in re.split(r"[\r\n]", message["content"]["text"]) if line.strip()]
                if lines:
                    self.show(lines[-1])
            return super().process_message(message, cell, cell_index)

    logging.getLogger("traitlets").setLevel(logging.ERROR)
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisPython())
    # A busy machine may take minutes to start a kernel.
    return Client(notebook, km=manager, timeout=None, startup_timeout=600, record_timing=False,
                  store_widget_state=False, resources={"metadata": {"path": str(work)}})
