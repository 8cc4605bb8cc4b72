"""Who has the slots of each device: runs that are trained, and sweeps, whose runs are made beside the queue.

A sweep never waits: it begins at once and says in ``slots.json`` of its folder how many runs it makes at a time. The
dispatcher counts that as taken, so nothing queued is started beside it where there is no room. Only one side waits, so
there is no deadlock. What a sweep says holds while a process works on it; of one that was killed, its runs still count
that are being trained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lt_core.problems import Problem
from lt_core.training.folder import lock, process
from lt_core.training.folder.files import read_json, write_json
from lt_core.training.folder.store import TRIALS, Run
from lt_core.training.workers import gpus
from lt_core.training.workers.queue import device_of

SWEEP_SLOTS = "slots.json"


@dataclass(frozen=True)
class Taken:
    """Slots of a device that the run, or (``sweep``) the sweep, in ``folder`` has; GPUs as far as it says which."""

    folder: Path
    device: str
    slots: int
    sweep: bool = False
    gpus: tuple[str, ...] = ()


def declare(sweep: Path, device: str, slots: int, *, gpus: Sequence[str] = ()) -> None:
    """Say that the sweep in a folder has ``slots`` of ``device`` for as long as a process works on it."""
    write_json(sweep / SWEEP_SLOTS, {"device": device, "slots": slots, "gpus": list(gpus)})


def withdraw(sweep: Path) -> None:
    """Take that back; nothing where it was not said."""
    (sweep / SWEEP_SLOTS).unlink(missing_ok=True)


def taken(folder: Path) -> list[Taken]:
    """Return who has slots among the runs and sweeps in ``folder``, whoever started them."""
    return [*_by_runs(folder), *_by_sweeps(folder)]


def busy(folder: Path) -> Counter[str]:
    """Return how many slots of each device are taken in ``folder``."""
    found: Counter[str] = Counter()
    for entry in taken(folder):
        found[entry.device] += entry.slots
    return found


def gpus_taken(folder: Path) -> Counter[str]:
    """Return how many runs in ``folder``, trials of sweeps among them, have each GPU, as far as their records say."""
    sweeps = _by_sweeps(folder)
    files = [
        file for place in (folder, *(s.folder / TRIALS for s in sweeps)) for file in place.glob(f"*/{lock.RECORD}")
    ]
    said = [str((process.recorded(file) or {}).get("gpus", "")) for file in files if process.alive(file)]
    return gpus.counted(said + [",".join(sweep.gpus) for sweep in sweeps])


def _by_runs(folder: Path) -> list[Taken]:
    found = []
    for file in folder.glob(f"*/{lock.NAME}"):
        run = Run(file.parent)
        try:
            if lock.at_work(run.path) and run.state == "running":
                found.append(Taken(run.path, device_of(run.config), run.config.devices))
        except Problem:  # a sweep, or damaged
            continue
    return found


def _by_sweeps(folder: Path) -> list[Taken]:
    found = []
    for file in folder.glob(f"*/{SWEEP_SLOTS}"):
        try:
            entry = read_json(file)
            device, slots = str(entry["device"]), int(entry["slots"])
            had = tuple(str(name) for name in entry.get("gpus", ()))
        except (Problem, KeyError, TypeError, ValueError, AttributeError):
            continue
        if not lock.at_work(file.parent):  # killed: its workers end by themselves, after their step
            slots, had = sum(left.slots for left in _by_runs(file.parent / TRIALS)), ()
        if slots > 0:
            found.append(Taken(file.parent, device, slots, sweep=True, gpus=had))
    return found
