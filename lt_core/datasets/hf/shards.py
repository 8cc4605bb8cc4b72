"""Which files of a folder are the rows of a Hugging Face data set, and of which part each is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from lt_core.datasets.arrow_images import Shard, inside, opened
from lt_core.datasets.notes import some
from lt_core.datasets.tables.column_names import PARTS_CALLED
from lt_core.problems import Problem

_NUMBERED = re.compile(r"^(?P<split>.+?)-\d{5}-of-\d{5}(-[0-9a-f]{16})?\.(parquet|arrow)$")
_PLAIN = re.compile(r"^(?:.*-)?(?P<split>train|validation|val|valid|dev|test)\.(parquet|arrow)$")
_MAX_JSON = 64 << 20
_GLANCE = 2000


def why(path: Path) -> str | None:
    """Return why ``path`` looks like such a set, or None; a folder is looked at, not walked."""
    if path.is_dir():
        for name in ("dataset_dict.json", "state.json"):
            if (path / name).is_file() and (name != "state.json" or (path / "dataset_info.json").is_file()):
                return f"it holds {name}, as datasets saves them"
        if (path / "dataset_info.json").is_file() and any(islice(path.glob("*.arrow"), 1)):
            return "it holds dataset_info.json and Arrow files"
        files = _parquet_in(path)
        if files and _has_features(files[0]):
            return f"{files[0].name} says that it comes from datasets"
        return None
    if path.suffix.lower() in (".parquet", ".arrow") and path.is_file() and _has_features(path):
        return "its schema says that it comes from datasets"
    return None


def shards_of(path: Path) -> tuple[Shard, ...]:
    """Return the files of the set at ``path``, those of one part together, with the number of their rows.

    Raises ``Problem`` for a folder that is none, for one with several configurations, and for damaged files.
    """
    found = [Shard(path, _form(path), "")] if path.is_file() else _in_folder(path)
    if not found:
        raise Problem(f"{path.name} holds no Arrow or Parquet files of a data set: give the folder that does")
    order = {split: k for k, split in enumerate(("train", "val", "test"))}
    found.sort(key=lambda s: (order.get(PARTS_CALLED.get(s.split.lower(), ""), 3), s.split, s.path.name))
    return tuple(replace(shard, rows=_rows(shard)) for shard in found)


def json_in(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, empty if the file is not there; raise ``Problem`` if it is something else."""
    if not path.is_file():
        return {}
    inside(path.parent, path.name)
    try:
        entry = json.loads(path.read_bytes()) if path.stat().st_size <= _MAX_JSON else None
    except (OSError, ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict):
        raise Problem(f"{path.name} is not the JSON object it should be: it is damaged, fetch it again")
    return entry


def _in_folder(folder: Path) -> list[Shard]:
    splits = json_in(folder / "dataset_dict.json").get("splits")
    if isinstance(splits, list) and all(isinstance(s, str) for s in splits):
        return [replace(shard, split=s) for s in splits for shard in _saved(inside(folder, s))]
    if (folder / "state.json").is_file():
        return _saved(folder)
    arrows = sorted(folder.glob("*.arrow"))
    files = arrows or _parquet_in(folder)
    return [Shard(inside(folder, str(f.relative_to(folder))), _form(f), _split_of(f)) for f in files]


def _saved(folder: Path) -> list[Shard]:
    """What ``save_to_disk`` wrote into one folder."""
    files = json_in(folder / "state.json").get("_data_files")
    if not isinstance(files, list):
        raise Problem(f"{folder.name} has no state.json that lists its files: it is damaged, save the set again")
    names = [f.get("filename") if isinstance(f, dict) else None for f in files]
    if not all(isinstance(name, str) for name in names):
        raise Problem(f"state.json in {folder.name} does not list files by name: it is damaged, save the set again")
    if json_in(folder / "state.json").get("_indices_data_files"):
        raise Problem(f"{folder.name} keeps rows by an index of an old version of datasets: save the set again")
    return [Shard(inside(folder, str(name)), "arrow", "") for name in names]


def _parquet_in(folder: Path) -> list[Path]:
    """The Parquet files of a snapshot: in the folder, in ``data``, or in one folder a configuration or part."""
    for place in (folder, folder / "data"):
        if files := sorted(islice(place.glob("*.parquet"), _GLANCE)):
            return files
    deeper = sorted(islice(folder.glob("*/*.parquet"), _GLANCE))
    deeper = deeper or sorted(islice(folder.glob("*/*/*.parquet"), _GLANCE))
    by_part = all(_part_named(file.parent.name) for file in deeper)
    kinds = {file.parent.parent if by_part else file.parent for file in deeper}
    if len(kinds) > 1 and deeper and _has_features(deeper[0]):
        listed = some(sorted(str(k.relative_to(folder)) for k in kinds))
        raise Problem(f"{folder.name} holds several configurations ({listed}): give one of these folders")
    return deeper if len(kinds) == 1 else []


def _split_of(file: Path) -> str:
    found = _NUMBERED.match(file.name) or _PLAIN.match(file.name)
    if found:
        split = found.group("split")
        # The cache of datasets puts the name of the set before the part: beans-train-00000-of-00002.arrow.
        return split.rpartition("-")[2] if _part_named(split.rpartition("-")[2]) else split
    return _part_named(file.parent.name)


def _part_named(name: str) -> str:
    return name if name in ("train", "validation", "val", "valid", "dev", "test") else ""


def _form(path: Path) -> Any:
    return "arrow" if path.suffix.lower() == ".arrow" else "parquet"


def _has_features(path: Path) -> bool:
    try:
        return b"huggingface" in (schema_of(Shard(path, _form(path))).metadata or {})
    except Problem:
        return False


def schema_of(shard: Shard) -> Any:
    """Return the Arrow schema of a file; raise ``Problem`` if it is damaged."""
    source = opened(shard)
    return source.schema if shard.form == "arrow" else source.schema_arrow


def _rows(shard: Shard) -> int:
    source = opened(shard)
    return int(source.num_rows if shard.form == "arrow" else source.metadata.num_rows)
