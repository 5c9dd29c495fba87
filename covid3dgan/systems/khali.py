"""Paper 002's system, top to bottom: paper 001's GAN and pseudo-masks, then a UNet and a TransUNet that learn from the
same ones, then Table 1 as its authors' code scores it, and ordinary scores beside it.

Every stage is skipped where its result is there. Without real data the cohorts are phantoms, and every table says so.
"""

__all__ = ["DATASET", "reproduce"]

import dataclasses
from pathlib import Path

import numpy as np

from covid3dgan import presets, streams
from covid3dgan.data.batches.slice_groups import group_slices
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.evaluation import khali_tables, report
from covid3dgan.evaluation.figures.charts import slice_sum_box
from covid3dgan.evaluation.figures.panels import ablation_panel
from covid3dgan.evaluation.figures.style import hounsfield
from covid3dgan.evaluation.figures.temperature_chart import temperature_chart
from covid3dgan.files import write_json
from covid3dgan.inference.lesions import load_segmenter, load_transunet, score_maps
from covid3dgan.losses import fit_temperature
from covid3dgan.models.transunet import transunet_encoder
from covid3dgan.systems.cohorts import DEMO_SIZES, open_cohorts
from covid3dgan.systems.shabani import prepare_all
from covid3dgan.systems.stages import Stages, train_or_go_on
from covid3dgan.training.khali.train_transunet import train_transunet
from covid3dgan.training.pseudo_slices import as_slices, load_pseudo_slices
from covid3dgan.training.shabani.train_gan import train_gan
from covid3dgan.training.shabani.train_segmenter import train_segmenter

DATASET = "Mosmed"  # the one data set of the paper, for training and for scoring
SHOWN = 4  # slices of figure 5
FITTED = 64  # slices of each group that the temperature is fitted on


def reproduce(out, preset, execution, data=None, sizes=DEMO_SIZES, command="", overwrite=False):
    """Runs the whole system and writes ``out``/report.html and tables.json.

    Args:
        out: the folder of the run; called again with the same arguments it reuses the finished stages.
        preset: presets.khali.System.
        execution: training.loop.TrainingOptions.
        data: folder with the real data sets; None for phantoms.
        sizes: systems.cohorts.CohortSizes of the phantoms.
        command: what the report prints as the command that made it.
        overwrite: start anew where a finished run is.

    Returns:
        Path of report.html.
    """
    out = Path(out)
    stages = Stages(out, {"system": preset.system, "preset": presets.as_dict(preset), "seed": execution.seed,
                          "data": data, "sizes": dataclasses.asdict(sizes) if data is None else None},
                    ["cases", "preprocess", "GAN", "UNet", "TransUNet", "report"], overwrite,
                    folders=(*(["phantoms"] if data is None else []), "prepared", "gan", "unet", "transunet"))
    cohorts = open_cohorts(data, out / "phantoms", execution.seed, sizes, workers=execution.workers)
    # K21: the scored scans were trained on in the paper; here they are held out.
    cohorts = dataclasses.replace(cohorts, tests={DATASET: cohorts.tests[DATASET]})
    stages.run("cases", lambda: cohorts.described)
    stages.run("preprocess", lambda: prepare_all(cohorts, out / "prepared", preset, execution.workers))
    train, validation, test = (out / "prepared" / role for role in ("train", "validation", DATASET))

    stages.run("GAN", lambda: train_or_go_on(train_gan, train, path=out / "gan", preset=preset, execution=execution))
    for name, function in (("UNet", train_segmenter), ("TransUNet", train_transunet)):
        stages.run(name, lambda f=function, n=name: train_or_go_on(
            f, train, path=out / n.lower(), preset=preset, execution=execution, gan=out / "gan",
            validation=validation))
    models = {"TransUNET": load_transunet(out / "transunet"), "UNET": load_segmenter(out / "unet")}
    stages.run("report", lambda: _report(out, preset, execution, cohorts, models, train, test, command))
    stages.close()
    return out / "report.html"


