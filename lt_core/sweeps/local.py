"""Make trials on this machine: one after the other in this process, or several at a time in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from lt_core.home import made
from lt_core.problems import Problem
from lt_core.sweeps.performing import Asked, Trainer, perform
from lt_core.sweeps.trials import Trial
from lt_core.sweeps.watching import known_before
from lt_core.training.folder import lock, process
from lt_core.training.folder.events import Event, event
from lt_core.training.folder.store import Run, write_json
from lt_core.training.workers import gpus
from lt_core.training.workers.gpus import environment
from lt_core.training.workers.launch import ROOT, SPIN
from lt_core.training.workers.queue import device_of
from lt_core.training.workers.taken import gpus_taken

POLL = 0.2
"""Seconds between two looks at the processes."""

Told: TypeAlias = tuple[str, Event]
"""The key of a trial and an event: its run's own, then ``ended`` (``error`` where it could not be begun)."""


class Executor(Protocol):
    """Makes trials, in any order; ends early, with every trial left in order, once ``should_stop`` says so."""

    def run(self, trials: Sequence[Trial], folders: dict[str, Path], *, should_stop: Asked) -> Iterator[Told]:
        """Yield what happens; ``ended`` for each trial that is no longer worked on."""
        ...

    @property
    def workers(self) -> int:
        """How many trials are made at the same time."""
        ...

    def slots(self) -> tuple[int, bool]:
        """Return how many trials take a device of this machine at a time, and whether they do so in this process.

        0 where somebody else decides where they run.
        """
        ...


@dataclass(frozen=True)
class InProcess:
    """One trial after the other, here; ``trainer`` None is torch."""

    trainer: Trainer | None = None
    workers: int = 1

    def slots(self) -> tuple[int, bool]:
        """One, in this process."""
        return 1, True

    def run(self, trials: Sequence[Trial], folders: dict[str, Path], *, should_stop: Asked) -> Iterator[Told]:
        """Yield the events of every run and, at its end, ``ended``."""
        for trial in trials:
            if should_stop():
                return
            error = ""
            yield trial.key, event("begun")
            try:
                for entry in perform(trial, folders[trial.key], trainer=self.trainer, should_stop=should_stop):
                    yield trial.key, entry
            except Problem as problem:
                error = str(problem)
            yield trial.key, event("ended", error=error)


def worker_command(task: Path, threads: int) -> list[str]:
    """Return the command of a process that makes the trial written in ``task``."""
    return [sys.executable, "-m", "lt_core.sweeps.worker", str(task), str(threads), str(os.getpid())]


@dataclass(frozen=True)
class Processes:
    """Up to ``workers`` trials at a time, each in a process of this process's group, with its share of the cores."""

    workers: int
    command: Callable[[Path, int], list[str]] = worker_command
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def slots(self) -> tuple[int, bool]:
        """One a worker, each in a process of its own."""
        return self.workers, False

    def run(self, trials: Sequence[Trial], folders: dict[str, Path], *, should_stop: Asked) -> Iterator[Told]:
        """Yield begun, epochs and ended of every trial; a worker that dies leaves an interrupted run and an error."""
        waiting, watch = list(trials), known_before(trials, folders)
        with ExitStack() as stack:
            stack.callback(self._end_all, folders)
            while self.running or (waiting and not should_stop()):
                while waiting and len(self.running) < self.workers and not should_stop():
                    trial = waiting.pop(0)
                    self.running[trial.key] = self._start(trial, folders[trial.key])
                    yield trial.key, event("begun")
                if should_stop():
                    _ask_to_stop(folders, self.running)
                time.sleep(POLL)
                ended = [key for key, worker in self.running.items() if worker.poll() is not None]
                yield from watch.news(list(self.running))
                for key in ended:
                    code = self.running.pop(key).returncode
                    yield key, event("ended", error=_said_by(folders[key], code))

    def _start(self, trial: Trial, folder: Path) -> subprocess.Popen[bytes]:
        task = made(folder) / "trial.json"
        write_json(task, trial.as_json())
        (folder / "stop").unlink(missing_ok=True)
        threads = max(1, (os.cpu_count() or 1) // self.workers)
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        own = _gpus_for(trial, folder)
        with (folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(  # noqa: S603 - our own module, our own folder
                self.command(task, threads),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={SPIN[0]: SPIN[1], **os.environ, **environment(own), "PYTHONPATH": path},
            )
        if own:  # said at once: the next one is chosen before this one has begun
            process.record(folder / lock.RECORD, worker.pid, gpus=",".join(own))
        return worker

    def _end_all(self, folders: dict[str, Path]) -> None:
        """Leave no process behind, whatever ended the sweep."""
        _ask_to_stop(folders, self.running)
        for worker in self.running.values():
            try:
                worker.wait(timeout=60)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.running.clear()


def _gpus_for(trial: Trial, folder: Path) -> tuple[str, ...]:
    """Return the GPUs of a trial: those that the fewest runs have, of the queue and of sweeps; none without one."""
    if device_of(trial.config) != "cuda":
        return ()
    return gpus.chosen(gpus.visible(), gpus_taken(folder.parents[2]), trial.config.devices)


def _ask_to_stop(folders: dict[str, Path], running: dict[str, subprocess.Popen[bytes]]) -> None:
    for key in running:
        Run(folders[key]).request_stop()


def _said_by(folder: Path, code: int) -> str:
    """Return why a worker could not begin its trial: its own word, or that it died; empty where it is in order."""
    if code == 0:
        return ""
    if code == 2:
        lines = (folder / "worker.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1].removeprefix("error: ") if lines else "the trial could not be begun"
    return f"its process ended with status {code} (the details are in {folder / 'worker.log'})"
