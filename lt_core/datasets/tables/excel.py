"""Excel workbooks (.xlsx) as text cells: the values that were saved, never a formula."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from lt_core.datasets.reading import Change
from lt_core.datasets.tables.delimited import Parsed, unique_names
from lt_core.datasets.tables.header_line import lines_above
from lt_core.problems import Problem, Unknown

MAX_BYTES = 1 << 30
"""A workbook larger than this when unpacked is refused."""


class SeveralSheets(Problem):
    """More than one sheet of a workbook holds data and none was named: ``sheets`` are those that do."""

    sheets: tuple[str, ...] = ()


def sheets_of(path: Path) -> tuple[str, ...]:
    """Return the sheets of the workbook at ``path`` that have a header and rows; empty if it is no workbook.

    Two rows of each sheet are read. Raises ``Problem`` for a workbook that is damaged or too large when unpacked.
    """
    from lt_core.datasets.tables.text import suffix_of, unpacked

    if suffix_of(path.name) != ".xlsx" or not path.is_file():
        return ()
    raw, _ = unpacked(path)
    return tuple(title for title, rows in _sheets(raw, path.name, MAX_BYTES, most=2).items() if len(rows) > 1)


def frame_of_sheet(raw: bytes, name: str, sheet: str = "", limit: int = MAX_BYTES) -> Parsed:
    """Return the cells of a sheet as text: the one called ``sheet``, or the only one that holds anything.

    Raises ``Problem`` for a file that is no workbook, damaged or too large when unpacked, ``SeveralSheets`` where
    several sheets hold data and none is named, ``Unknown`` for a sheet that is not there.
    """
    sheets = _sheets(raw, name, limit)
    if sheet:
        if sheet not in sheets:
            raise Unknown.of(f"sheet of {name}", sheet, list(sheets))
        rows = sheets[sheet]
    else:
        filled = [title for title, rows in sheets.items() if len(rows) > 1]
        if not filled:
            raise Problem(f"{name} has no sheet with a header and rows: there is nothing to load")
        if len(filled) > 1:
            listed = ", ".join(map(repr, filled))
            problem = SeveralSheets(f"{name} has several sheets with data ({listed}): say which with the option sheet")
            problem.sheets = tuple(filled)
            raise problem
        rows = sheets[filled[0]]
    if not rows:
        raise Problem(f"the sheet {sheet!r} of {name} is empty: a table needs a header line and rows")
    above = lines_above(rows)
    changes = [Change("dropped", above, "lines above the header are no part of the table", (" ".join(rows[0])[:60],))]
    rows = rows[above:]
    width = max(map(len, rows))
    names, notes = unique_names(rows[0], width)
    cells = [row + [""] * (width - len(row)) for row in rows[1:]]
    frame = pd.DataFrame(cells, columns=names, dtype=str)
    empty = [column for column in names[len(rows[0]) :] if not (frame[column] != "").any()]
    return frame.drop(columns=empty), tuple(notes), tuple(changes if above else ())


def _sheets(raw: bytes, name: str, limit: int, most: int | None = None) -> dict[str, list[list[str]]]:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(member.file_size for member in archive.infolist()) > limit:
                raise Problem(f"{name} is larger than {limit / (1 << 30):.3g} GiB when unpacked and is not read: "
                              "save the table as CSV")  # fmt: skip
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        try:
            return {sheet.title: _rows(sheet, most) for sheet in book.worksheets}
        finally:
            book.close()
    except Problem:
        raise
    except Exception as error:  # openpyxl lets errors of zip, XML and its own schema through
        raise Problem(f"{name} is not an Excel workbook (.xlsx), or is damaged or cut short "
                      f"({type(error).__name__}): save it again, or as CSV") from None  # fmt: skip


def _rows(sheet: Any, most: int | None = None) -> list[list[str]]:
    """Rows that are not blank, the first ``most`` of them, without the empty cells at their ends."""
    rows: list[list[str]] = []
    for row in sheet.iter_rows(values_only=True):
        cells = [_cell(value) for value in row]
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            rows.append(cells)
        if len(rows) == most:
            break
    return rows


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return str(value.date())
    return str(value)
