"""Whether the process of a run is still there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

PROC = Path("/proc")
SILENCE = 300.0
"""Seconds without a word after which a run counts as dead where the system does not tell when a process began."""


def record(path: Path) -> None:
    """Write who this process is: its number and when it began, so that a number used again is not taken for it."""
    entry = {"pid": os.getpid(), "began": began(os.getpid()), "time": time.time()}
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(entry), encoding="utf-8")
    partial.replace(path)


def began(pid: int) -> str | None:
    """Return when a process began, in the system's own words; None if it is not there (any more)."""
    if not PROC.is_dir():
        return _began_by_ps(pid)
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def alive(path: Path) -> bool:
    """Return whether the process that ``record`` described in ``path`` still runs."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        pid = int(entry["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if entry.get("began") is None:  # a system that does not tell: believe what the run wrote of late
        written = [p.stat().st_mtime for p in (path, path.with_name("events.jsonl")) if p.exists()]
        return time.time() - max(written) < SILENCE
    return began(pid) == str(entry["began"])


def _began_by_ps(pid: int) -> str | None:
    """Return the same where there is no /proc (macOS, BSD); None where there is no ``ps`` either (Windows)."""
    if (ps := shutil.which("ps")) is None:
        return None
    told = subprocess.run([ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603
    return told.stdout.strip() or None
