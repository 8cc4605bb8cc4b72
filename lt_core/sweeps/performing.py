"""Make one trial: train it, go on with it, or end it early, in a folder that is an ordinary run's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from lt_core.problems import Problem
from lt_core.sweeps.trials import Done, Trial, TrialState, prunes
from lt_core.training.folder.events import Event
from lt_core.training.folder.progress import epochs_of
from lt_core.training.folder.store import Run

Asked = Callable[[], bool]


class Begin(Protocol):
    """How a run is begun: ``lt_core.training.train``, or something faster in a test."""

    def __call__(self, config: object, folder: Path, *, should_stop: Asked) -> Iterator[Event]: ...


class GoOn(Protocol):
    """How a run is gone on with: ``lt_core.training.loop.resume``."""

    def __call__(self, folder: Path, *, should_stop: Asked) -> Iterator[Event]: ...


class Trainer(NamedTuple):
    """What trains."""

    train: Begin
    resume: GoOn


def torch_trainer() -> Trainer:
    """Return the trainer of every run of this project; imports torch."""
    from lt_core.training.loop import resume, train

    return Trainer(train, resume)  # type: ignore[arg-type]  # a config is an object


def perform(
    trial: Trial, folder: Path, *, trainer: Trainer | None = None, should_stop: Asked = lambda: False
) -> Iterator[Event]:
    """Make the trial in ``folder`` and yield the events of its run; one that was begun before is gone on with.

    After each epoch its best value so far is held against the trial's floor; below it the run is stopped like any
    other, with predictions, and ``outcome`` calls it pruned. Raises ``Problem`` for what cannot be trained at all.
    """
    begun = any((folder / name).exists() for name in ("config.json", "events.jsonl"))
    if begun and (found := outcome(trial, folder)) is not None and found.state in ("finished", "pruned"):
        return
    own = trainer or torch_trainer()
    hopeless: list[bool] = []

    def stopping() -> bool:
        return bool(hopeless) or should_stop()

    events = (
        own.resume(folder, should_stop=stopping) if begun else own.train(trial.config, folder, should_stop=stopping)
    )
    for entry in events:
        if entry["event"] == "epoch" and prunes(_curve(trial, folder), trial.floors, trial.metric):
            hopeless.append(True)
        yield entry


def outcome(trial: Trial, folder: Path) -> Done | None:
    """Return what came of the trial, read from its folder; None where it has not ended by itself or by a stop."""
    if not (folder / "events.jsonl").exists():
        return None
    run = Run(folder)
    seen = run.events()
    last: Event = seen[-1] if seen else {"event": ""}
    if last["event"] not in ("finished", "stopped", "failed"):
        return None
    state: TrialState = last["event"]
    curve, reported = _curve(trial, folder), last.get("reported_epoch")
    if state == "stopped" and prunes(curve, trial.floors, trial.metric):
        state = "pruned"
    value = next((e.get(trial.metric) for e in epochs_of(seen) if e["epoch"] == reported), None)
    return Done(
        key=trial.key,
        number=trial.number,
        setting=dict(trial.setting),
        seed=trial.config.seed,
        state=state,
        value=value,
        step=trial.step,
        curve=curve,
        epoch=reported,
        seconds=last["seconds"] if "seconds" in last else seen[-1]["time"] - seen[0]["time"],
        error=run.error,
    )


def refused(trial: Trial, problem: str) -> Done:
    """Return the result of a trial that could not be begun."""
    return Done(
        trial.key, trial.number, dict(trial.setting), trial.config.seed, "failed", step=trial.step, error=problem
    )


def _curve(trial: Trial, folder: Path) -> tuple[float | None, ...]:
    return tuple(entry.get(trial.metric) for entry in epochs_of(Run(folder).events()))


def to_the_end(events: Iterator[Event]) -> str:
    """Let a trial go to its end without a word; return an empty text, or why it could not be begun."""
    try:
        for _ in events:
            pass
    except Problem as problem:
        return str(problem)
    return ""
