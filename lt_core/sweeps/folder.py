"""The folder of a sweep: ``plan.json``, ``trials.jsonl`` (one line a result) and ``trials/``, ordinary run folders."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pandas as pd

from lt_core.home import made, runs_dir
from lt_core.problems import Problem, Unknown
from lt_core.sweeps.compare_plan import ComparePlan
from lt_core.sweeps.plan import SweepPlan
from lt_core.sweeps.trials import Done, sign
from lt_core.training.folder import events, lock
from lt_core.training.folder.store import PLAN, TRIALS, Run, read_json, write_json

Plan: TypeAlias = SweepPlan | ComparePlan
SweepState = Literal["running", "stopped", "finished"]
BUSY = "this sweep is being worked on by {by}: stop it first, or wait until it has ended"


@dataclass(frozen=True)
class Sweep:
    """A sweep on disk, whoever works on it; everything is read from its folder ``path`` when asked."""

    path: Path

    @property
    def name(self) -> str:
        """What people call it: the plan's name, else the folder's."""
        return self.plan.name or self.path.name

    @property
    def plan(self) -> Plan:
        """What determines its runs."""
        return plan_from_json(read_json(self.path / PLAN), self.path / PLAN)

    def done(self) -> list[Done]:
        """Return the results so far, in the order they came; of one that was made again, the last."""
        lines = [entry for entry in events.read(self.path / "trials.jsonl") if entry["event"] == "trial"]
        return list({entry["key"]: Done.from_json(entry) for entry in lines}.values())

    @property
    def state(self) -> SweepState:
        """running while a process works on it; finished once every run of the plan has a result; else stopped."""
        if lock.held(self.path / lock.NAME):
            return "running"
        plan, done = self.plan, self.done()
        return "finished" if len(done) >= plan.total or not plan.generation(done) else "stopped"

    def folder_of(self, key: str) -> Path:
        """Return the run folder of a trial."""
        return self.path / TRIALS / key

    def runs(self) -> list[Run]:
        """Return the runs there are so far, by name of their folder."""
        folder = self.path / TRIALS
        there = sorted(folder.iterdir()) if folder.is_dir() else []
        return [Run(path) for path in there if (path / "config.json").is_file()]

    def table(self) -> pd.DataFrame:
        """Return a row a result, best first: key, number, step, seed, state, value, epoch, seconds, error, each axis.

        A value that is not defined is NaN and comes last; so does what an axis is where it has no say.
        """
        rows = [
            {
                "key": result.key,
                "number": result.number,
                "step": result.step,
                "seed": result.seed,
                "state": result.state,
                "value": result.value,
                "epoch": result.epoch,
                "seconds": result.seconds,
                "error": result.error,
                **result.setting,
            }
            for result in self.done()
        ]
        table = pd.DataFrame(rows, columns=None if rows else ["key", "number", "step", "seed", "state", "value"])
        table["value"] = table["value"].astype("float64")
        better_first = table["value"] * -sign(self.plan.metric)
        return table.iloc[better_first.argsort(kind="stable")].reset_index(drop=True)

    def request_stop(self) -> None:
        """Ask whoever works on it to stop; what was trained so far is kept, and the sweep can be continued."""
        (self.path / "stop").touch()


def plan_from_json(entry: Mapping[str, Any], where: object = "the plan") -> Plan:
    """Return the plan in a JSON object, by its ``kind`` (default: a sweep); ``Problem`` says what is wrong."""
    kinds: dict[str, type[Plan]] = {"sweep": SweepPlan, "compare": ComparePlan}
    kind = entry.get("kind", "sweep")
    if kind not in kinds:
        raise Unknown.of("kind of plan", str(kind), list(kinds))
    try:
        return kinds[kind].from_json(entry)
    except Problem:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Problem(f"{where} does not hold a plan: {type(error).__name__} {error}") from None


def read_plan(path: Path) -> Plan:
    """Return the plan in a JSON or TOML file; raise ``Problem`` for one that cannot be read or does not hold a plan."""
    if path.suffix.lower() != ".toml":
        if not path.is_file():
            raise Problem(f"no plan is called {path}: give a JSON or TOML file (docs/sweeps.md shows one)")
        return plan_from_json(read_json(path), path)
    import tomllib

    try:
        entry = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be read: {error}") from None
    return plan_from_json(entry, path)


def open_sweep(plan: Plan, folder: Path | None = None) -> Sweep:
    """Return the sweep of ``plan`` in ``folder`` (default: one of its own among the runs), made if it is not there.

    Raises ``Problem`` where the folder holds a sweep by another plan.
    """
    path = folder or runs_dir() / f"{time.strftime('%Y%m%d-%H%M%S')}-{_slug(plan.name or plan.kind)}"
    if path.exists() and not path.is_dir():
        raise Problem(f"{path} is a file: choose a folder for the sweep")
    if (path / PLAN).exists():
        # read first: a plan of an earlier version lacks settings that have come since, and means their defaults
        if _as_stored(plan_from_json(read_json(path / PLAN), path)) != _as_stored(plan):
            raise Problem(f"{path} holds a sweep by another plan: choose another folder, or remove it first")
        return Sweep(path)
    if (path / "config.json").exists():
        raise Problem(f"{path} holds a run: choose another folder for the sweep")
    made(path / TRIALS)
    write_json(path / PLAN, plan.as_json())
    return Sweep(path)


def _as_stored(plan: Plan) -> Any:
    import json

    return json.loads(json.dumps(events.clean(plan.as_json())))


def sweeps(folder: Path | None = None) -> list[Sweep]:
    """Return the sweeps in ``folder`` (default: this machine's), newest first."""
    place = folder or runs_dir()
    found = [Sweep(path) for path in (place.iterdir() if place.is_dir() else ()) if (path / PLAN).is_file()]
    return sorted(found, key=lambda sweep: (sweep.path / PLAN).stat().st_mtime_ns, reverse=True)


def find_sweep(name: str | Path) -> Sweep:
    """Return the sweep in the folder ``name``, or the sweep of that name among this machine's."""
    for path in (Path(name), runs_dir() / name):
        if (path / PLAN).is_file():
            return Sweep(path)
    raise Unknown(f"no sweep in {name}: give the folder of a sweep, or the name of one in {runs_dir()}")


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[:40] or "sweep"
