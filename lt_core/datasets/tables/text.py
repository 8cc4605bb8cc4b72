"""A CSV or TSV file, compressed or not, as a frame of text cells."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pandas as pd

from lt_core.problems import Problem

SUFFIXES = (".csv", ".tsv")
COMPRESSED = (".gz", ".bz2", ".zip")
MAX_BYTES = 4 << 30
"""A table larger than this when unpacked is refused: it is damaged, or a decompression bomb."""
_BLOCK = 1 << 22
_SEPARATORS = (",", "\t", ";", "|")


@dataclass(frozen=True, eq=False)
class Table:
    """Cells as text (N, columns), "" where empty; ``path`` is the file, ``notes`` what had to be repaired."""

    path: Path
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Column names, each once, without blanks around them."""
        return list(self.frame.columns)

    def cells(self, column: str) -> pd.Series[str]:
        """Return one column without blanks around its cells."""
        return self.frame[column].str.strip()


def is_table_name(name: str) -> bool:
    """Return whether a file name ends like a table's: ``.csv`` or ``.tsv``, perhaps compressed."""
    lower = name.lower()
    for suffix in COMPRESSED:
        lower = lower.removesuffix(suffix)
    return lower.endswith(SUFFIXES)


def read_table(path: Path) -> Table:
    """Return the cells of the table at ``path``.

    Compression is told by content, the encoding is UTF-8, UTF-16 with a byte order mark or else Latin-1, and the
    separator is the one that cuts the first lines into most columns. Raises ``Problem`` for an empty table, for
    something that is no text table, and for rows with more cells than the header.
    """
    raw = _unpacked(path)
    if not raw.strip():
        raise Problem(f"{path.name} is empty: a table needs a header line and rows")
    raw, encoding, notes = _as_text(raw, path.name)
    head = io.TextIOWrapper(io.BytesIO(raw[: 1 << 20]), encoding=encoding, errors="replace", newline="").read()
    separator, header, width = _layout(head, prefer_tab=".tsv" in path.name.lower())
    names, renamed = _unique_names(header, width)
    try:
        frame = pd.read_csv(
            io.BytesIO(raw), sep=separator, header=0, names=names, index_col=False, encoding=encoding,
            dtype=str, keep_default_na=False, na_filter=False,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, ValueError) as error:
        what = " ".join(str(error).replace("Error tokenizing data. C error: ", "").split())
        raise Problem(f"{path.name} is not a well-formed table: {what}; mend that line or save it again") from None
    if frame.empty:
        raise Problem(f"{path.name} has a header but no rows: there is nothing to load")
    padding = [name for name in names[len(header) :] if not frame[name].any()]
    return Table(path, frame.drop(columns=padding), tuple(notes + renamed))


def first_rows_of(raw: bytes, name: str) -> list[list[str]]:
    """Return the header and at most 100 rows of the table that begins with ``raw``, the last, cut row left out.

    Raises ``Problem`` for something that is no text table.
    """
    text, encoding, _ = _as_text(raw[: raw.rfind(b"\n") + 1] or raw, name)
    decoded = text.decode(encoding, errors="replace")
    separator, _, _ = _layout(decoded, prefer_tab=".tsv" in name.lower())
    return _first_rows(decoded, separator)


def _unpacked(path: Path) -> bytes:
    """The bytes of the table itself, by the first bytes of the file, at most ``MAX_BYTES``."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as inner:
                    return _bounded(inner, path.name)
            if start[:3] == b"BZh":
                with bz2.open(file) as inner:
                    return _bounded(inner, path.name)
            if start == b"PK\x03\x04":
                with zipfile.ZipFile(file) as archive, archive.open(_only_table(archive, path.name)) as inner:
                    return _bounded(inner, path.name)
            return _bounded(file, path.name)
    except (
        EOFError,
        OSError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise Problem(f"{path.name} cannot be unpacked ({type(error).__name__}): it is damaged or cut short, "
                      "fetch it again") from None  # fmt: skip


def _bounded(file: IO[bytes] | gzip.GzipFile | bz2.BZ2File, name: str) -> bytes:
    blocks: list[bytes] = []
    size = 0
    while block := file.read(_BLOCK):
        size += len(block)
        if size > MAX_BYTES:
            raise Problem(f"{name} is larger than {MAX_BYTES >> 30} GiB when unpacked and is not read: split it")
        blocks.append(block)
    return b"".join(blocks)


def _only_table(archive: zipfile.ZipFile, name: str) -> str:
    tables = [member for member in archive.namelist() if not member.endswith("/") and is_table_name(member)]
    if len(tables) != 1:
        raise Problem(f"{name} holds {len(tables)} tables where one was expected: unzip it and name the table")
    return tables[0]


def _as_text(raw: bytes, name: str) -> tuple[bytes, str, list[str]]:
    """Return the bytes to parse, their encoding, and what to tell about it."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            raw = raw.decode("utf-16").encode("utf-8")
        except UnicodeDecodeError:
            raise Problem(f"{name} begins like UTF-16 text but is not: save it as UTF-8") from None
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in raw[: 1 << 16]:
        raise Problem(f"{name} is not a text table but a binary file: export it as CSV")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return raw, "latin-1", [f"{name} is not UTF-8 (line {line}): read as Latin-1, check names with accents"]
    return raw, "utf-8", []


def _layout(text: str, *, prefer_tab: bool) -> tuple[str, list[str], int]:
    """Return the separator, the header cells and the widest row among the first lines."""
    best: tuple[float, int, str, list[str], int] | None = None
    for separator in ("\t", ",", ";", "|") if prefer_tab else _SEPARATORS:
        rows = _first_rows(text, separator)
        if not rows:
            continue
        width = len(rows[0])
        agreeing = sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0
        entry = (min(agreeing, 0.9), width, separator, rows[0], max(len(row) for row in rows))
        if best is None or entry[:2] > best[:2]:
            best = entry
    return (best[2], best[3], best[4]) if best else (",", [""], 1)


def _first_rows(text: str, separator: str, count: int = 100) -> list[list[str]]:
    """The first rows that are not blank."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=separator):
            if row:
                rows.append(row)
            if len(rows) == count:
                break
    except csv.Error:
        return rows
    return rows


def _unique_names(header: list[str], width: int) -> tuple[list[str], list[str]]:
    """Return a name for every column up to ``width``, each once, and what had to be renamed."""
    names: list[str] = []
    renamed = []
    for k in range(max(width, len(header))):
        name = header[k].strip() if k < len(header) else ""
        base = name or f"column {k + 1}"
        unique, copy = base, 2
        while unique in names:
            unique, copy = f"{base} ({copy})", copy + 1
        if name and unique != name:
            renamed.append(f"two columns are called {name!r}: the later one is {unique!r} here")
        names.append(unique)
    return names, renamed
