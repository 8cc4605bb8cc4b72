"""The first rows of a table, for readers to recognise their format by; nothing is read twice."""

from __future__ import annotations

import bz2
import gzip
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lt_core.datasets.decode import cut_suffix
from lt_core.datasets.tables.text import first_rows_of, is_table_name
from lt_core.problems import Problem

_BYTES = 1 << 18


@dataclass(frozen=True)
class Glimpse:
    """Column names and at most 100 rows of cells of a table, as text without blanks around it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def has(self, *columns: str) -> bool:
        """Return whether all ``columns`` are there, letter case aside."""
        there = {name.lower() for name in self.columns}
        return all(name.lower() in there for name in columns)

    def cells(self, column: str) -> tuple[str, ...]:
        """Return the cells of one column, letter case of its name aside; empty if it is not there."""
        names = [name.lower() for name in self.columns]
        if column.lower() not in names:
            return ()
        k = names.index(column.lower())
        return tuple(row[k] if k < len(row) else "" for row in self.rows)


def peek(path: Path) -> Glimpse | None:
    """Return the first rows of the table at ``path``, or None if it is no table or cannot be opened."""
    if not is_table_name(path.name):
        return None
    try:
        stat = path.stat()
    except OSError:
        return None
    return _peek(str(path), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _peek(path: str, _modified: int, _size: int) -> Glimpse | None:
    try:
        rows = first_rows_of(_first_bytes(Path(path)), Path(path).name)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, Problem):
        return None
    if not rows:
        return None
    cells = [tuple(cell.strip() for cell in row) for row in rows]
    return Glimpse(cells[0], tuple(cells[1:]))


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start[:2] == b"\x1f\x8b":
            return _tolerant(gzip.GzipFile(fileobj=file))
        if start[:3] == b"BZh":
            return _tolerant(bz2.open(file))
        if start == b"PK\x03\x04":
            with zipfile.ZipFile(file) as archive:
                tables = [m for m in archive.namelist() if is_table_name(m) and cut_suffix(m)[1] != ".zip"]
                if len(tables) != 1:
                    return b""
                with archive.open(tables[0]) as inner:
                    return inner.read(_BYTES)
        return file.read(_BYTES)


def _tolerant(file: gzip.GzipFile | bz2.BZ2File) -> bytes:
    """What can be unpacked of the beginning: a file cut short is reported by reading, not by recognising."""
    with file:
        return file.read(_BYTES)
