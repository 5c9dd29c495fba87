"""The report of paper 002: Table 1 as its authors' code scores it, ordinary scores beside it, and its figures."""

__all__ = ["DATASET", "write_report"]

import numpy as np

from covid3dgan import presets
from covid3dgan.data.batches.slice_groups import group_slices
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.evaluation import khali_tables, report
from covid3dgan.evaluation.comparison import as_json
from covid3dgan.evaluation.figures.charts import slice_sum_box
from covid3dgan.evaluation.figures.panels import ablation_panel
from covid3dgan.evaluation.figures.preparation import preparation_panel
from covid3dgan.evaluation.figures.pseudo_masks import gan_panel
from covid3dgan.evaluation.figures.style import hounsfield
from covid3dgan.evaluation.figures.temperature_chart import temperature_chart
from covid3dgan.files import write_json
from covid3dgan.inference.lesions import score_maps
from covid3dgan.inference.pseudo_masks import make_pseudo_masks
from covid3dgan.models.transunet import transunet_encoder
from covid3dgan.presets.preprocessing import HU_SPAN
from covid3dgan.systems.first_screen import first_screen
from covid3dgan.systems.khali.tables import data_table, missing_table, settings_table
from covid3dgan.systems.predicted_masks import masks_section, view_links
from covid3dgan.systems.slices_shown import most_infected
from covid3dgan.training.khali.temperature import fit_on_groups
from covid3dgan.training.pseudo_slices import as_slices, load_pseudo_slices

DATASET = "Mosmed"  # the one data set of the paper, for training and for scoring
SHOWN = 4  # slices of figures 2, 3 and 5


def write_report(out, preset, execution, cohorts, models, generator, command, view=None):
    """Scores both networks on the scored cases, and writes tables and figures; returns the summaries.

    Args:
        models: "TransUNET" and "UNET" -> inference.lesions' segmenters.
        generator: of the GAN run.
        view: the page that shows the predicted masks, in ``out``; None where there is none.
    """
    train, prepared = out / "prepared" / "train", out / "prepared" / DATASET
    cases = open_prepared(prepared)
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
    encoder = transunet_encoder(models["TransUNET"].network)
    fit = fit_on_groups(lambda slices: encoder(slices, training=False), found.slices, groups, execution.seed)
    scored_trained = preset.cohort.covid_from == "scored"
    described = f"{cohorts.described[DATASET]}, {'WHICH TRAINED AS WELL (K21)' if scored_trained else 'held out'}"

    summaries = {method: {kind: result.summary(execution.seed) for kind, result in kinds.items()}
                 for method, kinds in results.items()}
    write_json(out / "tables.json", {
        "preset": preset.name, "seed": execution.seed, "phantom": cohorts.phantom, "scores": summaries,
        "thresholds": {method: {"value": model.threshold, "relative": model.relative}
                       for method, model in models.items()},
        "temperature": {"paper": 0.06, "fitted": fit.temperature, "stopped": fit.stopped,
                        "lowest_loss_at": fit.best_on_curve[0], "inside_the_bounds": fit.best_on_curve[1]},
        "tables": [as_json(*pair) for pair in khali_tables.numbers(results, DATASET, described, command,
                                                                   cohorts.phantom)]})
    shown = most_infected(truth, SHOWN)
    tables = khali_tables.tables(results, DATASET, described, command, cohorts.phantom)
    generated, first = _generated(cases, shown, generator, preset, execution.seed)
    title, lead = first_screen(preset, execution.seed, tuple({**cohorts.described, DATASET: described}.items()),
                               khali_tables.main_numbers(results, DATASET, described, command, cohorts.phantom),
                               first and first(models["TransUNET"], scores["TransUNET"]), command, view_links(view))
    dice = {DATASET: {row["case"]: 100 * row["dice"] for row in results["TransUNET"]["volumes"].per_case()}}
    report.write(out / "report.html", title, [
        report.Section("Cases", (data_table(out / "prepared", cohorts, DATASET), _preparation(cases, shown)),
                       cohorts.phantom),
        report.Section("TransUNet and UNet (Table 1)", (*tables, _segmented(models, cases, shown, scores)),
                       cohorts.phantom),
        report.Section("Pseudo-masks (Figures 3 and 4)", (generated, _box(sums, found, groups)), cohorts.phantom),
        report.Section("Temperature (3.3.2)", (
            report.Picture(temperature_chart(fit), _temperature_caption(fit), "temperature"),), cohorts.phantom),
        *masks_section(view, cohorts.phantom, dice),
        report.Section("Settings", (settings_table(preset),)),
        report.Section("What is not here", (missing_table(preset, cohorts),)),
        report.Section("Preset", (report.Code(presets.describe(preset), "Every field of the preset"),)),
    ], overwrite=True, lead=lead)
    return summaries


