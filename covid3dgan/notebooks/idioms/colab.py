"""Colab's own modules, where there is no Colab: nothing is mounted, uploaded or downloaded."""

__all__ = ["COLAB"]

import importlib

import numpy as np

from covid3dgan.notebooks.idioms.inert import inert_module


def _colab(module):
    for name in ("drive", "files", "output", "auth", "userdata", "data_table", "widgets", "runtime"):
        importlib.import_module(f"google.colab.{name}")
    return "no Colab here: nothing is mounted, uploaded or downloaded"


def _drive(module):
    def mount(mountpoint="/content/drive", *args, **kwargs):
        print(f"{mountpoint}: not mounted; files come from --map or are made from phantoms")

    module.mount, module.flush_and_unmount = mount, lambda *args, **kwargs: None


def _files(module):
    module.upload = lambda *args, **kwargs: {}
    module.download = lambda name, *args, **kwargs: print(f"{name}: left where it is")


def _output(module):
    inert_module(module)
    module.clear = lambda *args, **kwargs: None


def _auth(module):
    module.authenticate_user = lambda *args, **kwargs: print("no Colab here: nobody is asked to sign in")


def _runtime(module):
    module.unassign = lambda: print("no Colab here: nothing is given back")


def _download(module):
    """gdown and wget: as with the shell's lines of those names, nothing is fetched."""
    def fetched(*args, **kwargs):
        print("nothing is fetched: files come from --map or are made from phantoms")

    module.download = module.cached_download = module.download_folder = fetched
    return "nothing is fetched: files come from --map or are made from phantoms"


def _patches(module):
    def cv2_imshow(image):
        import matplotlib.pyplot as plt

        plt.imshow(np.asarray(image)[..., ::-1] if np.ndim(image) == 3 else image, cmap="gray")
        plt.axis("off")
        plt.show()

    module.cv2_imshow = cv2_imshow


class _Silent:
    """Whatever signs in to Google: every name, call and item of it is there and does nothing."""

    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self


def _sign_in(module):
    module.GoogleAuth = module.GoogleDrive = module.GoogleCredentials = _Silent()
    return "nobody is asked to sign in, and nothing is fetched"


COLAB = {
    "google": lambda module: None, "google.colab": _colab, "google.colab.drive": _drive, "google.colab.files": _files,
    "google.colab.patches": _patches, "google.colab.output": _output, "google.colab.auth": _auth,
    **{name: lambda module: None for name in ("pydrive", "pydrive2", "oauth2client")},
    **{name: _sign_in for name in ("pydrive.auth", "pydrive.drive", "pydrive2.auth", "pydrive2.drive",
                                   "oauth2client.client")},
    "google.colab.runtime": _runtime, "gdown": _download, "wget": _download,
    **{f"google.colab.{name}": inert_module for name in ("userdata", "data_table", "widgets")},
}
