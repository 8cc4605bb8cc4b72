"""What happens in a run, one JSON object a line."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]
"""``event`` is started, step, epoch, finished, stopped or failed; ``time`` is seconds since 1970."""

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
    """Add one line to an event file; a line is written whole or not at all, but for a crash in between."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, allow_nan=False) + "\n")


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
        case "epoch":
            groups = "  ".join(f"{g} {_number(entry[f'f1_{g}'])}" for g in ("head", "medium", "tail"))
            return (
                f"epoch {entry['epoch']}/{entry['epochs']}  loss {_number(entry['train_loss'])}  "
                f"validation loss {_number(entry['val_loss'])}, macro AP {_number(entry['ap_macro'])}, F1 {groups}"
            )
        case "finished":
            return f"finished in {entry['seconds']:.0f} s; reported is epoch {entry['reported_epoch']}"
        case "stopped":
            return f"stopped after epoch {entry['epoch']}"
        case "failed":
            return f"failed: {entry['error']}"
    return ""


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
