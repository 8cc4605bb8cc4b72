"""What the events of a run say: how far it is, how much longer it takes, how good it was at best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lt_core.training.config import RunConfig
from lt_core.training.folder.events import Event


@dataclass(frozen=True)
class Progress:
    """How far a run is: ``fraction`` in [0, 1], ``seconds_left`` (None before it can be told), epochs done of all."""

    fraction: float
    seconds_left: float | None
    epoch: int
    epochs: int


@dataclass(frozen=True)
class Best:
    """The best value of ``metric`` on validation so far, and the epoch it was reached in, from 1."""

    metric: str
    value: float
    epoch: int


def epochs_of(seen: Sequence[Event]) -> list[Event]:
    """Return the epochs that count, oldest first: one done again after a resume replaces what was lost."""
    found: list[Event] = []
    for entry in seen:
        if entry["event"] in ("epoch", "resumed") and isinstance(entry.get("epoch"), int):
            found = [earlier for earlier in found if earlier["epoch"] < entry["epoch"]]
        if entry["event"] == "epoch":
            found.append(entry)
    return found


def progress_of(config: RunConfig, seen: Sequence[Event]) -> Progress:
    """Return how far a run with these events is.

    The time left follows from the steps since it was last started or resumed, by ``elapsed``, which no clock that
    jumps can change.
    """
    done = max((entry["epoch"] for entry in epochs_of(seen)), default=0)
    if seen and seen[-1]["event"] == "finished":
        return Progress(1.0, 0.0, done, config.epochs)
    marks: list[Event] = []
    fraction = 0.0
    for entry in seen:
        if entry["event"] in ("started", "resumed"):
            marks = []
        if entry["event"] in ("step", "epoch") and "fraction" in entry:
            marks.append(entry)
            fraction = entry["fraction"]
    return Progress(fraction, _seconds_left(marks), done, config.epochs)


def _seconds_left(marks: Sequence[Event]) -> float | None:
    if len(marks) < 2:
        return None
    first, now = marks[0], marks[-1]
    clock = "elapsed" if "elapsed" in first and "elapsed" in now else "time"
    gained, passed = now["fraction"] - first["fraction"], now[clock] - first[clock]
    return float(passed / gained * (1 - now["fraction"])) if gained > 0 and passed > 0 else None


def best_of(config: RunConfig, seen: Sequence[Event]) -> Best | None:
    """Return the best epoch by the config's metric on validation; None before there is one with a defined value.

    The higher the better, but for ``val_loss``; of equal ones the first; of stages the latest.
    """
    metric = config.metric
    sign = -1 if metric == "val_loss" else 1
    found: Best | None = None
    stage = None
    for entry in epochs_of(seen):
        if entry.get("stage") != stage:
            stage, found = entry.get("stage"), None
        value = entry.get(metric)
        if value is not None and (found is None or sign * value > sign * found.value):
            found = Best(metric, value, entry["epoch"])
    return found
