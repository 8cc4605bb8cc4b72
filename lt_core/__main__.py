"""``python -m lt_core``: see ``lt_core.cli``."""

from __future__ import annotations

import sys

from lt_core.cli import main

sys.exit(main())
