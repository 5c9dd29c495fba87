"""What the benchmarks work on, made once per run, each in its own process so that its memory counts for no side."""

__all__ = ["folder", "gan_run", "phantom", "phantom_file", "phantom_nifti", "segmenter_run", "tflite_file"]

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
    from covid3dgan.data import phantom as maker

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
    return _made(f"segmenter_{preset.replace('/', '_')}", "make_run", "segmenter", preset)


def gan_run(preset="shabani/published"):
    """A run directory with an untrained GAN of the preset."""
    return _made(f"gan_{preset.replace('/', '_')}", "make_run", "gan", preset)


def make_run(path, kind, preset):
    from covid3dgan import compat, presets
    from covid3dgan.training import state
    from covid3dgan.training.gan3d import build_gan
    from covid3dgan.training.runs import Run
    from covid3dgan.training.segmenter import build_segmenter_training

    compat.seed_everything(0)
    preset = presets.get(preset)
    run = Run.start(path, kind, preset, 0)
    training = build_gan(preset.gan) if kind == "gan" else build_segmenter_training(preset, preset.gan.volume_shape[1:])
    run.checkpoints.save(1, state.capture(training.networks(), training.optimizers()))
    run.finish(threshold={"value": 0.2, "relative": False, "tuned": False}, step=1)


def tflite_file(kind):
    """The TFLite file of :func:`segmenter_run` or :func:`gan_run`'s generator."""
    part = {"segmenter": "segmenter", "gan": "generator"}[kind]
    run = segmenter_run() if kind == "segmenter" else gan_run()
    return _made(f"exported_{part}", "make_export", run, part) / f"{part}.tflite"


def make_export(path, run, part):
    from covid3dgan.export.write import export

    export(run, path, formats="tflite", part=part)
