"""``covid3dgan predict IN OUT``: lesion masks in each CT's own geometry, or masks of 2D images."""

__all__ = ["add_arguments", "run"]

import argparse
import dataclasses
import sys

from covid3dgan import progress
from covid3dgan.errors import ArgumentError


def add_arguments(parser):
    parser.set_defaults(lung_method=None)  # suppressed below, or the help would print "(default: None)"
    parser.add_argument("input", help="a NIfTI or DICOM file, a picture (PNG, JPEG), a zip file, a data set, or a "
                        "folder of any of these; of DICOM each series gets a mask")
    parser.add_argument("out", help="folder for the masks (or a .nii.gz file for one CT)")
    parser.add_argument("--model", help="a run directory, the folder of 'train ssinfnet', or an exported network: "
                        "FILE.tflite or a SavedModel's folder; left out, the network that comes along")
    parser.add_argument("--lungs", help="a lung mask, or a folder of them paired by case id; wins over --lung-method")
    parser.add_argument("--lung-method", default=argparse.SUPPRESS, choices=["threshold", "lungmask"],
                        help="how lungs are found where no mask is given; by default as the model's preset says")
    parser.add_argument("--format", default="nifti", choices=["nifti", "dicom-seg", "dicom-overlay"],
                        help="of the masks of DICOM series: NIfTI, a DICOM Segmentation (needs the extra dicom-seg), "
                        "or the slices with lungs and infection drawn in as DICOM Secondary Captures")
    parser.add_argument("--window", nargs=2, type=float, metavar=("LOW", "HIGH"), help="HU that black and white stand "
                        "for in a picture; estimated from the picture if left out")
    parser.add_argument("--turned", choices=["left", "right", "no"], help="where the patient's front points to in a "
                        "picture, no for up; found if left out")
    parser.add_argument("--probability", action="store_true", help="also write the score maps")
    parser.add_argument("--uncertainty", action="store_true", help="also write how much the scores of lesions change "
                        "when a CT's slices are mirrored and moved; five times as slow")
    parser.add_argument("--overlay", action="store_true", help="also write a PNG contact sheet per CT")
    parser.add_argument("--view", action="store_true", help="also write OUT/view.html, which shows CTs and masks in a "
                        "browser, without a network")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="skip what an earlier call finished with the same model")
    group.add_argument("--overwrite", action="store_true", help="replace masks that are there")


def run(args):
    from covid3dgan.inference.predict_each import predict_each
    from covid3dgan.inference.predictor import load_predictor

    page = _page(args) if args.view else None
    predictor = load_predictor(args.model)
    for option, field, value in (("--lung-method", "lung_method", args.lung_method),
                                 ("--turned", "turned", args.turned),
                                 ("--uncertainty", "uncertainty", args.uncertainty or None),
                                 ("--format", "form", None if args.format == "nifti" else args.format),
                                 ("--window", "window", None if args.window is None else tuple(args.window))):
        if value is not None:
            predictor = _with(predictor, option, field, value)
    if args.view and hasattr(predictor, "kept_lungs"):
        from covid3dgan.inference.kept_lungs import KeptLungs

        predictor = dataclasses.replace(predictor, kept_lungs=KeptLungs())
    inputs = predictor.find(args.input, args.lungs)
    results, problems = predict_each(predictor, inputs, args.out, args.probability, args.overlay, args.resume,
                                     args.overwrite, command=sys.argv)
    for facts in results.values():
        progress.say(f"{facts['id']}: {predictor.say(facts)}")
    if page is not None and results:
        from covid3dgan.viewer.predictions import write_predictions_page

        problems += write_predictions_page(predictor, inputs, results, args.out, args.probability, page)
        if page.is_file():
            progress.say(f"open in a browser: {page.resolve().as_uri()}")
    for problem in problems:
        print(f"covid3dgan predict: {problem}", file=sys.stderr)
    progress.say(f"{len(results)} of {len(inputs)} {predictor.noun}s done: {args.out}")
    return 1 if problems else 0


def _page(args):
    """Where the page goes; an error before any work where it cannot be written."""
    from covid3dgan.viewer.predictions import page_path

    return page_path(args.out, args.overwrite or args.resume)


def _with(predictor, option, field, value):
    """The predictor with one of its fields set by an option; an error for one that has no such field."""
    if not hasattr(predictor, field):
        raise ArgumentError(option, f"nothing: this network segments {predictor.noun}s as they are", value,
                            "leave it out")
    if field == "window" and not value[0] < value[1]:
        raise ArgumentError(option, "LOW below HIGH", f"{value[0]:g} {value[1]:g}", "swap them")
    return dataclasses.replace(predictor, **{field: value})
