"""``python -m covid3dgan`` is the same as ``covid3dgan``."""

import sys

from covid3dgan.cli.main import main

sys.exit(main())
