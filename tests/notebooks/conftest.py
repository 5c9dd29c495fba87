"""Small notebooks of our own, written to a folder and run as a user would run a published one."""

import nbformat
import pytest


@pytest.fixture(scope="session")
def write_notebook():
    """(path, code cells) -> the path of a notebook that holds them."""
    def write(path, cells):
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)
        return path
    return write


@pytest.fixture(scope="session")
def printed():
    """(executed notebook, code cell from 1) -> what the cell printed."""
    def text(path, number):
        cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        return "".join(out.get("text", "") for out in cells[number - 1].outputs if out.get("name") == "stdout")
    return text
