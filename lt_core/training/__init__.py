"""Training: a frozen config in, events out, a self-contained run folder; only the loop imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lt_core.training.config import SETTINGS, RunConfig, quick_config
from lt_core.training.folder.events import Event, in_words
from lt_core.training.folder.store import Progress, Run, find_run, new_folder, runs
from lt_core.training.workers.launch import start_worker
from lt_core.training.workers.signals import stop_on_signals

if TYPE_CHECKING:
    from lt_core.training.loop import train

__all__ = [
    "SETTINGS",
    "Event",
    "Progress",
    "Run",
    "RunConfig",
    "find_run",
    "in_words",
    "new_folder",
    "quick_config",
    "runs",
    "start_worker",
    "stop_on_signals",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "train":  # the loop imports torch; looking at runs must not
        from lt_core.training.loop import train

        return train
    raise AttributeError(name)
