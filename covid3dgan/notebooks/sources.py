"""The project's own notebooks: .py files in jupytext's percent format are the sources, the .ipynb are made from them.

``python -m covid3dgan.notebooks.sources`` writes every .ipynb anew; a test holds the two together.
"""

__all__ = ["FOLDER", "as_ipynb", "build", "sources"]

import hashlib
from pathlib import Path

from covid3dgan.files import atomic_write_text

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
_SETUP = Path(__file__).with_name("setup_cell.txt")
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
        text = _SETUP.read_text(encoding="utf-8").rstrip() if cell.source.strip() == _SETUP_MARK else cell.source
        cells.append(make(text, id=hashlib.sha256(f"{number} {text}".encode()).hexdigest()[:12]))
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}})
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def build():
    """Writes every .ipynb beside its source; returns the paths."""
    written = []
    for source in sources():
        atomic_write_text(source.with_suffix(".ipynb"), as_ipynb(source))
        written.append(source.with_suffix(".ipynb"))
    return written


if __name__ == "__main__":
    for path in build():
        print(path)
