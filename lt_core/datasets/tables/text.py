"""A table, in whatever file it is kept, as a frame of text cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from lt_core.datasets.csv_text import is_ours, read_back
from lt_core.datasets.reading import Change
from lt_core.datasets.tables import unpack
from lt_core.datasets.tables.coded import Coded, are_distinct
from lt_core.datasets.tables.delimited import parse
from lt_core.datasets.tables.encoding import as_utf8
from lt_core.problems import Problem

SUFFIXES = (".csv", ".tsv", ".tab")
OTHER_SUFFIXES = (".parquet", ".pq", ".jsonl", ".ndjson", ".json", ".xlsx", ".txt")
COMPRESSED = (".gz", ".bz2", ".zip")
MAX_BYTES = unpack.MAX_BYTES
"""A table larger than this when unpacked is refused: it is damaged, or a decompression bomb."""


@dataclass(frozen=True, eq=False)
class Table:
    """Cells as text (N, columns), "" where empty; ``path`` is the file, ``notes`` what to tell about it.

    A cell that is a list in the file (JSON, Parquet) is its items joined by ``LIST_SIGN``, a list without items is
    the sign alone. ``changes`` are the repairs made.
    """

    path: Path
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    _coded: dict[str, Coded] = field(default_factory=dict, init=False, repr=False)
    _distinct: dict[str, bool] = field(default_factory=dict, init=False, repr=False)

    @property
    def columns(self) -> list[str]:
        """Column names, each once, without blanks around them."""
        return list(self.frame.columns)

    def cells(self, column: str) -> pd.Series[str]:
        """Return one column without blanks around its cells."""
        return self.frame[column].str.strip()

    def coded(self, column: str) -> Coded:
        """Return one column as its distinct cells, without blanks around them, and which of them each row has."""
        if column not in self._coded:
            self._coded[column] = Coded.of(self.frame[column])
        return self._coded[column]

    def are_distinct(self, column: str) -> bool:
        """Return whether no two cells of a column are equal, blanks around them aside."""
        if column not in self._distinct:
            self._distinct[column] = are_distinct(self.frame[column])
        return self._distinct[column]


def is_table_name(name: str) -> bool:
    """Return whether a file name ends like a table's, perhaps compressed: see ``SUFFIXES`` and ``OTHER_SUFFIXES``.

    ``.json`` and ``.txt`` are tables only if what is in them looks like one: see ``peek``.
    """
    return suffix_of(name) in (*SUFFIXES, ".parquet", ".pq", ".jsonl", ".ndjson", ".xlsx")


def suffix_of(name: str) -> str:
    """Return the last suffix of a file name in lower case, that of a compression aside."""
    lower = name.lower()
    for suffix in COMPRESSED:
        lower = lower.removesuffix(suffix)
    dot = lower.rfind(".")
    return lower[dot:] if dot > 0 else ""


def read_table(path: Path, *, sheet: str = "") -> Table:
    """Return the cells of the table at ``path``.

    Compression is told by content, the encoding by what fits, and the separator is the one that cuts the first lines
    into most columns. ``sheet`` names the sheet of a workbook. Raises ``Problem`` for an empty table, for something
    that is no table, and for rows with more cells than the header.
    """
    raw, name = unpacked(path)
    if not raw.strip():
        raise Problem(f"{path.name} is empty: a table needs a header line and rows")
    table = _read(path, raw, name, sheet)
    if table.frame.empty:
        raise Problem(f"{path.name} has a header but no rows: there is nothing to load")
    return table


def unpacked(path: Path) -> tuple[bytes, str]:
    """Return the bytes of the table and its name, both without compression, at most ``MAX_BYTES``."""
    return unpack.unpacked(path, is_member_name, MAX_BYTES)


def is_member_name(name: str) -> bool:
    """Return whether a file in a zip ends like a table."""
    return suffix_of(name) in (*SUFFIXES, *OTHER_SUFFIXES)


def first_rows_of(raw: bytes, name: str) -> list[list[str]]:
    """Return the header and at most 100 rows of the text table that begins with ``raw``, the cut last row left out.

    Raises ``Problem`` for something that is no text table.
    """
    from lt_core.datasets.tables.delimited import first_rows

    return first_rows(as_utf8(raw, name, cut=True)[0], name)


def _read(path: Path, raw: bytes, name: str, sheet: str) -> Table:
    suffix = suffix_of(name)
    if raw[:4] == b"PAR1" or suffix in (".parquet", ".pq"):
        from lt_core.datasets.tables.parquet import frame_of

        return Table(path, *frame_of(raw, path.name))
    if suffix == ".xlsx":
        from lt_core.datasets.tables.excel import frame_of_sheet

        return Table(path, *frame_of_sheet(raw, path.name, sheet))
    raw, notes = as_utf8(raw, path.name)
    if suffix in (".json", ".jsonl", ".ndjson"):
        from lt_core.datasets.tables.json_lines import frame_of_json

        return Table(path, *frame_of_json(raw, path.name))
    frame, said, changes = parse(raw, path.name, name)
    if is_ours(list(frame.columns)):
        frame, escaped = read_back(frame)
        if escaped:
            what = "cells of this split begin with an apostrophe that keeps spreadsheets from running them: taken away"
            changes = (*changes, Change("repaired", escaped, what))
    return Table(path, frame, (*notes, *said), changes)
