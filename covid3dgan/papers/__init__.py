"""The papers: one record each, which names where the paper's presets, networks, recipe, tables and ledger lie.

    >>> from covid3dgan import papers
    >>> papers.get("khali").recipe.run
    'covid3dgan.systems.khali:reproduce'

The command line, the registry of presets, the tables, the ledgers and the notebooks read the records, so a further
paper is a file here and its own files. Nothing in this package imports TensorFlow, nor any module that a record names.
"""

__all__ = ["all", "get", "loaders", "networks", "register", "resolve"]

from covid3dgan.errors import ArgumentError, nearest_names
from covid3dgan.papers import afseg, elmourabit, khali, shabani, ssinfnet
from covid3dgan.papers.record import resolve

_records = {}


def register(record):
    """Adds a paper after those that are there; returns it."""
    if record.system in _records:
        raise ValueError(f"two papers are called {record.system!r}")
    _records[record.system] = record
    return record


for _module in (shabani, elmourabit, khali, afseg, ssinfnet):  # the order of lists and help texts
    register(_module.PAPER)


def all():
    """The records of all papers."""
    return tuple(_records.values())


def get(system):
    """The record of a system; an ArgumentError with the nearest names where there is none."""
    if system not in _records:
        raise ArgumentError("system", f"one of {', '.join(_records)}", f"{system!r}{nearest_names(system, _records)}",
                            "name one of them")
    return _records[system]


def networks():
    """Name -> Network of all papers."""
    return {name: network for paper in all() for name, network in paper.networks.items()}


def loaders():
    """Kind of a run -> dotted path of its loader, of all papers."""
    return {kind: path for paper in all() for kind, path in paper.loaders.items()}
