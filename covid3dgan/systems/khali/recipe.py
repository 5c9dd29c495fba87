"""Paper 002's system, top to bottom: paper 001's GAN and pseudo-masks, then a UNet and a TransUNet that learn from the
same ones, then Table 1 as its authors' code scores it, and ordinary scores beside it.

Every stage is skipped where its result is there. Without real data the cohorts are phantoms, and every table says so.
"""

__all__ = ["reproduce"]

from pathlib import Path

from covid3dgan import progress
from covid3dgan.inference.lesions import load_segmenter, load_transunet
from covid3dgan.inference.pseudo_masks import load_generator
from covid3dgan.systems.cohorts import DEMO_SIZES
from covid3dgan.systems.khali.report import DATASET, write_report
from covid3dgan.systems.predicted_masks import FOLDER, predict_cases, write_view
from covid3dgan.systems.shabani import open_run, prepare_and_train_gan
from covid3dgan.systems.stages import train_or_go_on
from covid3dgan.training.khali.train_transunet import train_transunet
from covid3dgan.training.shabani.train_segmenter import train_segmenter


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
    # K21: the scored scans were trained on in the paper; here they are held out, unless the preset says otherwise.
    stages, cohorts = open_run(out, preset, execution, data, sizes,
                               ["cases", "preprocess", "GAN", "UNet", "TransUNet", "predictions", "report"],
                               ("unet", "transunet", FOLDER), overwrite, tests=(DATASET,),
                               validated=preset.threshold.tune)
    if not cohorts.validation:
        progress.say("no CoronaCases: the preset's threshold and the last weights stay")
    train, validation, gan = prepare_and_train_gan(stages, cohorts, preset, execution)
    for name, function in (("UNet", train_segmenter), ("TransUNet", train_transunet)):
        stages.run(name, lambda f=function, n=name: train_or_go_on(
            f, train, path=out / n.lower(), preset=preset, execution=execution, gan=gan,
            validation=validation if cohorts.validation else None))
    models = {"TransUNET": load_transunet(out / "transunet"), "UNET": load_segmenter(out / "unet")}
    generator = load_generator(gan)[0]
    stages.run("predictions", lambda: predict_cases(models["TransUNET"], cohorts, out))
    stages.run("report", lambda: write_report(out, preset, execution, cohorts, models, generator, command,
                                              write_view(cohorts, out, f"{preset.name}: predicted masks")))
    stages.close()
    return out / "report.html"
