"""The trained slice segmenter of a run, whatever network it is."""

__all__ = ["load_model"]

from covid3dgan.errors import InputError
from covid3dgan.runs.directory import open_run
from covid3dgan.training.khali.train_transunet import KIND, load_transunet
from covid3dgan.training.shabani.train_segmenter import load_segmenter

LOADERS = {"segmenter": load_segmenter, KIND: load_transunet}


def load_model(path):
    """The UNet or TransUNet of a run directory as a ``SegmenterModel``.

    Raises:
        InputError: no run, a run of another network, or one without a checkpoint.
    """
    kind = open_run(path)[0].manifest["kind"]
    if kind not in LOADERS:
        raise InputError(path, f"a run of kind {' or '.join(LOADERS)}", f"kind {kind}",
                         "name the folder of a trained segmenter or TransUNet")
    return LOADERS[kind](path)
