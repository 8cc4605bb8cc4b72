"""Carry out a sweep in a process of its own, which outlives the browser tab and the app; and how it is doing."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal, TypeAlias

from lt_core.problems import Problem
from lt_core.sweeps.folder import Sweep
from lt_core.training.folder import lock, process
from lt_core.training.workers.launch import detached
from lt_core.training.workers.queue import device_of
from lt_core.training.workers.taken import declare

Condition: TypeAlias = Literal["starting", "running", "stopped", "interrupted", "failed", "finished"]
"""As ``Sweep.state`` says it, and: ``starting`` before its process has begun; where it has ended early, ``failed``
where it said why, ``interrupted`` where it was gone without a word."""

LOG = "worker.log"
ENDS = ("stopped: ", "finished: ")
ERROR = "error: "


def command(plan: str | Path, *, workers: int = 1, executor: str = "") -> list[str]:
    """Return the words after ``python -m`` that carry out a plan file, or go on with the sweep in a folder."""
    words = ["lt_core", "sweep", str(plan)]
    words += ["--workers", str(workers)] if workers != 1 else []
    return words + (["--executor", executor] if executor not in ("", "local") else [])


def as_command(plan: str | Path, *, workers: int = 1, executor: str = "") -> str:
    """Return the same as a line for a shell."""
    return shlex.join(["python", "-m", *command(plan, workers=workers, executor=executor)])


def start_sweep(sweep: Sweep, *, workers: int = 1, retry_failed: bool = False) -> None:
    """Begin a sweep, or go on with it, in a detached process: that of the command ``sweep FOLDER``.

    What it says is in ``worker.log`` of the sweep's folder. Raises ``Problem`` for one that is being worked on, and
    for one whose plan cannot be read.
    """
    if condition(sweep) in ("starting", "running"):
        raise Problem(f"{sweep.path.name} is going on already: stop it first, or wait until it has ended")
    words = command(sweep.path.absolute(), workers=workers, executor=sweep.plan.executor)
    (sweep.path / "stop").unlink(missing_ok=True)
    (sweep.path / LOG).unlink(missing_ok=True)
    if (plan := sweep.plan).executor == "local":  # before its process can say so itself, which takes it seconds
        declare(sweep.path, device_of(plan.base), min(workers, plan.total) * plan.base.devices)
    worker = detached([*words, *(["--retry-failed"] if retry_failed else [])], sweep.path / LOG)
    process.record(sweep.path / lock.RECORD, worker.pid)


def condition(sweep: Sweep) -> Condition:
    """Return how a sweep is doing, told from its folder; raises ``Problem`` for a plan that cannot be read."""
    state = sweep.state
    if state != "stopped":
        return state
    said = _lines(sweep)
    if any(line.startswith(ERROR) for line in said[-1:]):
        return "failed"
    if any(line.startswith(ENDS) for line in said):
        return "stopped"
    if process.alive(sweep.path / lock.RECORD):
        return "starting"
    return "interrupted" if process.recorded(sweep.path / lock.RECORD) else "stopped"


def error_of(sweep: Sweep) -> str:
    """Return why the process of a sweep gave up, in a sentence; empty where it did not."""
    said = _lines(sweep)
    return said[-1].removeprefix(ERROR) if said and said[-1].startswith(ERROR) else ""


def process_of(sweep: Sweep) -> int | None:
    """Return the number of the process that works on a sweep; None where none does, or it is not known."""
    for file in (sweep.path / lock.NAME, sweep.path / lock.RECORD):
        entry = process.recorded(file)
        if entry is not None and process.alive(file):
            return int(entry["pid"])
    return None


def _lines(sweep: Sweep) -> list[str]:
    try:
        text = (sweep.path / LOG).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()]