def _preparation(cases, shown):
    """Figure 2: the lungs, cut out of their box by their mask."""
    rows = [{"label": _label(cases, case, index), "pictures": (
        hounsfield(cases.cases[case].base[index]), cases.cases[case].lung_mask[index] > 0.5,
        hounsfield(cases.cases[case].lung[index]))} for case, index in shown]
    return report.Picture(preparation_panel(rows, ("CT around the lungs", "lung mask", "cropped lungs")),
                          "Figure 2: lungs cropped by the extracted masks.", "figure2")


def _generated(cases, shown, generator, preset, seed):
    """Figure 3: CT, synthesised healthy image and their difference; and a function of (model, its scores) that gives
    the first of these slices with its mask, as first_screen takes it (None where there is no slice)."""
    some = cases.take([case for case, _ in shown])
    volumes, lungs, truth = (some.array(name) for name in ("lung", "lung_mask", "infection"))
    made = make_pseudo_masks(generator, volumes, lungs, preset.pseudo, seed)
    rows = [{"label": _label(cases, case, index), "image": hounsfield(volumes[row, index]),
             "healthy": hounsfield(made.healthy[row, index]), "difference": made.difference[row, index] * HU_SPAN,
             "true": truth[row, index] > 0.5} for row, (case, index) in enumerate(shown)]

    def first(model, scores):
        case, index = shown[0]
        mask = khali_tables.masks_of(model, scores[case:case + 1], lungs[:1], preset.evaluation.within_lung)[0, index]
        row = rows[0]
        steps = (("CT", hounsfield(some.array("base")[0, index]), "hu"),
                 ("lungs as if healthy", row["healthy"], "hu"), ("difference", row["difference"], "difference"))
        return f"Case {cases.ids[case]}, its most infected slice ({index})", steps, mask, row["true"]

    return report.Picture(gan_panel(rows), "Figure 3: semi-healthy images by the 3D GAN: original (left), synthesised "
                          "(centre), difference (right).", "figure3"), first if shown else None


def _box(sums, found, groups):
    """Figure 4: the sums that part high from low infection."""
    quartiles = np.percentile(sums[found.lung_pixels > 0], (25, 50, 75))
    return report.Picture(
        slice_sum_box({"COVID slices": sums}, dict(zip(("Q1", "median", "Q3"), quartiles))),
        f"Figure 4: sums of the pseudo-masks. {groups.rule}. The paper's code printed Q1 = 10.115 and Q3 = 72.846.",
        "figure4")


def _segmented(models, cases, shown, scores):
    """Figure 5: the most infected slice of some cases, with both networks' masks."""
    truth, lungs = cases.array("infection"), cases.array("lung_mask")
    masks = {method: khali_tables.masks_of(model, scores[method], lungs) for method, model in models.items()}
    rows = []
    for case, index in shown:
        true = truth[case, index] > 0.5
        found = [masks[method][case, index] for method in khali_tables.METHODS]
        dice = [200.0 * (mask & true).sum() / max(1, mask.sum() + true.sum()) for mask in found]
        rows.append({"label": _label(cases, case, index), "image": hounsfield(cases.cases[case].lung[index]),
                     "true": true, "masks": found, "dice": dice})
    return report.Picture(ablation_panel(rows, khali_tables.METHODS),
                          "Figure 5: slices of scored cases. The paper shows the pseudo-mask as ground truth (K22); "
                          "this is the true mask.", "figure5")


def _label(cases, case, index):
    return f"{cases.ids[case].replace('_', chr(10), 1)}\nslice {index}"


def _temperature_caption(fit):
    lowest, inside = fit.best_on_curve
    judged = (f"The loss is lowest at {lowest:.3g}." if inside else
              f"The loss has no minimum between the bounds: it falls towards {lowest:.3g}.")
    return ("The contrastive temperature fitted by gradient descent on the trained encoder's features (section 3.3.2; "
            f"the paper reports 0.06). {judged}")
