"""Carry out a plan: a generator of events that can be stopped anywhere and continued by calling it again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lt_core.problems import Problem
from lt_core.sweeps.folder import BUSY, Plan, Sweep
from lt_core.sweeps.local import Executor, InProcess
from lt_core.sweeps.performing import Asked, outcome, refused
from lt_core.sweeps.trials import Done, Trial
from lt_core.training.folder import events, lock
from lt_core.training.folder.events import Event, event
from lt_core.training.workers.gpus import visible
from lt_core.training.workers.queue import device_of
from lt_core.training.workers.taken import declare, withdraw

ATTEMPTS = 3
"""How often a trial is begun whose process dies without a word, before it counts as failed."""


@dataclass
class _Tally:
    """Counts for the events: what is done in all, and how fast it went since this start.

    ``fresh`` counts the epochs of the runs made since: those that choose a rate are shorter than the others.
    """

    plan: Plan
    done: list[Done]
    began: float = field(default_factory=lambda: time.monotonic())
    fresh: int = 0

    def said(self) -> dict[str, Any]:
        """Return done, total, a count per state and ``seconds_left`` (None before the first result)."""
        states = [result.state for result in self.done]
        left = max(0, self.plan.total_epochs - sum(self.plan.epochs_of(result.step) for result in self.done))
        pace = (time.monotonic() - self.began) / self.fresh if self.fresh else None
        return {
            "done": len(states),
            "total": self.plan.total,
            **{state: states.count(state) for state in ("finished", "pruned", "failed", "stopped")},
            "seconds_left": None if pace is None else pace * left,
        }


def carry_out(
    sweep: Sweep,
    executor: Executor | None = None,
    *,
    should_stop: Asked = lambda: False,
    retry_failed: bool = False,
) -> Iterator[Event]:
    """Make every run of the sweep's plan that has no result yet, and yield what happens.

    Events: ``sweep_started``; ``trial_started``, ``trial_epoch`` (the metric's ``value``), ``trial_finished``,
    ``trial_pruned``, ``trial_failed`` and ``trial_stopped`` with ``key``, ``setting`` and the counts so far; at the end
    ``sweep_finished`` or ``sweep_stopped``. What has a result is never made again (``retry_failed``: but what failed);
    what was begun is gone on with. Raises ``Problem`` where another process works on the sweep, and where the very
    first trial cannot even be begun.
    """
    plan, own = sweep.plan, executor or InProcess()
    said = BUSY.replace("this sweep", str(sweep.path))
    descriptor = lock.take(sweep.path / lock.NAME, said)
    try:
        _declare(sweep, plan, own)
        (sweep.path / "stop").unlink(missing_ok=True)
        tally = _Tally(plan, [r for r in sweep.done() if not (retry_failed and r.state == "failed")])
        failed = {r.key for r in sweep.done() if r.state == "failed"} if retry_failed else set()

        def stopping() -> bool:
            return should_stop() or (sweep.path / "stop").exists()

        yield event("sweep_started", **tally.said())
        yield from _generations(sweep, plan, own, tally, failed, stopping)
        left = plan.generation(tally.done)
        yield event("sweep_stopped" if left else "sweep_finished", **tally.said())
    finally:
        withdraw(sweep.path)
        lock.release(sweep.path / lock.NAME, descriptor)


def _declare(sweep: Sweep, plan: Plan, executor: Executor) -> None:
    """Let the queue know which slots the sweep takes; without processes of their own, trials take the first GPUs."""
    count, here = executor.slots()
    device, each = device_of(plan.base), plan.base.devices
    own = visible()[:each] if here and device == "cuda" else ()
    declare(sweep.path, device, min(count, plan.total) * each, gpus=own)


def _generations(
    sweep: Sweep, plan: Plan, executor: Executor, tally: _Tally, failed: set[str], stopping: Asked
) -> Iterator[Event]:
    attempts: dict[str, int] = {}
    while not stopping() and (trials := plan.generation(tally.done)):
        for trial in trials:  # ended while nobody listened: the driver died, or the last stop was a pruned trial's
            _wait_for(sweep, trial, stopping)
            found = None if trial.key in failed else outcome(trial, sweep.folder_of(trial.key))
            if found is not None and found.state != "stopped":
                yield _result(sweep, tally, found)
        kept = {result.key for result in tally.done}
        trials = [trial for trial in trials if trial.key not in kept]
        for trial in trials:
            attempts[trial.key] = attempts.get(trial.key, 0) + 1
        failed.clear()
        yield from _batch(sweep, executor, tally, trials, attempts, stopping)


def _batch(
    sweep: Sweep, executor: Executor, tally: _Tally, trials: Sequence[Trial], attempts: dict[str, int], stopping: Asked
) -> Iterator[Event]:
    by_key = {trial.key: trial for trial in trials}
    folders = {trial.key: sweep.folder_of(trial.key) for trial in trials}
    for key, entry in executor.run(trials, folders, should_stop=stopping):
        trial = by_key[key]
        about = {"key": key, "setting": dict(trial.setting), "seed": trial.config.seed, "step": trial.step}
        if entry["event"] == "begun":
            yield event("trial_started", **about, **tally.said())
        elif entry["event"] == "epoch":
            yield event("trial_epoch", **about, epoch=entry["epoch"], value=entry.get(trial.metric))
        elif entry["event"] == "ended":
            found = outcome(trial, folders[key])
            if found is None and entry.get("error"):
                if not tally.done and not (folders[key] / "events.jsonl").exists():
                    raise Problem(f"the first trial ({key}) cannot be begun: {entry['error']}")
                if attempts[key] >= ATTEMPTS or not (folders[key] / "events.jsonl").exists():
                    found = refused(trial, str(entry["error"]))
            if found is None or (found.state == "stopped" and stopping()):
                yield event("trial_stopped", **about, error=entry.get("error") or None, **tally.said())
            else:
                yield _result(sweep, tally, found)


def _result(sweep: Sweep, tally: _Tally, found: Done) -> Event:
    """Write a result down and return its event."""
    events.append(sweep.path / "trials.jsonl", event("trial", **found.as_json()))
    tally.done.append(found)
    tally.fresh += sweep.plan.epochs_of(found.step)
    about = {name: value for name, value in found.as_json().items() if name not in ("curve", "state")}
    return event(f"trial_{found.state}", **about, **tally.said())


def _wait_for(sweep: Sweep, trial: Trial, stopping: Asked) -> None:
    """Wait while a process that the last driver left behind still works on a trial."""
    folder = sweep.folder_of(trial.key)
    while (folder / "events.jsonl").exists() and lock.at_work(folder) and not stopping():
        time.sleep(0.2)


def in_words(entry: Event) -> str:
    """Return a line of the log for a person, or nothing for what needs none."""
    kind = entry["event"]
    if kind == "sweep_started":
        return f"{entry['done']} of {entry['total']} runs are done" if entry["done"] else f"{entry['total']} runs"
    if kind in ("sweep_finished", "sweep_stopped"):
        counts = ", ".join(f"{entry[s]} {s}" for s in ("finished", "pruned", "failed", "stopped") if entry[s])
        more = "" if kind == "sweep_finished" else "; the same command continues it"
        return f"{kind.removeprefix('sweep_')}: {entry['done']} of {entry['total']} runs ({counts or 'none'}){more}"
    if kind == "trial_stopped" and entry.get("error"):
        return f"{entry['key']}  will be begun again: {entry['error']}"
    if kind in ("trial_finished", "trial_pruned", "trial_failed"):
        setting = ", ".join(f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in entry["setting"].items())
        value = "-" if entry["value"] is None else f"{entry['value']:.4f}"
        state = kind.removeprefix("trial_")
        why = f": {entry['error']}" if entry.get("error") else ""
        left = f", {entry['seconds_left']:.0f} s left" if entry.get("seconds_left") else ""
        return f"{entry['done']}/{entry['total']}  {entry['key']}  {setting}  {state}  {value}{why}{left}"
    return ""
