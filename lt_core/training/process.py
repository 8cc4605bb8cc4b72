"""Whether the process of a run is still there."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path


def record(path: Path) -> None:
    """Write who this process is: its number and when it began, so that a number used again is not taken for it."""
    entry = {"pid": os.getpid(), "began": began(os.getpid()), "time": time.time()}
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(entry), encoding="utf-8")
    partial.replace(path)


def began(pid: int) -> str | None:
    """Return the kernel's start time of a process where it tells (Linux), else None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
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
    if Path("/proc/self/stat").exists():
        return began(pid) is not None and began(pid) == entry.get("began")
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
