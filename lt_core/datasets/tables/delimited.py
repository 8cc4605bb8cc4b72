"""Text with separated cells: the separator found, the cells read, quickly where the text is plain."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pandas as pd

from lt_core.datasets.decode import IMAGE_SUFFIXES, cut_suffix
from lt_core.datasets.reading import Change
from lt_core.datasets.tables.header_line import is_headerless, lines_above, names_without_header
from lt_core.problems import Problem

_SEPARATORS = (",", "\t", ";", "|")
_HEAD = 1 << 20
MAX_COLUMNS = 30_000
"""A table of more columns is refused: it is no table of labels, and opening it would take minutes."""
Parsed = tuple[pd.DataFrame, tuple[str, ...], tuple[Change, ...]]


def parse(raw: bytes, name: str, inner: str = "", *, careful: bool = False) -> Parsed:
    """Return the cells of UTF-8 text as a frame of text, what to tell, and the repairs.

    ``name`` is the file for messages, ``inner`` its name without compression. Plain text (no quotes, as many cells in
    every row) is read by Arrow on all cores; other text, or all of it if ``careful``, by pandas: the cells are the
    same. Raises ``Problem`` with the line of a row that has more cells than the header.
    """
    prefer_tab = ".tsv" in (inner or name).lower()
    raw, said, changes = with_header(raw, name, prefer_tab=prefer_tab)
    head = raw[:_HEAD].decode("utf-8", errors="ignore")
    separator, header, width = layout(head, prefer_tab=prefer_tab)
    if width > MAX_COLUMNS:
        raise Problem(f"{name} has {width:,} columns, more than {MAX_COLUMNS:,}: write the labels of an image in one "
                      "column")  # fmt: skip
    names, notes = unique_names(header, width)
    plain = not careful and len(names) > 1 and b'"' not in raw
    frame = _quick(raw, separator, names) if plain else None
    short = 0
    if frame is None:
        frame = _careful(raw, separator, names, name)
        short = 0 if b'"' in raw else _short_rows(raw, separator, len(header))
    padding = [column for column in names[len(header) :] if not (frame[column] != "").any()]
    frame = frame.drop(columns=padding)
    frame, blank = _without_blank_rows(frame)
    if short:
        changes.append(Change("repaired", short, "rows have fewer cells than the header: the missing ones are empty"))
    if blank:
        changes.append(Change("dropped", blank, "rows are blank"))
    return frame, (*said, *notes), tuple(changes)


def with_header(raw: bytes, name: str, *, prefer_tab: bool) -> tuple[bytes, list[str], list[Change]]:
    """Return the text with its header as first line, what to tell about that, and the lines left out above it.

    A table without header gets one: see ``header_line``.
    """
    head = raw[:_HEAD]
    text = (head[: head.rfind(b"\n") + 1] or head).decode("utf-8", errors="ignore")
    lines = [line for line in text.split("\n", 120)[:120] if line.strip()]
    best, _, _ = layout("\n".join(lines[min(4, max(0, len(lines) - 2)) :]), prefer_tab=prefer_tab)
    rows = _rows(text, best)
    if above := lines_above(rows):
        kept = raw.lstrip(b"\r\n").split(b"\n", above)
        told = " ".join(line.decode("utf-8", errors="ignore").strip() for line in kept[:above])[:60]
        return kept[above], [], [Change("dropped", above, "lines above the header are no part of the table", (told,))]
    if not is_headerless(rows):
        return raw, [], []
    names = names_without_header(rows)
    note = f"{name} has no header line: its columns are called {', '.join(map(repr, names[:6]))} here"
    return best.join(names).encode() + b"\n" + raw, [note + (" and so on" if len(names) > 6 else "")], []


def first_rows(raw: bytes, name: str) -> list[list[str]]:
    """Return the header and at most 100 rows of the UTF-8 text that begins with ``raw``, a last, cut row left out."""
    raw, _, _ = with_header(raw, name, prefer_tab=".tsv" in name.lower())
    text = (raw[: raw.rfind(b"\n") + 1] or raw).decode("utf-8", errors="ignore")
    separator, _, _ = layout(text, prefer_tab=".tsv" in name.lower())
    return _rows(text, separator)


def layout(text: str, *, prefer_tab: bool) -> tuple[str, list[str], int]:
    """Return the separator, the header cells and the widest row among the first lines."""
    best: tuple[float, int, str, list[str], int] | None = None
    for separator in ("\t", ",", ";", "|") if prefer_tab else _SEPARATORS:
        rows = _rows(text, separator)
        if not rows:
            continue
        width = len(rows[0])
        agreeing = sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0
        entry = (min(agreeing, 0.9), width, separator, rows[0], max(len(row) for row in rows))
        if best is None or entry[:2] > best[:2]:
            best = entry
    if best and best[1] == 1 and _is_list_of_files(rows := _rows(text, " ")):
        return " ", rows[0], len(rows[0])
    return (best[2], best[3], best[4]) if best else (",", [""], 1)


def _is_list_of_files(rows: list[list[str]]) -> bool:
    """Whether blanks part image files from their labels, as in ``train/a.jpg 3``, the same number in every row."""
    width = len(rows[0]) if rows else 0
    names = [row[0].lower() for row in rows]
    return (
        width > 1
        and {len(row) for row in rows} == {width}
        and all(cut_suffix(name)[1] in IMAGE_SUFFIXES for name in names[1:])
    )


def unique_names(header: list[str], width: int) -> tuple[list[str], list[str]]:
    """Return a name for every column up to ``width``, each once, and what had to be renamed."""
    names: dict[str, None] = {}
    copies: dict[str, int] = {}
    renamed = []
    for k in range(max(width, len(header))):
        name = header[k].strip() if k < len(header) else ""
        base = name or f"column {k + 1}"
        unique = base
        while unique in names:
            copies[base] = copies.get(base, 1) + 1
            unique = f"{base} ({copies[base]})"
        if name and unique != name:
            renamed.append(f"two columns are called {name!r}: the later one is {unique!r} here")
        names[unique] = None
    return list(names), renamed


def _quick(raw: bytes, separator: str, names: list[str]) -> pd.DataFrame | None:
    """The cells of plain text, or None where a row has another number of cells than ``names``."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(raw),
            read_options=arrow_csv.ReadOptions(column_names=names, skip_rows_after_names=1, block_size=1 << 23),
            parse_options=arrow_csv.ParseOptions(delimiter=separator, quote_char=False),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    return frame_of_arrow(table)


