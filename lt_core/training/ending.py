"""How a run that cannot go on says so."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from lt_core.problems import Problem
from lt_core.training.folder import events
from lt_core.training.folder.events import Event, event
from lt_core.training.ranks import Ranks, ends_noted, note_end


def why_others_ended(folder: Path, ranks: Ranks) -> str:
    """Return why the other processes of the run are gone, which is what ended this one; "" for another process."""
    if not ranks.first:
        return ""
    time.sleep(1.0)  # they are writing it
    said = ends_noted(folder) or "the details are in worker.log, or where the command was started"
    return f"another process of this run ended ({said}); resume goes on from the last checkpoint"


def failed(log: Path, sentence: str, ranks: Ranks) -> Event:
    """Write and return the event of a run that failed; a process beside the first leaves its reason to that one."""
    entry = event("failed", error=sentence)
    if not ranks.first:
        note_end(log.parent, ranks, sentence)
        return entry
    with suppress(Problem):  # no room for it: whoever looks will find the run interrupted
        events.append(log, entry)
    return entry
