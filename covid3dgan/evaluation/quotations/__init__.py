"""What holds each field of a paper's preset: the paper's own words, or the statement that the text is silent.

One file per paper holds its ``QUOTATIONS``; docs/FIDELITY.md and ``covid3dgan info shabani/paper`` show them. Nothing
in this package imports TensorFlow.
"""

from covid3dgan.evaluation.quotations.form import Quotation, Quotations, Silence, of_preset, tables

__all__ = ["Quotation", "Quotations", "Silence", "of_preset", "tables"]
