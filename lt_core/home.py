"""Where runs and caches are kept: the folder ``data/`` of this checkout, or ``LONGTAIL_LAB_HOME``."""

from __future__ import annotations

import os
from pathlib import Path

from lt_core.problems import Problem

PRESETS = Path(__file__).parent.parent / "data" / "presets"


def home() -> Path:
    """Return the folder that holds ``runs/`` and ``cache/``."""
    return Path(os.environ.get("LONGTAIL_LAB_HOME") or Path(__file__).parent.parent / "data")


def runs_dir() -> Path:
    """Return the folder of runs; it is there once a run is."""
    return home() / "runs"


def cache_dir() -> Path:
    """Return the folder of things that can be made again, made if it is not there."""
    return made(home() / "cache")


def made(folder: Path) -> Path:
    """Return ``folder``, made if it is not there; raise ``Problem`` where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Problem(
            f"{folder} cannot be made ({reason}): choose another folder, or set LONGTAIL_LAB_HOME to one of your own"
        ) from None
    return folder


def os_user() -> str:
    """Return who is at the command line, as the system calls them; empty where it does not say."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
