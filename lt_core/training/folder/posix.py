"""Parts of Python that only POSIX systems have: Windows goes on without them."""

from __future__ import annotations

import importlib
import os
from typing import Any

CLOEXEC: int = getattr(os, "O_CLOEXEC", 0)
"""Flag of ``os.open``: no child inherits the descriptor, which on Windows none does anyway."""


def optional(name: str) -> Any:
    """Return a module of the standard library, or None where the system does not have it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
