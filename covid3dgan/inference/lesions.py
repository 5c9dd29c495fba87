"""Lesion masks for CTs: preprocess, score every slice, come back to the CT's own grid, cut."""

__all__ = ["LesionPredictor", "Prediction", "load_segmenter", "load_transunet", "score_maps"]

import csv
import dataclasses
import io
import time
import warnings
from typing import Any, Optional

import numpy as np

from covid3dgan.data.classical.sure_lesions import ground_glass, without_doubtful
from covid3dgan.data.preprocess import frame, lungs, prepared_case
from covid3dgan.data.preprocess.recipe import prepare
from covid3dgan.data.slice_image import SliceImage
from covid3dgan.errors import InputError, InputWarning
from covid3dgan.evaluation import metrics
from covid3dgan.files import atomic_write_text
from covid3dgan.inference.ct_objects import as_ct, as_mask
from covid3dgan.inference.doubts import doubts
from covid3dgan.inference.inputs import find_inputs, is_volume_file
from covid3dgan.inference.kept_lungs import KeptLungs
from covid3dgan.inference.neighbours import averaged_across
from covid3dgan.inference.outputs import output_paths, write_prediction
from covid3dgan.inference.slices import predict_slice, read_ct
from covid3dgan.inference.views import spread_over_views


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What the model says of one CT, on the CT's grid.

    ``mask`` uint8, ``scores`` float32 and ``lungs`` uint8 are (X, Y, Z), of a picture (rows, columns); ``facts`` holds
    volumes in ml (areas of a slice) and infection rates in percent of the lung, in all and per side, and ``warnings``:
    sentences on what is unlikely in it. ``uncertainty`` float32 (X, Y, Z) is the spread of the scores
    (inference/views.py) where the predictor was asked for it.
    """

    mask: np.ndarray
    scores: np.ndarray
    lungs: np.ndarray
    facts: dict
    uncertainty: Optional[np.ndarray] = None


@dataclasses.dataclass(frozen=True)
class LesionPredictor:
    """A UNet or TransUNet of a run, or exported, that finds lesions in CTs (inference.predictor.Predictor).

    Args:
        network: (B, H, W, 1) -> scores (B, H, W, 1).
        preset: a preset with ``preprocess`` and ``gan``.
        threshold, relative: where scores become a mask; relative to each network slice's own maximum (F23).
        described: what the JSON says of the model beside its threshold.
        lung_method: how lungs are found where no mask is given, see data.preprocess.lungs; None: as the preset says.
        window, turned: of pictures, see data.slice_image.read_picture.
        form: what masks are written as, one of inference.outputs.FORMATS.
        across: mm by which scores are averaged with those of neighbouring slices, see inference/neighbours.py.
        sure: what a score of each lesion without ground glass has to exceed, see data/classical/sure_lesions.py;
            None: no more than ``threshold``.
        uncertainty: predictions of whole CTs also say how sure the network is, which takes five times as long.
        kept_lungs: where ``predict_file`` keeps the lungs of each input by its id, see inference/kept_lungs.py.
    """

    network: Any
    preset: Any
    threshold: float
    relative: bool
    described: dict
    lung_method: Optional[str] = None
    window: Optional[tuple[float, float]] = None
    turned: Optional[str] = None
    form: str = "nifti"
    across: float = 0.0
    sure: Optional[float] = None
    uncertainty: bool = False
    kept_lungs: Optional[KeptLungs] = None
    noun = "CT"

    @property
    def lungs_by(self):
        """The lung method that is used on this machine."""
        return lungs.method_here(self.lung_method or self.preset.preprocess.lung_method)

    def scores(self, volume):
        """Lesion scores of a prepared lung image (slices, rows, columns), float32."""
        return score_maps(self.network, np.asarray(volume))

    def cut_scores(self, volume):
        """Scores to be cut at ``threshold``; where that is relative, shares of each slice's own maximum."""
        scores = self.scores(volume)
        return scores / np.maximum(scores.max((1, 2), keepdims=True), 1e-12) if self.relative else scores

    def case_scores(self, case, volume=None):
        """The cut scores of a PreparedCase, or of ``volume`` on its grid, averaged over neighbouring slices."""
        image = case.lung if volume is None else volume
        scores = self.cut_scores(image)
        return self.finds(averaged_across(scores, case.spacing[0], self.across) if self.across else scores, image,
                          case.spacing)

    def finds(self, scores, image, spacing):
        """Cut scores (slices, rows, columns) without what is doubtful, see data/classical/sure_lesions.py."""
        return (scores if self.sure is None else
                without_doubtful(scores, self.threshold, self.sure, ground_glass(image, spacing)))

    def predict(self, ct, lung_mask=None):
        """The :class:`Prediction` for one CT or slice.

        Args:
            ct: a Volume in HU, or anything that ``covid3dgan.segment`` takes.
            lung_mask: on the CT's grid, in any of these forms; it wins over ``lung_method``.
        """
        return self._predict(as_ct(ct, self.window, self.turned), lung_mask)

    def _predict(self, ct, lung_mask):
        """The :class:`Prediction` for a Volume or SliceImage whose values were checked."""
        lung_mask = None if lung_mask is None else as_mask(lung_mask)
        if isinstance(ct, SliceImage):
            if self.uncertainty:
                raise InputError(ct.source, "a CT of several slices for its uncertainty", "one slice",
                                 "leave --uncertainty out")
            return _warned(Prediction(*predict_slice(self, ct, lung_mask)))
        lung_array = lungs.lung_mask_for(ct, lung_mask, self.lungs_by)
        case = prepare(ct, lung_mask=ct.like(lung_array), options=self.options_for(ct))
        on_ct = prepared_case.restore(case, self.case_scores(case), order=1)
        mask = ((on_ct > self.threshold) & (lung_array > 0)).astype(np.uint8)
        spread = None
        if self.uncertainty:
            found = spread_over_views(lambda view: self.case_scores(case, view), case.lung)
            found = prepared_case.restore(case, found, order=1)
            spread = np.where(lung_array > 0, found, 0).astype(np.float32)
        facts = metrics.sizes(ct, mask, lung_array)
        facts["warnings"] = doubts(ct, lung_array, facts["infection_rate_percent"])
        return _warned(Prediction(mask, on_ct, lung_array, facts, spread))

    def options_for(self, ct):
        """How this CT is prepared: as those that the network learned from.

        Where these kept their slices' spacing, fewer slices stay as they are: the network sees one at a time.
        """
        slices, rows, columns = self.preset.gan.volume_shape
        options = self.preset.preprocess
        if options.spacing[0] is None and not options.resize_before_crop:
            slices = min(slices, frame.view(ct.array, ct.affine, options.orientation)[0].shape[0])
        return dataclasses.replace(options, shape=(slices, rows, columns), min_slices=1)

    def find(self, path, lungs=None):
        """The CTs at ``path``, with their lung masks."""
        return find_inputs(path, lungs)

    def paths(self, item, out, probability, overlay):
        """See ``outputs.output_paths``."""
        return output_paths(item, out, probability, overlay, self.form, self.uncertainty)

    def predict_file(self, item, paths):
        """Volumes in ml and rates in percent, and the seconds that it took."""
        started = time.perf_counter()
        ct = read_ct(item, self.window, self.turned)
        prediction = self._predict(ct, item.lungs)
        if self.kept_lungs is not None:
            self.kept_lungs.keep(item.id, prediction.lungs)
        name = str(self.described.get("run") or self.described.get("file"))
        write_prediction(prediction, ct, item, paths, self.form,
                         (name.rpartition("/")[2], str(self.described.get("sha256") or self.described.get("step"))))
        return {**prediction.facts, "seconds": round(time.perf_counter() - started, 2)}

    def record(self, item):
        """Where the lungs came from, and which DICOM series it was."""
        series = {} if item.series is None else {"dicom": item.series.facts()}
        return {"lungs": str(item.lungs) if item.lungs else self.lungs_by, **series}

    def describe(self):
        """The run or file, the thresholds, and what the caller said of pictures."""
        said = {name: getattr(self, name) for name in ("window", "turned") if getattr(self, name) is not None}
        return {**self.described, "threshold": self.threshold, "relative": self.relative,
                **({} if self.sure is None else {"sure": self.sure}), **said}

    def say(self, facts):
        """Volume and share of the lung."""
        rate = f"{facts['infection_rate_percent']:.2f} % of the lung"
        return f"{facts['infection_ml']:.1f} ml, {rate}" if "infection_ml" in facts else f"{rate} in this slice"

    def finish(self, results, out):
        """predictions.csv in the folder of the masks: a row for each CT."""
        if not is_volume_file(out):
            _write_csv(out / "predictions.csv", results)


