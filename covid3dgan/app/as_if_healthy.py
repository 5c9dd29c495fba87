"""A CT as its GAN would have it without lesions, for a segmenter that learned from one (paper 001, 3.1)."""

__all__ = ["AsIfHealthy", "generator_behind"]

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.recipe import prepare
from covid3dgan.errors import InputError
from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN
from covid3dgan.runs.directory import read_manifest

_NO_RUN = "No CT as if healthy: this network has no generator."
_NO_GAN = "No CT as if healthy: this segmenter learned from masks, without a generator."


@dataclasses.dataclass(frozen=True)
class AsIfHealthy:
    """A generator, ready for CTs.

    Args:
        generator: (ct, noise) of (B, D, H, W, 1) -> (B, D, H, W, 1), in [0, 1].
        preset: of the GAN's run, with ``preprocess``, ``gan`` and ``pseudo``.
        seed: of the latent noise, the same for every CT.
    """

    generator: Any
    preset: Any
    seed: int = 0

    def of(self, ct, lungs):
        """The CT in HU (X, Y, Z) float32: the generator's inside the lungs, itself outside of them.

        Args:
            ct: data.volumes.Volume in HU.
            lungs: (X, Y, Z), above 0 in the lungs.
        """
        from covid3dgan.inference.pseudo_masks import pseudo_healthy

        options = dataclasses.replace(self.preset.preprocess, shape=tuple(self.preset.gan.volume_shape), min_slices=1)
        case = prepare(ct, lung_mask=ct.like(lungs), options=options)
        healthy, _ = pseudo_healthy(self.generator, case.lung[None], self.preset.pseudo, self.seed)
        healthy = healthy[0]
        if options.lung_level is not None:  # what the generator saw was levelled; back to this patient's breath
            as_it_was = prepare(ct, lung_mask=ct.like(lungs), options=dataclasses.replace(options, lung_level=None))
            healthy = healthy + as_it_was.lung - case.lung
        on_ct = prepared_case.restore(case, healthy * HU_SPAN) + HU_RANGE[0]
        return np.where(lungs > 0, on_ct, ct.array).astype(np.float32)


def generator_behind(predictor):
    """(AsIfHealthy, None) of the GAN that a segmenter's run learned from, or (None, the sentence that says why not).

    Args:
        predictor: as ``load_predictor`` gives it.
    """
    described = predictor.describe()
    if "file" in described:  # exported: the run that it names is somebody else's, elsewhere
        return None, _NO_RUN
    run = described["run"]
    gan = read_manifest(Path(run) / "run.json").get("gan")
    if gan is None:
        return None, _NO_GAN
    if not (Path(gan) / "run.json").is_file():
        return None, f"No CT as if healthy: the GAN that this segmenter learned from is not at {gan} any more."
    from covid3dgan.inference.pseudo_masks import load_generator

    try:
        generator, preset, _ = load_generator(gan)
    except InputError as error:
        return None, f"No CT as if healthy: {error}"
    return AsIfHealthy(generator, preset), None
