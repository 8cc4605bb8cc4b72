"""Where runs and caches are kept: the folder ``data/`` of this checkout, or ``LONGTAIL_LAB_HOME``."""

from __future__ import annotations

import os
from pathlib import Path

PRESETS = Path(__file__).parent.parent / "data" / "presets"


def home() -> Path:
    """Return the folder that holds ``runs/`` and ``cache/``."""
    return Path(os.environ.get("LONGTAIL_LAB_HOME") or Path(__file__).parent.parent / "data")


def runs_dir() -> Path:
    """Return the folder of runs, made if it is not there."""
    folder = home() / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cache_dir() -> Path:
    """Return the folder of things that can be made again, made if it is not there."""
    folder = home() / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