def frame_of_arrow(table: object) -> pd.DataFrame:
    """Return a frame of text over the columns of an Arrow table of text, the cells not copied."""
    import pyarrow as pa

    assert isinstance(table, pa.Table)
    dtype = pd.StringDtype("pyarrow", na_value=float("nan"))
    made: Any = dtype.construct_array_type()
    columns = {name: pd.Series(made(table.column(k)), copy=False) for k, name in enumerate(table.column_names)}
    return pd.DataFrame(columns, copy=False)


def _careful(raw: bytes, separator: str, names: list[str], name: str) -> pd.DataFrame:
    try:
        return pd.read_csv(
            io.BytesIO(raw), sep=separator, header=0, names=names, index_col=False, encoding="utf-8",
            dtype=str, keep_default_na=False, na_filter=False,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, ValueError) as error:
        what = " ".join(str(error).replace("Error tokenizing data. C error: ", "").split())
        raise Problem(f"{name} is not a well-formed table: {what}; mend that line or save it again") from None


def _short_rows(raw: bytes, separator: str, width: int) -> int:
    sign = separator.encode()
    return sum(line.count(sign) + 1 < width for line in raw.splitlines() if line.strip())


def _without_blank_rows(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The rows with anything in them, and how many had nothing; one column after the other, until no row is left."""
    if not len(frame):
        return frame, 0
    blank = np.array(frame.iloc[:, 0].str.strip() == "", np.bool_)
    for k in range(1, frame.shape[1]):
        if not blank.any():
            return frame, 0
        rows = blank.nonzero()[0]
        blank[rows] = np.array(frame.iloc[rows, k].str.strip() == "", np.bool_)
    count = int(blank.sum())
    return (frame[~blank].reset_index(drop=True), count) if count else (frame, 0)


def _rows(text: str, separator: str, count: int = 100) -> list[list[str]]:
    """The first rows that are not blank."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if row:
                rows.append(row)
            if len(rows) == count:
                break
    except csv.Error:
        return rows
    return rows
