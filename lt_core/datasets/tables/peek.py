"""The first rows of a table, for readers to recognise their format by; nothing is read twice."""

from __future__ import annotations

import bz2
import gzip
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from lt_core.datasets.tables.encoding import as_utf8
from lt_core.datasets.tables.text import first_rows_of, is_member_name, is_table_name, read_table, suffix_of
from lt_core.problems import Problem

_BYTES = 1 << 18
_ROWS = 100
MAYBE = (".json", ".txt")
"""Files that may be tables: what is in them tells."""
_SMALL_WORKBOOK = 8 << 20


@dataclass(frozen=True)
class Glimpse:
    """Column names and at most 100 rows of cells of a table, as text without blanks around it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def has(self, *columns: str) -> bool:
        """Return whether all ``columns`` are there, letter case aside."""
        return all(name.lower() in self._at for name in columns)

    @cached_property
    def _at(self) -> dict[str, int]:
        """Where each column is, the first of several of one name: a table may have a hundred thousand."""
        return {name.lower(): k for k, name in reversed(list(enumerate(self.columns)))}

    def cells(self, column: str) -> tuple[str, ...]:
        """Return the cells of one column, letter case of its name aside; empty if it is not there."""
        k = self._at.get(column.lower())
        if k is None:
            return ()
        return tuple(row[k] if k < len(row) else "" for row in self.rows)


def peek(path: Path) -> Glimpse | None:
    """Return the first rows of the table at ``path``, or None if it is no table or cannot be opened."""
    if not is_table_name(path.name) and suffix_of(path.name) not in MAYBE:
        return None
    try:
        stat = path.stat()
    except OSError:
        return None
    return _peek(str(path), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _peek(path: str, _modified: int, _size: int) -> Glimpse | None:
    try:
        rows = _first_rows(Path(path))
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, Problem):
        return None
    if not rows:
        return None
    cells = [tuple(cell.strip() for cell in row) for row in rows]
    return Glimpse(cells[0], tuple(cells[1:]))


def _first_rows(path: Path) -> list[list[str]]:
    suffix = suffix_of(path.name)
    if suffix in (".parquet", ".pq", ".xlsx"):
        return _of_frame(path)
    raw, inner = _first_bytes(path)
    if suffix_of(inner) in (".json", ".jsonl", ".ndjson"):
        return _of_records(raw, inner)
    return first_rows_of(raw, path.name)


def _of_frame(path: Path) -> list[list[str]]:
    """The first rows of a Parquet file; of a workbook only if it is small, for it must be unpacked as a whole."""
    if suffix_of(path.name) == ".xlsx":
        if path.stat().st_size > _SMALL_WORKBOOK:
            return []
        frame = read_table(path).frame
        return [list(frame.columns), *frame.head(_ROWS).to_numpy(dtype=object).tolist()]
    from lt_core.datasets.tables.parquet import first_rows_of_parquet

    return first_rows_of_parquet(path, _ROWS)


def _of_records(raw: bytes, name: str) -> list[list[str]]:
    from lt_core.datasets.tables.json_lines import frame_of_json

    text = as_utf8(raw, name, cut=True)[0]
    if len(raw) >= _BYTES or suffix_of(name) != ".json":
        if suffix_of(name) == ".json":
            return []
        lines = text.split(b"\n")
        text = b"\n".join(lines[: _ROWS + 1] if len(raw) < _BYTES else lines[: min(len(lines) - 1, _ROWS + 1)])
    frame, _, _ = frame_of_json(text, name)
    return [list(frame.columns), *frame.head(_ROWS).to_numpy(dtype=object).tolist()]


def _first_bytes(path: Path) -> tuple[bytes, str]:
    """The first bytes of what may be compressed, and its name without compression."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start[:2] == b"\x1f\x8b":
            return _tolerant(gzip.GzipFile(fileobj=file)), path.name.removesuffix(".gz")
        if start[:3] == b"BZh":
            return _tolerant(bz2.open(file)), path.name.removesuffix(".bz2")
        if start == b"PK\x03\x04":
            with zipfile.ZipFile(file) as archive:
                tables = [m for m in archive.namelist() if is_member_name(m) and "__MACOSX" not in m]
                if len(tables) != 1:
                    return b"", path.name
                with archive.open(tables[0]) as inner:
                    return inner.read(_BYTES), tables[0]
        return file.read(_BYTES), path.name


def _tolerant(file: gzip.GzipFile | bz2.BZ2File) -> bytes:
    """What can be unpacked of the beginning: a file cut short is reported by reading, not by recognising."""
    with file:
        return file.read(_BYTES)
