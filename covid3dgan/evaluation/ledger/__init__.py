"""The ledger of deviations: where a paper, its published code and this project differ, as data.

docs/FIDELITY.md is written from it (``python -m covid3dgan.evaluation.ledger``); what "ours" does is read from the
presets themselves, so the page cannot say anything else than what runs. One file per system holds its ``LEDGER``.
"""

from covid3dgan.evaluation.ledger.form import Fix, Ledger, Line, ledgers, page

__all__ = ["Fix", "Ledger", "Line", "ledgers", "page"]
