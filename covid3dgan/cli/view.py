"""``covid3dgan view CT [MASK ...] --out page.html``: a page that shows CTs and masks in a browser."""

__all__ = ["add_arguments", "run"]

import sys
from pathlib import Path

from covid3dgan import progress


def add_arguments(parser):
    parser.add_argument("ct", metavar="CT", help="a NIfTI file, a DICOM series, a zip file, a data set or a "
                        "folder of CTs")
    parser.add_argument("layers", metavar="MASK", nargs="*", help="masks, scores or as-if-healthy volumes on the CT's "
                        "grid; for several CTs folders with files named after them (ID.nii.gz, ID_scores.nii.gz)")
    parser.add_argument("--out", help="the page to write (default: CT's name with .html, in this folder)")
    parser.add_argument("--lungs", help="a lung mask, or a folder of them paired by case id; found where none is given")
    parser.add_argument("--overwrite", action="store_true", help="replace the page if it is there")


def run(args):
    from covid3dgan.data.datasets.cases import stem
    from covid3dgan.viewer.cases import find_cases
    from covid3dgan.viewer.page import write_page

    cases = find_cases(args.ct, args.layers, args.lungs)
    name = cases[0].input.id if len(cases) == 1 else stem(Path(args.ct).resolve())
    out = Path(args.out or f"{name}.html")
    _, problems = write_page(cases, out, title=name, overwrite=args.overwrite)
    for problem in problems:
        print(f"covid3dgan view: {problem}", file=sys.stderr)
    progress.say(f"{len(cases) - len(problems)} of {len(cases)} CTs, {out.stat().st_size / 1e6:.1f} MB; open it in a "
                 f"browser: {out.resolve().as_uri()}")
    return 1 if problems else 0
