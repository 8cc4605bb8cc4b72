"""The run folder: read by pages and by the command line, while and after a run is going on."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import pandas as pd

from lt_core.evaluation.predictions import Predictions
from lt_core.home import made, runs_dir
from lt_core.problems import Problem, Unknown
from lt_core.training import events
from lt_core.training.config import RunConfig
from lt_core.training.process import alive

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

STARTING = 120.0
"""Seconds a new run may take until its process is known, before it counts as interrupted."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: ``fraction`` in [0, 1], ``seconds_left`` (None before it can be told), epochs done of all."""

    fraction: float
    seconds_left: float | None
    epoch: int
    epochs: int


@dataclass(frozen=True)
class Run:
    """One run, wherever its process is; everything is read from its folder ``path`` when asked."""

    path: Path

    @property
    def name(self) -> str:
        """What people call it: the config's name, else the folder's."""
        return self.config.name or self.path.name

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

    def events(self) -> list[events.Event]:
        """Return what happened, oldest first."""
        return events.read(self.path / "events.jsonl")

    @property
    def state(self) -> State:
        """queued, running, stopped, interrupted, failed or finished; told by whoever looks."""
        seen = self.events()
        last = seen[-1]["event"] if seen else ""
        if last in events.FINAL:
            return cast(State, last)
        if alive(self.path / "worker.json"):
            return "running" if seen else "queued"
        fresh = not (self.path / "worker.json").exists() and time.time() - self.path.stat().st_mtime < STARTING
        return "queued" if fresh and not seen else "interrupted"

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
        epochs, done, seen = self.config.epochs, 0, self.events()
        first: events.Event | None = None
        now: events.Event | None = None
        for entry in seen:
            if entry["event"] == "epoch":
                done = entry["epoch"]
            if entry["event"] in ("step", "epoch") and "fraction" in entry:
                first, now = first or entry, entry
        if seen and seen[-1]["event"] == "finished":
            return Progress(1.0, 0.0, done, epochs)
        if now is None or first is None:
            return Progress(0.0, None, done, epochs)
        gained = now["fraction"] - first["fraction"]
        left = (now["time"] - first["time"]) / gained * (1 - now["fraction"]) if gained > 0 else None
        return Progress(now["fraction"], left, done, epochs)

    def history(self) -> pd.DataFrame:
        """Return a row an epoch: epoch, train_loss, val_loss, f1_*, ap_*, learning_rate, seconds; NaN = not defined."""
        rows = [
            {key: value for key, value in entry.items() if key not in ("event", "time", "fraction", "epochs")}
            for entry in self.events()
            if entry["event"] == "epoch"
        ]
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
        (self.path / "stop").touch()

    def load_model(self) -> nn.Module:
        """Return the reported model in evaluation mode on the CPU; raise ``Problem`` where there are no weights."""
        from lt_core.training.weights import load_model

        return load_model(self.path, self.config, self.dataset_card)


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in ``path``; raise ``Problem`` if there is none."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Problem(f"{path.parent} has no {path.name}: it is not the folder of a run that has started") from None
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be read: {error}") from None
    if not isinstance(entry, dict):
        raise Problem(f"{path} is not a JSON object")
    return entry


def checked_card(path: Path) -> dict[str, Any]:
    """Return the data card in ``path``; raise ``Problem`` where it is not what ``train`` writes."""
    card = read_json(path)
    names, shape = card.get("class_names"), card.get("shape")
    lists = [card.get(key) for key in ("groups", "positives_per_class")]
    channels = [card.get(key) for key in ("mean", "std")]
    fits = (
        isinstance(names, list)
        and isinstance(shape, list)
        and len(shape) == 3
        and all(isinstance(entry, list) and len(entry) == len(names) for entry in lists)
        and all(isinstance(entry, list) and len(entry) == shape[2] for entry in channels)
        and card.get("kind") in ("multi", "single")
    )
    if not fits:
        raise Problem(f"{path} does not describe the data of a run (classes, groups, shape): train again")
    return card


def write_json(path: Path, entry: dict[str, Any]) -> None:
    """Write a JSON object whole: a reader sees the old file or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(events.clean(entry), indent=1, allow_nan=False), encoding="utf-8")
    partial.replace(path)


def runs(folder: Path | None = None) -> list[Run]:
    """Return the runs in ``folder`` (default: this machine's), newest first; other folders are passed over."""
    found = [Run(path) for path in _folders(folder or runs_dir()) if _readable(path)]
    return sorted(found, key=lambda run: (run.path / "config.json").stat().st_mtime_ns, reverse=True)


def find_run(name: str | Path) -> Run:
    """Return the run in the folder ``name``, or the run of that name among this machine's."""
    for path in (Path(name), runs_dir() / name):
        if (path / "config.json").is_file():
            return Run(path)
    raise Unknown(f"no run in {name}: give the folder of a run, or the name of one in {runs_dir()}")


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
