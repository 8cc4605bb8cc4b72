"""``python -m lt_core``: see ``lt_core.cli``."""

from __future__ import annotations

import os
import sys

from lt_core.cli import main
from lt_core.training.workers.launch import SPIN

os.environ.setdefault(*SPIN)  # before torch loads OpenMP
sys.exit(main())
