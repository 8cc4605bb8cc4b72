"""What people write about a run: ``meta.json`` in its folder; none of it changes what was trained."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from lt_core.problems import Problem
from lt_core.training.folder.files import read_json, write_json

NAME = "meta.json"
LONGEST = {"name": 200, "note": 20_000, "owner": 200, "tag": 60}
"""Characters kept of each text."""


@dataclass(frozen=True)
class Meta:
    """What is written: ``created`` and ``imported`` in UTC (ISO 8601), ``parent`` the folder name of what it clones."""

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    owner: str = ""
    created: str = ""
    parent: str | None = None
    favourite: bool = False
    imported: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object that ``meta_in`` reads."""
        return asdict(self) | {"tags": list(self.tags)}


def meta_in(folder: Path) -> Meta:
    """Return what is written in a run's folder; fields that are absent or of another type have their default."""
    try:
        entry = read_json(folder / NAME)
    except Problem:
        return Meta()
    kinds = {"name": str, "note": str, "owner": str, "created": str, "parent": str, "favourite": bool, "imported": str}
    found: dict[str, Any] = {key: entry[key] for key, kind in kinds.items() if isinstance(entry.get(key), kind)}
    tags = entry.get("tags")
    if isinstance(tags, list):
        found["tags"] = tuple(tag for tag in tags if isinstance(tag, str))
    return Meta(**found)


def write_meta(folder: Path, **changes: Any) -> Meta:
    """Write the meta data of a run with these fields changed, and return it; the others stay as they are."""
    known = {field.name for field in fields(Meta)}
    assert set(changes) <= known, changes
    meta = replace(meta_in(folder), **{key: _cleaned(key, value) for key, value in changes.items()})
    write_json(folder / NAME, meta.as_json())
    return meta


def now() -> str:
    """Return the time, UTC, as ISO 8601 text to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def one_line(text: str, longest: int) -> str:
    """Return text as it can be shown and stored: one line, without control characters and halves of characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in whole).split())[:longest].rstrip()


def _cleaned(key: str, value: Any) -> Any:
    if key in ("name", "owner"):
        return one_line(value, LONGEST[key])
    if key == "note":
        whole = value.encode("utf-8", "replace").decode("utf-8")
        return "".join(c for c in whole if c.isprintable() or c in "\n\t")[: LONGEST[key]].strip()
    if key == "tags":
        return tuple(dict.fromkeys(tag for tag in (one_line(text, LONGEST["tag"]) for text in value) if tag))
    return value
