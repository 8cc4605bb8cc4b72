"""A trainer without a network: quality is a formula of the config, so what a search must find is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from lt_core.evaluation import Predictions
from lt_core.problems import Problem
from lt_core.sweeps import Trainer
from lt_core.training import RunConfig
from lt_core.training.folder.events import Event, append, event
from lt_core.training.folder.store import Run, write_json

CLASSES = ("a", "b", "c")
PEAK = 0.01
"""The best learning rate."""


def quality(config: RunConfig, epoch: int) -> float:
    """Return a macro AP in (0, 1): best at ``PEAK``, a little noise from the seed, rising with the epochs."""
    away = abs(math.log10(config.learning_rate / PEAK))
    bonus = {"bce": 0.0, "focal": 0.05, "asl": 0.1}.get(config.loss, 0.02)
    gamma = float(config.loss_values.get("gamma_neg", 4.0))
    noise = 0.01 * math.sin(7.0 * config.seed + len(config.loss))
    return (0.7 + bonus + noise - 0.15 * away - 0.002 * (gamma - 2.0) ** 2) * epoch / (epoch + 1)


def begin(config: RunConfig, folder: Path, *, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Stand in for ``train``."""
    if config.data.name == "nowhere":
        raise Problem("no data set is called 'nowhere'")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config.as_json())
    card = {"class_names": list(CLASSES), "groups": ["head", "medium", "tail"], "positives_per_class": [50, 8, 2]}
    more = {"shape": [8, 8, 1], "mean": [0.5], "std": [0.2], "kind": "multi"}
    write_json(folder / "dataset.json", {**card, **more})
    yield from _epochs(config, folder, 1, should_stop, "started")


def go_on(folder: Path, *, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Stand in for ``resume``: what was told counts as trained."""
    run = Run(folder)
    done = len([entry for entry in run.events() if entry["event"] == "epoch"])
    yield from _epochs(run.config, folder, done + 1, should_stop, "resumed")


def _epochs(
    config: RunConfig, folder: Path, first: int, should_stop: Callable[[], bool], opening: str
) -> Iterator[Event]:
    def say(kind: str, **values: object) -> Event:
        entry = event(kind, **values)
        append(folder / "events.jsonl", entry)
        return entry

    yield say(opening, epoch=first)
    if config.learning_rate >= 1.0:
        yield say("failed", error="the loss became nan: training diverged")
        return
    done = first - 1
    for epoch in range(first, config.epochs + 1):
        if should_stop():
            break
        done = epoch
        value = quality(config, epoch)
        yield say("epoch", epoch=epoch, epochs=config.epochs, ap_macro=value, f1_macro=value / 2, seconds=0.0)
    for part in ("val", "test"):
        predictions(config, part).save(folder / f"predictions-{part}.npz")
    yield say("finished" if done == config.epochs else "stopped", epoch=done, reported_epoch=done or None, seconds=0.1)


def predictions(config: RunConfig, part: str) -> Predictions:
    """Return logits that are the better the better the config is, on the same truth for the same seed and part."""
    truth = np.random.default_rng([config.seed, len(part)])
    targets = (truth.random((60, 3)) < (0.5, 0.3, 0.15)).astype(np.float32)
    noise = truth.normal(size=targets.shape)
    logits = (4 * quality(config, config.epochs) * targets + noise - 1).astype(np.float32)
    rows = np.arange(len(targets))
    return Predictions(CLASSES, logits, targets, rows, rows.astype(np.str_), "multi", part)


FAKE = Trainer(begin, go_on)
