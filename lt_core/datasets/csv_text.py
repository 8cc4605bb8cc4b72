"""Tables as CSV for people: no cell of text is a formula when a spreadsheet opens the file, and ours read back as is.

A spreadsheet runs a cell that begins with one of ``= + - @``, a tab or a carriage return (OWASP, CSV injection). Such
text gets an apostrophe in front, which spreadsheets take as the sign of text. So does text that has apostrophes before
such a sign, so that taking one away always gives back what was written. Numbers stay as they are.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_FIRST = frozenset("'=+-@\t\r")
_OURS = (("image", "image name"), ("patient", "patient name"), ("split", "split name", "fold", "fold name"))


def as_csv(table: pd.DataFrame, *, undefined: str = "") -> str:
    """Return the table as CSV text, without its index, lines ended by a line feed, ``undefined`` for missing cells."""
    columns = {k: _column(table.iloc[:, k]) for k in range(table.shape[1])}
    shown = pd.DataFrame(columns, index=table.index)
    shown.columns = pd.Index([neutral(str(name)) for name in table.columns])
    text = shown.to_csv(index=False, lineterminator="\n", na_rep=undefined)
    if "\r" not in text:
        return text
    # Else a carriage return is written without quotes, and what comes after it is a row of its own to a spreadsheet.
    return shown.to_csv(index=False, lineterminator="\n", na_rep=undefined, quoting=csv.QUOTE_NONNUMERIC)


def neutral(text: str) -> str:
    """Return ``text`` with an apostrophe in front where a spreadsheet would run it; a plain number stays."""
    return f"'{text}" if text[:1] in _FIRST and _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def as_written(text: str) -> str:
    """Return what ``neutral`` was given, from what it returned."""
    return text[1:] if text[:1] == "'" and _ESCAPED.match(text) else text


def is_ours(columns: Sequence[str]) -> bool:
    """Return whether a table has the columns of a split written here: image, patient if known, split or fold, classes.

    Only there is an apostrophe before a sign of formulas taken away on reading: in other files it may be meant.
    """
    image, patient, part = _OURS
    rest = list(columns[1:3])
    if rest and rest[0] in patient:
        rest = rest[1:]
    return bool(columns) and columns[0] in image and bool(rest) and rest[0] in part


def read_back(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the cells and names of a table that ``is_ours`` as they were before ``as_csv``, and how many differ."""
    names = [as_written(name) for name in frame.columns]
    changed = sum(name != old for name, old in zip(names, frame.columns, strict=True))
    if len(set(names)) < len(names):  # the names of a table are distinct: these are not from here
        return frame, 0
    columns: dict[str, Any] = {}
    for name, old in zip(names, frame.columns, strict=True):
        cells = frame[old]
        found = cells.str.match(_ESCAPED.pattern).to_numpy(dtype=bool)
        changed += int(found.sum())
        columns[name] = cells.where(~found, cells.str.slice(1)) if found.any() else cells
    return (pd.DataFrame(columns, copy=False), changed) if changed else (frame, 0)


def _column(cells: pd.Series[Any]) -> pd.Series[Any]:
    """The cells, neutral where they are text; categories and other objects cell by cell."""
    if pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return cells
    return pd.Series([neutral(cell) if isinstance(cell, str) else cell for cell in cells], cells.index, dtype=object)
