"""What paper 002's text says of its cases and settings, beside ours; and what of the paper is not in the report."""

__all__ = ["data_table", "missing_table", "settings_table"]

from covid3dgan.evaluation import paper_tables, report
from covid3dgan.systems.shabani_tables import prepared_cases


def data_table(prepared, cohorts, dataset):
    """The paper's cases beside those that were prepared.

    Args:
        prepared: folder with the prepared cases of each role.
        cohorts: systems.cohorts.Cohorts.
        dataset: the name of the scored data set.
    """
    scans = paper_tables.numbers()["002"]["scans"]

    def row(use, kind, paper, role, what, parts):
        count, _ = prepared_cases(prepared, role, what)
        known = [cohorts.described[part] for part in parts if part in cohorts.described]
        return use, kind, paper, str(count), "; ".join(known) or "-"

    rows = (
        row("training", "healthy", str(scans["healthy"]), "train", "healthy", ("train_healthy", "train")),
        row("training", "COVID-19", f"100 (3.1), {scans['covid']} (4.1.2)", "train", "covid",
            ("train_mild", "train_severe", "train")),
        row("scored", "COVID-19 with masks", str(scans["covid"]), dataset, "covid", (dataset,)),
        row("threshold and best weights", "COVID-19 with masks", "-", "validation", "covid", ("validation",)),
    )
    return report.Table("Cases (3.1, 4.1.2, 4.6)", ("use", "case", "paper", "ours", "ours: made of"), rows,
                        numeric=(3,), badge=report.ON_PHANTOMS if cohorts.phantom else "",
                        notes=("The paper scores the cases that its segmenter was trained on (K21).",))


def settings_table(preset):
    """The hyper-parameters that the text gives, section by section: paper | ours.

    Args:
        preset: presets.khali.System.
    """
    gan, net = preset.gan, preset.transunet
    by = "by descent from" if net.temperature_by == "descent" else "fixed at"
    rows = (
        ("3D GAN (3.1)", "iterations", "10,000", f"{gan.steps:,}"),
        ("3D GAN (3.1)", "batch size", "8", str(gan.batch_size)),
        ("3D GAN (3.1)", "Adam's learning rate", "5e-05", " and ".join(dict.fromkeys(
            f"{rate:g}" for rate in (gan.generator_learning_rate, gan.discriminator_learning_rate)))),
        ("3D GAN (Eq. 2)", "loss", "logarithms, reconstruction", f"{gan.adversarial_loss}, {gan.reconstruction_loss}"),
        ("TransUNet (4.1.1)", "initial learning rate", "5e-05", f"{net.learning_rate:g}"),
        ("TransUNet (4.1.1)", "decay steps", "1000", str(net.decay_steps or "-")),
        ("TransUNet (4.1.1)", "decay rate", "0.9", f"{net.decay_rate:g}" if net.decay_steps else "-"),
        ("TransUNet (3.3.2)", "first phase", "contrastive alone", net.first_phase),
        ("TransUNet (Eq. 4)", "contrastive loss", "Eq. 4", net.contrastive_loss),
        ("TransUNet (4.1.1)", "temperature", "0.06, by gradient descent", f"{by} {net.temperature:g}"),
        ("TransUNet (Eq. 5)", "beta", "not given", f"{net.beta:g}"),
        ("TransUNet (3.3.2)", "weights kept", "of the best performance", net.keep),
        ("TransUNet", "length", "not given", f"{net.steps:,} steps, {net.first_phase_steps:,} of them in the first "
         "phase"),
        ("preparation (4.1.1)", "noise filter", "not which", "none" if preset.preprocess.median <= 1 else
         f"median of {preset.preprocess.median} x {preset.preprocess.median}"),
        ("preparation (4.1.1)", "aspect ratio", "maintained",
         "maintained" if preset.preprocess.keep_aspect else "stretched to the network's shape"),
        ("preparation (4.1.1)", "contrast adjustment", "not which", "the HU window"),
    )
    return report.Table("Settings", ("part", "setting", "paper", "ours"), rows, merged=1)


def missing_table(preset, cohorts):
    """What the paper has and the report has not, and why."""
    rows = [("Figure 1", "a drawing of the pipeline; it has no result"),
            ("the slices of Figures 2, 3 and 5", "the paper does not name them; ours are of the cases at hand")]
    if cohorts.phantom:
        rows.append(("all results on patients", "need MosMedData (docs/DATASETS.md) and `--data`"))
    if preset.gan.steps < 10000:
        rows.append(("the length of the GAN's training", f"{preset.gan.steps:,} of 10,000 steps; it needs a GPU"))
    if (preset.transunet.width, preset.transunet.blocks) != (None, None):
        rows.append(("the TransUNet's size", "66,870,129 parameters; this preset's is smaller, `khali/paper` has it"))
    return report.Table("Of the paper, but not in this report", ("what", "why"), tuple(rows))
