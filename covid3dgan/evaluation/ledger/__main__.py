"""``python -m covid3dgan.evaluation.ledger [PATH]``: writes docs/FIDELITY.md, or PATH."""

import sys

from covid3dgan.evaluation.ledger import page
from covid3dgan.files import atomic_write_text

if __name__ == "__main__":
    atomic_write_text(sys.argv[1] if len(sys.argv) > 1 else "docs/FIDELITY.md", page())
