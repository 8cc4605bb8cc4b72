"""The run folder: read by pages and by the command line, while and after a run is going on."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import pandas as pd

from lt_core.evaluation.predictions import Predictions
from lt_core.home import made, runs_dir
from lt_core.problems import Problem, Unknown
from lt_core.training.config import RunConfig
from lt_core.training.folder import events, lock, process
from lt_core.training.folder.events import Event
from lt_core.training.folder.files import checked_card, read_json, write_json
from lt_core.training.folder.meta import Meta, meta_in
from lt_core.training.folder.progress import Best, Progress, best_of, epochs_of, progress_of

if TYPE_CHECKING:
    from torch import nn

State = Literal["queued", "running", "stopped", "interrupted", "failed", "finished"]
COLUMNS = (
    "epoch",
    "train_loss",
    "val_loss",
    *(f"{metric}_{group}" for group in ("head", "medium", "tail", "macro") for metric in ("f1", "ap")),
    "learning_rate",
    "seconds",
)
"""Of a history; f1 at threshold 0.5 (arg-max for single-label sets), ap = average precision, both on validation."""

QUEUED = lock.QUEUED
PLAN, TRIALS = "plan.json", "trials"
"""The plan in the folder of a sweep, and the folder of the sweep's runs beside it."""

__all__ = [
    "COLUMNS",
    "QUEUED",
    "Progress",
    "Run",
    "State",
    "checked_card",
    "find_run",
    "new_folder",
    "read_json",
    "runs",
    "write_json",
]


@dataclass(frozen=True)
class Run:
    """One run, wherever its process is; everything is read from its folder ``path`` when asked."""

    path: Path

    @property
    def name(self) -> str:
        """What people call it: the name it was given last, else the folder's."""
        return self.meta.name or self.config.name or self.path.name

    @property
    def key(self) -> str:
        """What ``find_run`` takes and links carry: the folder's name, or SWEEP/TRIAL for a run of a sweep."""
        place = self.path.parent
        in_sweep = place.name == TRIALS and (place.parent / PLAN).is_file()
        return f"{place.parent.name}/{self.path.name}" if in_sweep else self.path.name

    @property
    def meta(self) -> Meta:
        """What people wrote about it: name, tags, note, owner; empty where nothing was."""
        return meta_in(self.path)

    @property
    def config(self) -> RunConfig:
        """What determines the run."""
        try:
            return RunConfig.from_json(read_json(self.path / "config.json"))
        except Problem:
            raise
        except (KeyError, TypeError, AttributeError, ValueError):
            raise Problem(f"{self.path / 'config.json'} does not hold the settings of a run: train again") from None

    @property
    def dataset_card(self) -> dict[str, Any]:
        """Class names, training counts, groups, parts, shape, mean and std of the data it saw."""
        return checked_card(self.path / "dataset.json")

    def events(self) -> list[Event]:
        """Return what happened, oldest first."""
        return events.read(self.path / "events.jsonl")

    @property
    def state(self) -> State:
        """queued, running, stopped, interrupted, failed or finished; told by whoever looks, without a clock.

        It runs while a process works on it; the last event counts once that process has said it, or nobody is there.
        """
        return self.state_after(self.events())

    def state_after(self, seen: Sequence[Event]) -> State:
        """Return the state where ``seen`` are the events, for who has read them already."""
        last = seen[-1]["event"] if seen else ""
        if lock.at_work(self.path):
            entry = process.recorded(self.path / lock.RECORD) or {}
            silent = entry.get("log") == process.log_size(self.path)
            return cast(State, last) if last in events.FINAL and not silent else "running"
        if (self.path / QUEUED).exists():
            return "stopped" if is_cancelled(self.path) else "queued"
        if last in events.FINAL:
            return cast(State, last)
        return "queued" if not seen and lock.held(self.path / lock.NAME) else "interrupted"  # just being started

    @property
    def error(self) -> str | None:
        """Why it failed, in one sentence; None unless it did."""
        seen = self.events()
        return str(seen[-1]["error"]) if seen and seen[-1]["event"] == "failed" else None

    @property
    def reported_epoch(self) -> int | None:
        """The epoch whose weights the predictions come from, from 1; None before there are any."""
        seen = [entry for entry in self.events() if entry["event"] in ("finished", "stopped")]
        return seen[-1].get("reported_epoch") if seen else None

    def progress(self) -> Progress:
        """Return how far it is, with the time left estimated from the steps so far."""
        return progress_of(self.config, self.events())

    def best(self) -> Best | None:
        """Return the best value of the config's metric on validation, with its epoch; None before there is one."""
        return best_of(self.config, self.events())

    def history(self) -> pd.DataFrame:
        """Return a row an epoch: epoch, train_loss, val_loss, f1_*, ap_*, learning_rate, seconds; NaN = not defined."""
        rows = [
            {key: value for key, value in entry.items() if value is None or isinstance(value, int | float)}
            for entry in epochs_of(self.events())
        ]
        for row in rows:
            for key in ("time", "fraction", "epochs"):
                row.pop(key, None)
        return pd.DataFrame(rows, columns=None if rows else list(COLUMNS)).astype("float64")

    def predictions(self, part: str) -> Predictions:
        """Return what the reported weights said about one part; raise ``Problem`` where that was not kept."""
        file = self.path / f"predictions-{part}.npz"
        if not file.is_file():
            kept = sorted(p.stem.removeprefix("predictions-") for p in self.path.glob("predictions-*.npz"))
            hint = f"there are predictions for {', '.join(kept)}" if kept else f"the run is {self.state}"
            raise Problem(f"{self.path.name} has no predictions for {part!r}: {hint}")
        return Predictions.load(file)

    def request_stop(self) -> None:
        """Ask the process to stop after its current step; what it has learned so far is kept."""
        try:
            (self.path / "stop").touch()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Problem(f"{self.path} cannot be written ({reason}): end the process of the run by hand") from None

    def load_model(self) -> nn.Module:
        """Return the reported model in evaluation mode on the CPU; raise ``Problem`` where there are no weights."""
        from lt_core.training.weights import load_model

        return load_model(self.path, self.config, self.dataset_card)


