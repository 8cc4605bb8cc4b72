"""What happens in a run, one JSON object a line."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any, TypeAlias

from lt_core.problems import Problem
from lt_core.whole import flushed

Event: TypeAlias = dict[str, Any]
"""``event`` is started, resumed, note, step, epoch, finished, stopped or failed; ``time`` is seconds since 1970.

Steps and epochs also carry ``elapsed``, the seconds trained so far over all processes of the run, by a clock that
nobody sets.
"""

FINAL = ("finished", "stopped", "failed")


def event(kind: str, **values: Any) -> Event:
    """Return an event with its time; numbers that are not finite become None."""
    return {"event": kind, "time": time.time(), **clean(values)}


def clean(value: Any) -> Any:
    """Return ``value`` with every NaN and infinity replaced by None, at any depth."""
    if isinstance(value, dict):
        return {key: clean(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [clean(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def append(path: Path, entry: Event) -> None:
    """Add one line to an event file, on a line of its own where a crash or a full disk cut off the one before.

    How a run ended is on the disk itself when this returns. Raises ``Problem`` where the disk is full or the file
    cannot be written.
    """
    try:
        with path.open("ab+") as file:
            if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                file.write(b"\n")
            file.write(json.dumps(entry, allow_nan=False).encode() + b"\n")
        if entry["event"] in FINAL:
            flushed(path)
    except OSError as error:
        raise Problem(f"{path} cannot be written ({(error.strerror or str(error)).lower()}): make room and resume the "
                      "run, it goes on from its last checkpoint") from None  # fmt: skip


def read(path: Path) -> list[Event]:
    """Return the events of a file; a last line cut off by a crash is left out."""
    if not path.is_file():
        return []
    found: list[Event] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "event" in entry:
            found.append(entry)
    return found


def in_words(entry: Event) -> str:
    """Return a line of the log for a person, or nothing for a step."""
    match entry["event"]:
        case "started":
            note = f" ({entry['note']})" if entry.get("note") else ""
            return f"training on {entry['device']}, {entry['n_train']:,} images{note}"
        case "resumed":
            note = f" ({entry['note']})" if entry.get("note") else ""
            return f"resumed in epoch {entry['epoch']}, after {entry['step']} steps of it, on {entry['device']}{note}"
        case "note":
            return f"note: {entry['text']}"
        case "epoch":
            groups = "  ".join(f"{g} {_number(entry[f'f1_{g}'])}" for g in ("head", "medium", "tail"))
            return (
                f"epoch {entry['epoch']}/{entry['epochs']}  loss {_number(entry['train_loss'])}  "
                f"validation loss {_number(entry['val_loss'])}, macro AP {_number(entry['ap_macro'])}, F1 {groups}"
            )
        case "finished":
            if entry.get("imported"):
                return "brought in from a file of weights; predicted on validation and test"
            early = f", stopped early after epoch {entry['epoch']}" if entry.get("early") else ""
            return f"finished in {entry['seconds']:.0f} s{early}; reported is epoch {entry['reported_epoch']}"
        case "stopped":
            return f"stopped after epoch {entry['epoch']}"
        case "failed":
            return f"failed: {entry['error']}"
    return ""


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
