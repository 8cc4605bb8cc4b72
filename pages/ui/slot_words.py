"""What pages say of the slots of a device: how many there are, and which runs and sweeps have them."""

from __future__ import annotations

from lt_core.home import runs_dir
from lt_core.problems import Problem
from lt_core.sweeps import Sweep
from lt_core.sweeps.manage import called
from lt_core.training import Run
from lt_core.training.workers.queue import slots
from lt_core.training.workers.taken import Taken, taken
from pages.ui import run_words


def limits() -> str:
    """Return how many runs the queue has going at a time, on each device."""
    each = ", ".join(f"{count} on {device}" for device, count in slots().items())
    return f"The queue runs at a time: {each} (LONGTAIL_LAB_SLOTS)."


def taken_now() -> str:
    """Return which runs and sweeps have the slots of each device, ready for Markdown; empty where none is taken."""
    found = taken(runs_dir())
    said = []
    for device in dict.fromkeys(entry.device for entry in found):
        own = [entry for entry in found if entry.device == device]
        said.append(f"{sum(entry.slots for entry in own)} on {device}, by {', '.join(map(_named, own))}")
    return f"Taken now: {'; '.join(said)}." if said else ""


def holders(device: str) -> str:
    """Return which runs and sweeps have slots of ``device``, ready for Markdown; empty where nobody has."""
    return ", ".join(_named(entry) for entry in taken(runs_dir()) if entry.device == device)


def _named(entry: Taken) -> str:
    try:
        name = called(Sweep(entry.folder)) if entry.sweep else Run(entry.folder).name
    except Problem:  # removed meanwhile
        name = entry.folder.name
    kind = "sweep" if entry.sweep else "run"
    return f"the {kind} {run_words.plain(name)}" + (f" ({entry.slots} at a time)" if entry.slots > 1 else "")
