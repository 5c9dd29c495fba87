"""Tables 1 to 4 of paper 000 beside ours: the cases, and the settings of each training."""

__all__ = ["data_table", "missing_table", "settings_tables"]

from covid3dgan import presets
from covid3dgan.evaluation import paper_tables, report
from covid3dgan.systems.shabani_tables import prepared_cases

KINDS = {"infected": "covid", "healthy": "healthy"}


def data_table(prepared, cohorts):
    """Table 1: the paper's cases beside those that were prepared.

    Args:
        prepared: folder with the prepared cases of each role.
        cohorts: what elmourabit.paper_roles returned.
    """
    rows = []
    for entry in paper_tables.numbers()["000"]["table1_data"]:
        name, kind, training = entry["dataset"], KINDS[entry["kind"]], entry["task"] == "train"
        count, _ = prepared_cases(prepared, "train" if training else name, kind)
        parts = {"healthy": ["train_healthy"], "covid": ["train_mild", "train_severe"]}[kind] if training else [name]
        known = [cohorts.described[part] for part in (*parts, *(["train"] if training else []))
                 if part in cohorts.described]
        rows.append((entry["task"], name, entry["kind"], str(entry["cases"]), str(count), "; ".join(known) or "-"))
    return report.Table("Table 1: data", ("task", "data set", "case", "paper", "ours", "ours: made of"), tuple(rows),
                        numeric=(3, 4), badge=report.ON_PHANTOMS if cohorts.phantom else "")


def settings_tables(preset, covid_cases):
    """Tables 2 to 4, the hyper-parameters of the GAN, the UNet and its encoder: paper | ours.

    Args:
        preset: a preset of presets.shabani.System.
        covid_cases: how many COVID cases are trained on; they make an epoch of the segmenter.
    """
    gan, unet, encoder = preset.gan, preset.segmenter, preset.contrastive
    slices = covid_cases * preset.gan.volume_shape[0]

    def length(steps):
        epochs = f", {steps * unet.batch_size / slices:.4g} epochs" if slices else ""
        return f"{steps} steps{epochs}"

    rates = dict.fromkeys((gan.generator_learning_rate, gan.discriminator_learning_rate))
    ours = {
        "table2_gan": {"learning_rate": ", discriminator ".join(f"{rate:g}" for rate in rates),
                       "loss": f"{gan.adversarial_loss}, reconstruction {gan.reconstruction_loss}",
                       "batch_size": gan.batch_size, "epochs": f"{gan.steps} steps"},
        "table3_unet": {"learning_rate": f"{unet.learning_rate:g}", "decay_steps": unet.decay_steps,
                        "decay_rate": "-" if unet.decay_steps is None else unet.decay_rate, "loss": "mse",
                        "batch_size": unet.batch_size, "epochs": length(unet.steps)},
        "table4_encoder": {"learning_rate": f"{encoder.learning_rate:g}", "loss": f"contrastive ({encoder.loss})",
                           "batch_size": unet.batch_size, "epochs": length(unet.steps * encoder.steps_per_step)},
    }
    if not encoder.enabled:
        ours["table4_encoder"] = dict.fromkeys(ours["table4_encoder"])
    notes = {"table2_gan": ("The paper's column says epoch; taken as paper 001's 10,000 iterations.",),
             "table3_unet": ("An epoch is as many slices as the COVID cases have.",), "table4_encoder": ()}
    titles = {"table2_gan": "Table 2: 3D GAN", "table3_unet": "Table 3: 2D U-Net",
              "table4_encoder": "Table 4: encoder of the U-Net"}
    return tuple(_settings(titles[name], paper_tables.numbers()["000"][name], held, notes[name])
                 for name, held in ours.items())


def _settings(title, paper, ours, notes):
    """One table of settings; every training of ours is by Adam."""
    used = any(value is not None for value in ours.values())
    ours = {"optimizer": "Adam" if used else None, **ours}
    rows = tuple((name.replace("_", " "), f"{value:g}" if isinstance(value, float) else str(value),
                  "-" if ours[name] is None else str(ours[name])) for name, value in paper.items())
    return report.Table(title, ("hyper-parameter", "paper", "ours"), rows, notes=notes)


def missing_table(preset, cohorts):
    """What the paper has and the report has not, and why."""
    rows = [("Figures 1 to 3", "drawings of contrastive learning, of a U-Net and of the pipeline; they have no result"),
            ("GASNet, Label-free (Table 6), nnU-Net, COPLE-Net (2.3)",
             "quoted; other authors' methods are not run here"),
            ("the slices of Figures 4 to 11", "the paper does not name them; ours are of the test cases at hand"),
            ("numbers of the GAN alone", "the paper has none, Figures 6 to 8 only; ours stand in Tables 5 and 6")]
    if cohorts.phantom:
        rows.append(("all results on patients", "need MosMedData and COVID-19-CT-Seg (docs/DATASETS.md) and `--data`"))
    paper = presets.get("elmourabit/paper")
    for name, stage in (("GAN", "gan"), ("U-Net", "segmenter")):
        ours, theirs = getattr(preset, stage).steps, getattr(paper, stage).steps
        if ours < theirs:
            rows.append((f"the length of the {name}'s training", f"{ours:,} of {theirs:,} steps; it needs a GPU"))
    return report.Table("Of the paper, but not in this report", ("what", "why"), tuple(rows))