def _report(out, preset, execution, cohorts, models, train, test, command):
    """Scores both networks on the held-out cases, and writes tables and figures; returns the summaries."""
    cases = open_prepared(test)
    cases = cases.take([i for i, case in enumerate(cases.cases) if case.infection is not None])
    volumes, truth, lungs = (cases.array(name) for name in ("lung", "infection", "lung_mask"))
    scores = {method: score_maps(model.network, as_slices(volumes)).reshape(volumes.shape)
              for method, model in models.items()}
    results = {method: khali_tables.method_scores(method, models[method], scores[method], truth, lungs, cases.ids,
                                                  preset.evaluation.slice_filters,
                                                  [case.spacing for case in cases.cases],
                                                  preset.evaluation.within_lung)
               for method in khali_tables.METHODS}
    found = load_pseudo_slices(train, out / "gan", preset.pseudo, execution.seed, preset.segmenter)
    sums = found.targets.sum((1, 2), dtype=np.float64)
    groups = group_slices(sums, preset.contrastive, found.lung_pixels)
    fit = _fitted_temperature(models["TransUNET"], found.slices, groups, execution.seed)
    described = f"{cohorts.described[DATASET]}, held out"

    summaries = {method: {kind: result.summary(execution.seed) for kind, result in kinds.items()}
                 for method, kinds in results.items()}
    write_json(out / "tables.json", {
        "preset": preset.name, "seed": execution.seed, "phantom": cohorts.phantom, "scores": summaries,
        "thresholds": {method: {"value": model.threshold, "relative": model.relative}
                       for method, model in models.items()},
        "temperature": {"paper": 0.06, "fitted": fit.temperature, "stopped": fit.stopped,
                        "lowest_loss_at": fit.best_on_curve[0], "inside_the_bounds": fit.best_on_curve[1]}})
    quartiles = np.percentile(sums[found.lung_pixels > 0], (25, 50, 75))
    figures = (
        report.Picture(slice_sum_box({"COVID slices": sums}, dict(zip(("Q1", "median", "Q3"), quartiles))),
                       f"Figure 4: sums of the pseudo-masks. {groups.rule}. The paper's code printed Q1 = 10.115 and "
                       "Q3 = 72.846.", "figure4"),
        report.Picture(_figure5(models, volumes, truth, lungs, scores),
                       "Figure 5: held-out slices. The paper shows the pseudo-mask as ground truth (K22); this is the "
                       "true mask.", "figure5"),
        report.Picture(temperature_chart(fit), _temperature_caption(fit), "temperature"),
    )
    tables = khali_tables.tables(results, DATASET, described, command, cohorts.phantom)
    report.write(out / "report.html", "TransUNet beside UNet (paper 002)", [
        report.Section("Table 1", tables, cohorts.phantom),
        report.Section("Figures", figures, cohorts.phantom),
        report.Section("Preset", (report.Code(presets.describe(preset)),)),
    ], overwrite=True)
    return summaries


def _fitted_temperature(model, slices, groups, seed):
    """Section 3.3.2's descent, on the trained encoder's features of slices of both groups."""
    rng = np.random.default_rng([seed, streams.TEMPERATURE_FIT])
    chosen = [rng.permutation(group)[:FITTED] for group in (groups.positive, groups.negative)]
    encoder = transunet_encoder(model.network)
    features = np.concatenate([np.asarray(encoder(slices[part][..., None], training=False), np.float32)
                               for part in chosen])
    return fit_temperature(features, np.repeat([1, 0], [len(part) for part in chosen]), seed=seed)


def _temperature_caption(fit):
    lowest, inside = fit.best_on_curve
    judged = (f"The loss is lowest at {lowest:.3g}." if inside else
              f"The loss has no minimum between the bounds: it falls towards {lowest:.3g}.")
    return ("The contrastive temperature fitted by gradient descent on the trained encoder's features (section 3.3.2; "
            f"the paper reports 0.06). {judged}")


def _figure5(models, volumes, truth, lungs, scores):
    """The most infected slice of some cases, with both networks' masks."""
    masks = {method: khali_tables.masks_of(model, scores[method], lungs) for method, model in models.items()}
    rows = []
    for case in range(min(SHOWN, len(volumes))):
        index = int(truth[case].sum((1, 2)).argmax())
        true = truth[case, index] > 0.5
        shown = [masks[method][case, index] for method in khali_tables.METHODS]
        dice = [200.0 * (mask & true).sum() / max(1, mask.sum() + true.sum()) for mask in shown]
        rows.append({"image": hounsfield(volumes[case, index]), "true": true, "masks": shown, "dice": dice})
    return ablation_panel(rows, khali_tables.METHODS)