def _warned(prediction):
    """A prediction, once its doubts are said."""
    for text in prediction.facts["warnings"]:
        warnings.warn(InputWarning(text), stacklevel=4)
    return prediction


# === Runs ===

def load_segmenter(path):
    """The UNet of a run of ``train segmenter``; the averaged one where the run has it."""
    # Networks of runs need TensorFlow, which exported ones do without.
    from covid3dgan.models.from_presets import segmenter_network

    return _of_run(path, "segmenter", lambda run, preset: (
        segmenter_network(preset.segmenter, preset.gan.volume_shape[1:]),
        "averaged" if preset.segmenter.ema_decay else "segmenter", "last"))


def load_transunet(path):
    """The TransUNet of a run of ``train transunet``: the best weights where the preset keeps those and validation cases
    have chosen any, else the averaged ones where the run has them."""
    from covid3dgan.models.from_presets import transunet_network, transunet_scores

    found = _of_run(path, "transunet", lambda run, preset: (
        transunet_network(preset.transunet, run.manifest["sides"]),
        "averaged" if preset.transunet.ema_decay else "network", preset.transunet.keep))
    return dataclasses.replace(found, network=transunet_scores(found.network, found.preset.transunet.output))


def _of_run(path, kind, build):
    """The predictor of a run; ``build(run, preset)`` gives the network, what its checkpoints call its last weights, and
    which weights are kept."""
    from covid3dgan import compat
    from covid3dgan.runs import state
    from covid3dgan.runs.directory import open_run

    run, preset = open_run(path, kind)
    checkpoint = run.newest_checkpoint()
    with compat.precision("float32"):  # whatever it was trained in: a mask should not depend on the precision
        network, last, keep = build(run, preset)
    state.put_kept_weights(network, keep, checkpoint.arrays, path, last)
    threshold = run.manifest.get("threshold", {"value": preset.threshold.value, "relative": preset.threshold.relative})
    described = {"run": str(path), "preset": preset.name,
                 "step": state.kept_step(keep, checkpoint.arrays) or checkpoint.step}
    across = preset.painted.across if hasattr(preset, "painted") else 0.0
    return LesionPredictor(network, preset, threshold["value"], threshold["relative"], described, across=across,
                           sure=threshold.get("sure"))


def score_maps(network, slices, batch_size=32):
    """Lesion scores of slices (S, H, W) -> (S, H, W) float32, in batches."""
    scores = [np.asarray(network(slices[i:i + batch_size][..., None], training=False), np.float32)[..., 0]
              for i in range(0, len(slices), batch_size)]
    return np.concatenate(scores) if scores else np.zeros_like(slices, np.float32)


def _write_csv(path, rows):
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))  # slices and CTs have different ones
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    atomic_write_text(path, text.getvalue())


def _cell(value):
    if isinstance(value, (list, tuple)):
        return " ".join(str(_cell(part)) for part in value)
    return f"{value:.4f}" if isinstance(value, float) else value
