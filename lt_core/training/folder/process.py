"""Whether the process of a run is still there; told without the clock, which may jump."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from lt_core.training.workers.gpus import GIVEN

PROC = Path("/proc")
BOOT_ID = PROC / "sys" / "kernel" / "random" / "boot_id"
SILENCE = 300.0
"""Seconds without a word after which a run counts as dead where the system does not tell when a process began."""


def record(path: Path, pid: int | None = None, *, gpus: str | None = None) -> None:
    """Write who works on a run: the process ``pid`` (default: this one), when it began, and in which boot.

    So neither a number used again nor one from before a restart is taken for it. ``log`` is the size of the event file
    in bytes at this moment: what is in it was said by those before. ``gpus`` are those it got, "0,1" (default: what the
    dispatcher told this process).
    """
    entry = {**identity(os.getpid() if pid is None else pid), "time": time.time(), "log": log_size(path.parent)}
    if said := os.environ.get(GIVEN, "") if gpus is None else gpus:
        entry["gpus"] = said
    _write(path, entry)


def close(path: Path) -> None:
    """Note in ``path`` that this process works on the run no more; a record of another process is left alone."""
    entry = recorded(path)
    if entry is not None and entry.get("pid") == os.getpid():
        _write(path, {**entry, "ended": True})


def identity(pid: int) -> dict[str, Any]:
    """Return what tells a process from every other one: its number, when it began, and the boot of its machine."""
    return {"pid": pid, "began": began(pid), "boot": boot()}


def recorded(path: Path) -> dict[str, Any] | None:
    """Return what ``record`` wrote; None where there is nothing that can be read."""
    try:
        return read(path.read_bytes())
    except OSError:
        return None


def read(text: bytes) -> dict[str, Any] | None:
    """Return what a record says; None where it is none."""
    try:
        entry = json.loads(text)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("pid"), int) else None


def log_size(folder: Path) -> int:
    """Return the size of a run's event file in bytes, 0 before there is one."""
    try:
        return (folder / "events.jsonl").stat().st_size
    except OSError:
        return 0


def boot() -> str | None:
    """Return the name of this boot of this machine; None where the system gives it none."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return None


def began(pid: int) -> str | None:
    """Return when a process began, in the system's own words; None if it is not there (any more)."""
    if not PROC.is_dir():
        return _began_by_ps(pid)
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[19]


def alive(path: Path) -> bool:
    """Return whether the process that ``record`` described in ``path`` still runs, and still works on that run."""
    entry = recorded(path)
    if entry is None or entry.get("ended"):
        return False
    if entry.get("boot") is not None and entry["boot"] != boot():
        return False  # another boot, or another machine: numbers of there mean nothing here
    if entry.get("began") is None:  # a system that does not tell: believe what the run wrote of late
        written = [p.stat().st_mtime for p in (path, path.with_name("events.jsonl")) if p.exists()]
        return abs(time.time() - max(written, default=0.0)) < SILENCE
    return began(entry["pid"]) == str(entry["began"])


def _write(path: Path, entry: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(json.dumps(entry), encoding="utf-8")
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _began_by_ps(pid: int) -> str | None:
    """Return the same where there is no /proc (macOS, BSD); None where there is no ``ps`` either (Windows)."""
    if (ps := shutil.which("ps")) is None:
        return None
    told = subprocess.run([ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603
    return told.stdout.strip() or None
