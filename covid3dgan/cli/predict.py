"""``covid3dgan predict IN OUT --model RUN``: lesion masks in each CT's own geometry, or masks of 2D images."""

__all__ = ["add_arguments", "run"]

import sys

from covid3dgan import progress
from covid3dgan.errors import ArgumentError
from covid3dgan.export.layout import is_exported
from covid3dgan.runs.directory import open_run, recipe_of


def add_arguments(parser):
    parser.add_argument("input", help="a NIfTI file, a DICOM folder, a data set or a folder of CTs; "
                        "an image or a folder of images for AF-SEG and SSInfNet")
    parser.add_argument("out", help="folder for the masks (or a .nii.gz file for one CT)")
    parser.add_argument("--model", required=True, help="a run directory, the folder of 'train ssinfnet', or an "
                        "exported network: FILE.tflite or a SavedModel's folder")
    parser.add_argument("--lungs", help="a lung mask, or a folder of them paired by case id; wins over --lung-method")
    parser.add_argument("--lung-method", default="threshold", choices=["threshold", "lungmask"],
                        help="how lungs are found where no mask is given")
    parser.add_argument("--probability", action="store_true", help="also write the score maps")
    parser.add_argument("--overlay", action="store_true", help="also write a PNG contact sheet per CT")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="skip what an earlier call finished with the same model")
    group.add_argument("--overwrite", action="store_true", help="replace masks that are there")


def run(args):
    purpose = _purpose(args.model)
    if purpose == "foreground":
        return _predict_images(args)
    if purpose == "classes":
        return _predict_classes(args)
    if is_exported(args.model):
        from covid3dgan.inference.exported import load_exported as load_model
    else:
        from covid3dgan.inference.model import load_model
    from covid3dgan.inference.inputs import find_inputs
    from covid3dgan.inference.predict import predict_folder

    inputs = find_inputs(args.input, args.lungs)
    model = load_model(args.model)
    results, problems = predict_folder(model, inputs, args.out, args.probability, args.overlay, args.lung_method,
                                       args.resume, args.overwrite, command=sys.argv)
    for facts in results.values():
        progress.say(f"{facts['id']}: {facts['infection_ml']:.1f} ml, "
                     f"{facts['infection_rate_percent']:.2f} % of the lung")
    for problem in problems:
        print(f"covid3dgan predict: {problem}", file=sys.stderr)
    progress.say(f"{len(results)} of {len(inputs)} CTs done: {args.out}")
    return 1 if problems else 0


def _purpose(model):
    """What the model finds, as ``export.parts.Part.predicts`` says it: of a run, or of an exported network."""
    if is_exported(model):
        from covid3dgan.inference.exported import exported_purpose

        return exported_purpose(model)
    if recipe_of(model) == "ssinfnet":
        return "classes"
    kind = open_run(model)[0].manifest["kind"]
    return {"afseg": "foreground", "ssinfnet": "classes"}.get(kind.partition("-")[0], "lesions")


def _predict_images(args):
    """Masks of PNG, TIFF and JPEG images by an AF-SEG run, or by its segmenter exported."""
    from covid3dgan.systems import afseg

    if args.lungs is not None:
        raise ArgumentError("--lungs", "no lung masks: AF-SEG segments 2D images", args.lungs, "leave it out")
    results, problems = afseg.predict(args.model, [args.input], args.out, probability=args.probability,
                                      overlay=args.overlay, resume=args.resume, overwrite=args.overwrite,
                                      command=sys.argv)
    for facts in results.values():
        progress.say(f"{facts['id']}: {facts['foreground_percent']:.2f} % foreground")
    for problem in problems:
        print(f"covid3dgan predict: {problem}", file=sys.stderr)
    progress.say(f"{len(results)} of {len(results) + len(problems)} images done: {args.out}")
    return 1 if problems else 0


def _predict_classes(args):
    """Ground glass and consolidation (or infection as one class) by paper 004's networks."""
    if is_exported(args.model):
        from covid3dgan.inference.exported_classes import load_exported_predictor as load_predictor
    else:
        from covid3dgan.inference.ssinfnet import load_predictor
    from covid3dgan.inference.ssinfnet_files import find_sources, predict_files

    if args.lungs is not None:
        raise ArgumentError("--lungs", "no lung masks: SSInfNet looks at whole slices", args.lungs, "leave it out")
    inputs = find_sources(args.input)
    predictor = load_predictor(args.model)
    results, problems = predict_files(predictor, inputs, args.out, args.probability, args.overlay, args.resume,
                                      args.overwrite, sys.argv)
    for facts in results.values():
        sizes = [f"{kind} {value:g} {unit}" for name, value in facts.items() if name != "id"
                 for kind, _, unit in [name.rpartition("_")]]
        progress.say(f"{facts['id']}: {', '.join(sizes)}")
    for problem in problems:
        print(f"covid3dgan predict: {problem}", file=sys.stderr)
    progress.say(f"{len(results)} of {len(inputs)} files done: {args.out}")
    return 1 if problems else 0