def is_cancelled(folder: Path) -> bool:
    """Return whether a run that waited was taken out of the queue."""
    try:
        return bool(read_json(folder / QUEUED).get("cancelled"))
    except Problem:
        return False


def runs(folder: Path | None = None) -> list[Run]:
    """Return the runs in ``folder`` (default: this machine's), newest first; other folders are passed over."""
    found = [Run(path) for path in _folders(folder or runs_dir()) if _readable(path)]
    return sorted(found, key=lambda run: (run.path / "config.json").stat().st_mtime_ns, reverse=True)


def find_run(name: str | Path) -> Run:
    """Return the run in the folder ``name``, or the one of this machine's that is called so: its folder, else its name.

    ``SWEEP/TRIAL`` is a run of a sweep: the sweep's folder, then the folder or the name of the run. Raises ``Unknown``
    where there is none, and ``Problem`` where several have that name, or where ``name`` is a sweep.
    """
    place, called = runs_dir(), str(name)
    for path in (Path(name), runs_dir() / name):
        if (path / "config.json").is_file():
            return Run(path)
        if (path / PLAN).is_file():
            raise Problem(f"{path.name} is a sweep: say which of its runs, as {_example(path)}")
        if (path.parent / PLAN).is_file():
            place, called = path.parent / TRIALS, path.name
            break
    if (place / called / "config.json").is_file():
        return Run(place / called)
    found = [run for run in runs(place) if run.name == called]
    if len(found) > 1:
        folders = ", ".join(run.path.name for run in found)
        raise Problem(f"several runs are called {called!r}: say which by its folder, {folders}")
    if found:
        return found[0]
    raise Unknown(f"no run in {name}: give the folder of a run, or the name of one in {place}")


def _example(sweep: Path) -> str:
    """Return how a run of a sweep is named, by one that is there."""
    names = sorted(path.name for path in _folders(sweep / TRIALS))
    return f"{sweep.name}/{names[0] if names else 'TRIAL'}"


def new_folder(config: RunConfig, folder: Path | None = None) -> Path:
    """Make and return a folder of its own for a new run."""
    data = re.sub(r"[^A-Za-z0-9]+", "-", Path(config.data.name).stem).strip("-") or "data"
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{data}-{config.loss}-{config.seed}"
    for count in range(1000):
        path = made(folder or runs_dir()) / (stem if not count else f"{stem}-{count}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise Problem(f"{folder or runs_dir()} holds too many runs of this second")


def _folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if (path / "config.json").is_file())


def _readable(path: Path) -> bool:
    try:
        RunConfig.from_json(read_json(path / "config.json"))
    except (Problem, KeyError, TypeError, AttributeError, ValueError):
        return False
    return True
