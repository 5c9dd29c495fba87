"""The project's own notebooks: .py files in jupytext's percent format are the sources, the .ipynb are made from them.

``python -m covid3dgan.notebooks.sources`` writes every .ipynb anew; a test holds the two together. Outputs
(notebooks/outputs.py) stay where no code cell has changed since they were made.
"""

__all__ = ["FOLDER", "METADATA", "NOTE", "annotated", "as_ipynb", "build", "executed_hash", "sources"]

import copy
import hashlib
from pathlib import Path

from covid3dgan.files import atomic_write_text

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
_SETUP = Path(__file__).with_name("setup_cell.txt")
METADATA = "covid3dgan"  # key of what outputs.py writes into the metadata of notebook and cells
NOTE = "executed"  # id of the cell that says how the outputs were made
_SETUP_MARK = f"# The set-up cell: covid3dgan/notebooks/{_SETUP.name}"  # a cell of a source that stands for that file


def sources():
    """The .py sources, by name."""
    return sorted(FOLDER.glob("*.py"))


def as_ipynb(source):
    """The text of the .ipynb of a source: no outputs, and cell ids that depend on the content alone."""
    import jupytext
    import nbformat

    read = jupytext.reads(Path(source).read_text(encoding="utf-8"), fmt="py:percent")
    cells = []
    for number, cell in enumerate(read.cells):
        make = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
        text = _setup_cell() if cell.source.strip() == _SETUP_MARK else cell.source
        cells.append(make(text, id=hashlib.sha256(f"{number} {text}".encode()).hexdigest()[:12]))
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}})
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def executed_hash(text):
    """What tells whether a code cell is still the one that was executed.

    None for the set-up cell, which shows nothing: outputs stay when it changes.
    """
    return None if text == _setup_cell() else hashlib.sha256(text.encode()).hexdigest()


def _setup_cell():
    return _SETUP.read_text(encoding="utf-8").rstrip()


def annotated(notebook, facts, note):
    """An executed notebook with the facts in its metadata and the ``note`` as a cell below the first."""
    import nbformat

    notebook = copy.deepcopy(notebook)
    notebook.metadata[METADATA] = facts
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(note, id=NOTE))
    nbformat.validate(notebook)
    return notebook


def build():
    """Writes every .ipynb beside its source; returns the paths."""
    import nbformat

    written = []
    for source in sources():
        path = source.with_suffix(".ipynb")
        made = nbformat.reads(as_ipynb(source), as_version=4)
        if path.exists():
            made = _with_outputs(made, nbformat.read(path, as_version=4))
        atomic_write_text(path, nbformat.writes(made) + "\n")
        written.append(path)
    return written


def _with_outputs(made, held):
    """``made`` with the outputs of ``held``, if those are of the same code cells."""
    ours, theirs = ([cell for cell in notebook.cells if cell.cell_type == "code"] for notebook in (made, held))
    executed = [cell.metadata.get(METADATA, {}).get("sha256") for cell in theirs]
    if METADATA not in held.metadata or [executed_hash(cell.source) for cell in ours] != executed:
        return made
    for mine, cell in zip(ours, theirs):
        mine.update(outputs=cell.outputs, execution_count=cell.execution_count, metadata=cell.metadata)
    note = next(cell.source for cell in held.cells if cell.get("id") == NOTE)
    return annotated(made, held.metadata[METADATA], note)


if __name__ == "__main__":
    for path in build():
        print(path)
