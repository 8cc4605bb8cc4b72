"""What is queued and where it runs: every run and every trial of a sweep that waits or is being trained."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from lt_core.home import runs_dir
from lt_core.problems import Problem
from lt_core.sweeps.folder import Sweep, sweeps
from lt_core.sweeps.launch import condition, process_of
from lt_core.sweeps.manage import called
from lt_core.training.folder import events, lock, process
from lt_core.training.folder.files import read_json, write_json
from lt_core.training.folder.meta import meta_in
from lt_core.training.folder.progress import epochs_of
from lt_core.training.folder.store import QUEUED, Run, runs
from lt_core.training.workers.queue import device_of, waiting

COLUMNS = ("what", "part_of", "state", "device", "place", "machine", "process", "epoch", "epochs", "owner", "since",
           "folder")  # fmt: skip
HERE, ELSEWHERE = "this machine", "another machine"
NODE = "node.json"
DAMAGED = (Problem, OSError, KeyError, TypeError, ValueError, AttributeError)
"""What a folder that was damaged or removed meanwhile may raise while it is read."""


def note_node(folder: Path) -> None:
    """Write into a run's folder on which machine it is being trained; for engines that choose one by themselves."""
    with suppress(Problem, OSError):
        write_json(folder / NODE, {"node": platform.node()})


def board(folder: Path | None = None) -> pd.DataFrame:
    """Return a row for everything in ``folder`` (default: this machine's) that waits or runs; what runs comes first.

    Columns: what (its name), part_of (the sweep it is a trial of, or empty), state, device, place (in the queue of its
    device, from 1; NaN where it has none), machine, process (its number; NaN where not known), epoch (completed) of
    epochs, owner, since (seconds since 1970: begun, or queued), folder. Trials that cannot begin yet are one row with
    their number. Folders that cannot be read are left out.
    """
    place = folder or runs_dir()
    rows: list[dict[str, Any]] = []
    for entries in (_runs(place), _sweeps(place)):
        with suppress(*DAMAGED):
            rows += list(entries)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    order = table["state"].map({"running": 0, "starting": 1, "queued": 2}).fillna(3)
    return table.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def running_trials(sweep: Sweep) -> list[dict[str, Any]]:
    """Return a row of ``board`` for each trial that is being trained now, with its ``key``."""
    done, found = {result.key for result in sweep.done()}, []
    for run in sweep.runs():  # not the plan's next trials: asking TPE for them takes its time
        if run.path.name not in done and (run.path / "events.jsonl").exists() and _at_work(run):
            with suppress(*DAMAGED):
                found.append({"key": run.path.name, **_row(run, "running", part_of=called(sweep))})
    return found


def _runs(folder: Path) -> Iterator[dict[str, Any]]:
    places = {entry.run.path.name: entry for entry in waiting(folder)}
    for run in runs(folder):
        with suppress(*DAMAGED):
            state = run.state
            if state == "running":
                yield _row(run, state)
            elif state == "queued":
                entry = places.get(run.path.name)
                own = {"device": entry.device, "place": float(entry.place)} if entry else {}
                yield {**_row(run, state), **own}


def _sweeps(folder: Path) -> Iterator[dict[str, Any]]:
    for sweep in sweeps(folder):
        with suppress(*DAMAGED):
            if not lock.held(sweep.path / lock.NAME) and not process.alive(sweep.path / lock.RECORD):
                continue  # looked at first: what a stopped search would do next takes time to tell
            state = condition(sweep)
            if state not in ("starting", "running"):
                continue
            owner = meta_in(sweep.path).owner
            now = running_trials(sweep)
            yield from ({**row, "owner": owner} for row in now)
            left = sweep.plan.total - len(sweep.done()) - len(now)
            if left > 0:
                yield {
                    "what": f"{left} more run{'s' if left > 1 else ''}",
                    "part_of": called(sweep),
                    "state": "starting" if state == "starting" else "queued",
                    "device": device_of(sweep.plan.base),
                    "machine": HERE if sweep.plan.executor == "local" else "where Ray puts it",
                    "process": process_of(sweep),
                    "owner": owner,
                    "since": (sweep.path / "plan.json").stat().st_mtime,
                    "folder": sweep.path.name,
                }


def _row(run: Run, state: str, *, part_of: str = "") -> dict[str, Any]:
    seen = run.events()
    began = next((e for e in reversed(seen) if e["event"] in ("started", "resumed")), {})
    file = run.path / (QUEUED if state == "queued" else "config.json")
    changed = file.stat().st_mtime if file.exists() else (run.path / "config.json").stat().st_mtime
    config = run.config
    return {
        "what": run.name,
        "part_of": part_of,
        "state": state,
        "device": began.get("device") or device_of(config),
        "machine": machine_of(run.path) if state == "running" else "",
        "process": _pid(run.path) if state == "running" else None,
        "epoch": len(epochs_of(seen)),
        "epochs": config.epochs,
        "owner": run.meta.owner,
        "since": began.get("time", changed),
        "folder": run.path.name,
    }


def machine_of(folder: Path) -> str:
    """Return on which machine a run is being trained: this one, or the node's name where an engine chose it."""
    if process.alive(folder / lock.RECORD):
        return HERE
    with suppress(Problem, AttributeError):
        if node := read_json(folder / NODE).get("node"):
            return str(node)
    entry = process.recorded(folder / lock.RECORD) or {}
    return ELSEWHERE if entry.get("boot") not in (None, process.boot()) else HERE


def _at_work(run: Run) -> bool:
    """Return whether a trial is being trained; one on another node holds no lock that can be seen from here."""
    if lock.at_work(run.path):
        return True
    seen = run.events()
    return (run.path / NODE).exists() and bool(seen) and seen[-1]["event"] not in events.FINAL


def _pid(folder: Path) -> int | None:
    if (pid := lock.worker_of(folder)) is not None:
        return pid
    entry = process.recorded(folder / lock.RECORD)
    return None if entry is None or entry.get("ended") else int(entry["pid"])
