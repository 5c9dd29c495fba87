"""What the benchmarks work on, made once per run, each in its own process so that its memory counts for no side."""

__all__ = ["folder", "phantom", "phantom_file", "phantom_nifti", "seeded_gan", "segmenter_run"]

import dataclasses
import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.bench import ROOT


def folder():
    """The folder of this run of the benchmarks (``python -m benchmarks`` makes and removes it)."""
    return Path(os.environ.get("COVID3DGAN_BENCHMARKS") or tempfile.gettempdir())


def _made(name, maker, *arguments):
    path = folder() / name
    with open(folder() / f".{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # sides that get ready together may want the same
        if not path.exists():
            code = f"import sys; from benchmarks import material; material.{maker}(*sys.argv[1:])"
            subprocess.run([sys.executable, "-c", code, str(path), *map(str, arguments)], check=True, cwd=ROOT,
                           stdout=subprocess.DEVNULL)
    return path


def phantom(size):
    """A coronacases-like phantom of ``size``: dict with ``ct`` (HU), ``affine``, ``lungs``, ``infection``."""
    with np.load(phantom_file(size)) as held:
        return dict(held)


def phantom_file(size):
    """The .npz file of :func:`phantom`."""
    return _made(f"phantom_{'x'.join(map(str, size))}.npz", "make_phantom", *size)


def make_phantom(path, *size):
    from covid3dgan.data.phantoms import chest_ct as maker

    case = maker.generate("coronacases-like", 0, size=tuple(int(n) for n in size))
    np.savez(path, ct=case.ct.array, affine=case.ct.affine, lungs=case.lungs.array, infection=case.infection.array)


def phantom_nifti(size):
    """The CT of :func:`phantom` as a NIfTI file; its path."""
    return _made(f"ct_{'x'.join(map(str, size))}.nii.gz", "make_nifti", *size)


def make_nifti(path, *size):
    from covid3dgan.data import volumes

    held = phantom([int(n) for n in size])
    volumes.write(volumes.Volume(held["ct"], held["affine"]), path)


def segmenter_run(preset="shabani/improved"):
    """A run directory with an untrained segmenter of the preset: as large and as slow as a trained one."""
    return _made(f"segmenter_{preset.replace('/', '_')}", "make_segmenter_run", preset)


def make_segmenter_run(path, preset):
    from covid3dgan import compat, presets
    from covid3dgan.runs import state
    from covid3dgan.runs.directory import Run
    from covid3dgan.training.shabani.segmenter import build_segmenter_training

    compat.seed_everything(0)
    preset = presets.get(preset)
    run = Run.start(path, "segmenter", preset, 0)
    training = build_segmenter_training(preset, preset.gan.volume_shape[1:])
    run.checkpoints.save(1, state.capture(training.networks(), training.optimizers()))
    run.finish(threshold={"value": 0.2, "relative": False, "tuned": False}, step=1)


def seeded_gan(preset, precision, batch, shape, accumulate=1, recompute=False):
    """(the preset's GAN for volumes of ``shape``, its options)."""
    from covid3dgan import compat, presets
    from covid3dgan.training.shabani.gan3d import build_gan

    compat.seed_everything(0)
    compat.set_precision(precision)
    options = dataclasses.replace(presets.get(preset).gan, batch_size=batch, volume_shape=tuple(shape))
    return build_gan(options, accumulate, recompute), options
