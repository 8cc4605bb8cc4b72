"""The process that starts queued runs: ``python -m lt_core.training.workers.dispatcher RUNS_FOLDER``.

It holds the lock ``.dispatcher`` of the folder, so there is one; it keeps nothing in memory that is not in the run
folders, so another one can go on where it was killed. A run is a process of its own: its crash is its own.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from lt_core.problems import Problem
from lt_core.training.folder import events, lock
from lt_core.training.folder.store import QUEUED, Run
from lt_core.training.workers import gpus
from lt_core.training.workers.launch import start_worker_in
from lt_core.training.workers.queue import DISPATCHER, slots, waiting
from lt_core.training.workers.taken import busy, gpus_taken

LOOKED_EVERY = 0.3
"""Seconds between two looks at the folder."""
_said: set[str] = set()


def main(folder: Path) -> int:
    """Start what waits in ``folder`` until nothing does and nothing runs; at once 0 where another one does that."""
    while waiting(folder) or busy(folder):
        try:
            descriptor = lock.take(folder / DISPATCHER, "taken", patience=0.2)
        except Problem:
            return 0
        try:
            while waiting(folder) or busy(folder):
                start_due(folder)
                time.sleep(LOOKED_EVERY)
        finally:
            lock.release(folder / DISPATCHER, descriptor)
        # looked at once more without the lock: who enqueued just now saw it taken and started nobody
    return 0


def start_due(folder: Path) -> list[Run]:
    """Start those that wait and have a free slot, in order, and return them; one that cannot start has failed."""
    limits, taken, used = slots(), busy(folder), gpus_taken(folder)
    started, full = [], set[str]()
    for entry in waiting(folder):
        try:
            wanted = entry.run.config.devices
        except Problem as problem:
            _give_up(entry.run, str(problem))
            continue
        if entry.device in full or (taken[entry.device] and taken[entry.device] + wanted > limits[entry.device]):
            full.add(entry.device)  # who comes later does not overtake one that waits for several slots
            continue
        own = gpus.chosen(gpus.visible(), used, wanted) if entry.device == "cuda" else ()
        try:
            started.append(start_worker_in(entry.run.path, gpus=own))
            taken[entry.device] += wanted
            used.update(own)
        except Problem as problem:  # somebody holds it, or the disk is full: tried again at the next look
            _say(f"{entry.run.path}: {problem}")
    return started


def _give_up(run: Run, sentence: str) -> None:
    """Note why a run can never be started, unless it has gone by now."""
    try:
        with lock.hold(run.path, working=False):
            if (run.path / QUEUED).exists():
                events.append(run.path / "events.jsonl", events.event("failed", error=sentence))
                (run.path / QUEUED).unlink()
    except (Problem, OSError) as problem:
        _say(f"{run.path}: {sentence} ({problem})")


def _say(line: str) -> None:
    """Write a line into the log, once."""
    if line not in _said:
        _said.add(line)
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
