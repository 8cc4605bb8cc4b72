"""JSON files of a run folder: read with a sentence for what is wrong, written whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lt_core.problems import Problem
from lt_core.training.folder.events import clean
from lt_core.whole import reason, whole


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in ``path``; raise ``Problem`` if there is none."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Problem(f"{path.parent} has no {path.name}: it is not the folder of a run that has started") from None
    except (OSError, ValueError, RecursionError) as error:
        raise Problem(f"{path} cannot be read: {error}") from None
    if not isinstance(entry, dict):
        raise Problem(f"{path} is not a JSON object")
    return entry


def write_json(path: Path, entry: dict[str, Any]) -> None:
    """Write a JSON object whole: a reader sees the old file or the new one.

    Raises ``Problem``, with the old file as it was, where the disk is full or the folder may not be written.
    """
    text = json.dumps(clean(entry), indent=1, allow_nan=False)
    try:
        with whole(path) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        said = reason(error)
        raise Problem(f"{path} cannot be written ({said}): make room on the disk or choose another folder") from None


def check_free(folder: Path) -> None:
    """Raise ``Problem`` where a new run cannot be in ``folder``: a file, or one that holds a run or a sweep already."""
    if folder.exists() and not folder.is_dir():
        raise Problem(f"{folder} is a file: choose a folder for the run")
    held = "a sweep" if (folder / "plan.json").exists() else "a run"
    if any((folder / name).exists() for name in ("config.json", "events.jsonl", "plan.json")):
        raise Problem(f"{folder} already holds {held}: choose another folder, go on with that one, or remove it first")


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
