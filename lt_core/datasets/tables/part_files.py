"""Tables of one set that are cut by part: ``train.csv`` and ``test.csv`` beside each other, with the same columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from lt_core.datasets.tables.column_names import PARTS_CALLED
from lt_core.datasets.tables.peek import peek
from lt_core.datasets.tables.text import Table, read_table
from lt_core.problems import Problem

COLUMN = "part by file name"
"""The column of parts that ``read_parts`` adds."""


class NamesRepeat(Problem):
    """Tables called by their part that name the same images: not one set without asking."""


def part_of_name(name: str) -> tuple[str, str]:
    """Return the part (train, val, test) that a file name has as one of its words, and the rest of the name.

    ``labels_train.csv`` and ``trainLabels.csv`` are train of ``labels``. The part is "" where no or several words say
    one.
    """
    stem = re.sub(r"([a-z])([A-Z])", r"\1 \2", name.split(".")[0])
    words = [word for word in re.split(r"[^a-z0-9]+", stem.lower()) if word]
    parts = [PARTS_CALLED[word] for word in words if PARTS_CALLED.get(word)]
    return parts[0] if len(parts) == 1 else "", " ".join(word for word in words if word not in PARTS_CALLED)


def parts_by_name(files: Sequence[Path]) -> dict[str, Path]:
    """Return the file of each part, train first, if ``files`` are one set cut by part; else an empty dictionary.

    They lie in one folder, are called alike but for the part, one of them is train, no two are the same part, and their
    headers have the same columns.
    """
    named = [(*part_of_name(file.name), file) for file in files]
    by_part = {part: file for part, _, file in named}
    alike = len({rest for _, rest, _ in named}) == 1 and len({file.parent for file in files}) == 1
    if len(files) < 2 or len(by_part) < len(files) or "" in by_part or "train" not in by_part or not alike:
        return {}
    headers = [None if (glimpse := peek(file)) is None else sorted(glimpse.columns) for file in files]
    if None in headers or any(header != headers[0] for header in headers):
        return {}
    return {part: by_part[part] for part in ("train", "val", "test") if part in by_part}


def read_parts(folder: Path, files: Mapping[str, Path]) -> Table:
    """Return the rows of ``files`` one below the other, with the part of each in the column ``COLUMN``."""
    tables = {part: read_table(file) for part, file in files.items()}
    first = next(iter(tables.values()))
    for table in tables.values():
        if set(table.columns) != set(first.columns):
            raise Problem(f"{table.path.name} has other columns than {first.path.name}: name the one to load")
    frames = [table.frame.assign(**{COLUMN: part}) for part, table in tables.items()]
    frame = pd.concat(frames, ignore_index=True)[[*first.columns, COLUMN]]
    notes = tuple(f"{table.path.name}: {note}" for table in tables.values() for note in table.notes)
    changes = tuple(
        replace(change, what=f"{change.what} ({table.path.name})")
        for table in tables.values()
        for change in table.changes
    )
    # The path is that of a file in the folder: images are looked for beside it.
    return Table(folder / " + ".join(file.name for file in files.values()), frame, notes, changes)


def check_names(table: Table, image: str) -> None:
    """Raise ``NamesRepeat`` where an image name is in several parts: one image twice, or two images called alike?"""
    names = table.frame[[image, COLUMN]].drop_duplicates()
    again = names[image].duplicated() & (names[image] != "")
    if again.any():
        raise NamesRepeat(f"{table.path.name} name the same images, {names[image][again].iloc[0]!r} for one, in "
                          "several parts: give the path of the table to load")  # fmt: skip


def said_of(files: Mapping[str, Path]) -> str:
    """Return what was done, for the record: which file is which part."""
    listed = ", ".join(f"{file.name} is {part}" for part, file in files.items())
    return f"tables of the same columns, called by their part, are one set: {listed}"
