"""The tables of boxes of VinDr-CXR and its relatives: corners of boxes, one row a box and a reader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.layouts.beside import tables_beside
from lt_core.datasets.layouts.merging import NamedRows, positions
from lt_core.datasets.layouts.persons import numbers_of
from lt_core.datasets.tables.columns import named, plain
from lt_core.datasets.tables.label_columns import is_no_finding
from lt_core.datasets.tables.peek import peek
from lt_core.datasets.tables.text import Table, read_table
from lt_core.problems import Problem

CORNERS = ("x_min", "y_min", "x_max", "y_max")
NO_FINDING_ID = 14
"""``class_id`` of ``No finding`` in the table of the VinBigData challenge."""


@dataclass(frozen=True, eq=False)
class Marks:
    """n rows of a table of boxes: whose image, what, by whom, and where.

    ``classes`` (C,) are the findings in the order of their numbers, else by name; ``kind`` (n,) is -1 for a row that
    says No finding; ``reader`` (n,) is "" where readers are not named; ``xywh`` (n, 4) is NaN where there is no box.
    """

    rows: NamedRows
    classes: tuple[str, ...]
    kind: NDArray[np.intp]
    reader: NDArray[np.str_]
    xywh: NDArray[np.float64]


def marks_of(table: Table) -> Marks:
    """Return the rows of a table of boxes; raise ``Problem`` for a row without a class or a corner without sense."""
    image, column = named(table, "image_id"), named(table, "class_name")
    rows = NamedRows.of(table.cells(image), image, table.path.name)
    names = table.cells(column).to_numpy(dtype=np.str_)
    if (names == "").any():
        row = int(np.argmax(names == "")) + 1
        raise Problem(f"row {row} of {table.path.name} names no finding: fill in {column!r} or remove the row")
    found = [name for name in pd.unique(pd.Series(names)) if not is_no_finding(str(name))]
    classes = tuple(_in_order(table, names, [str(name) for name in found]))
    corners = np.stack([_numbers(table, name) for name in CORNERS], axis=1)
    xywh = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    who = reader_column(table.columns)
    reader = np.full(len(names), "") if who is None else table.cells(who).to_numpy(dtype=np.str_)
    return Marks(rows, classes, positions(names, classes), reader, xywh)


def reader_column(columns: list[str]) -> str | None:
    """Return the column that names who read the image, ``rad_id`` in any spelling, or None."""
    return next((name for name in columns if plain(name) == "radid"), None)


def frame_of(table: Table, path: Path, rows: NamedRows) -> tuple[NDArray[np.float64] | None, str]:
    """Return (N, 2) width and height of the originals that the boxes are on, and where that is said.

    Columns ``width`` and ``height`` of the table, or ``dim1`` and ``dim0`` of ``train_meta.csv`` beside it (rows and
    columns of the DICOM images); without them boxes are in the pixels of the image itself.
    """
    by_plain = {plain(name): name for name in table.columns}
    if {"width", "height"} <= by_plain.keys():
        sides = [numbers_of(table.frame[by_plain[side]])[rows.first] for side in ("width", "height")]
        return np.stack(sides, axis=1), "in the size of the columns width and height"
    for file in tables_beside(path, r"meta"):
        glimpse = peek(file)
        if glimpse is not None and glimpse.has("image_id", "dim0", "dim1"):
            meta = read_table(file)
            where = positions(rows.ids, meta.cells(named(meta, "image_id")).to_numpy(dtype=np.str_))
            sides = [np.where(where >= 0, numbers_of(meta.frame[named(meta, side)])[where], np.nan)
                     for side in ("dim1", "dim0")]  # fmt: skip
            return np.stack(sides, axis=1), f"in the size that {file.name} gives"
    return None, "in the image's own pixels"


def _in_order(table: Table, names: NDArray[np.str_], found: list[str]) -> list[str]:
    number = next((name for name in table.columns if plain(name) == "classid"), None)
    if number is None:
        return sorted(found)
    values = numbers_of(table.frame[number])
    first = {name: float(values[int(np.argmax(names == name))]) for name in found}
    return sorted(found, key=lambda name: (np.isnan(first[name]), first[name], name))


def _numbers(table: Table, name: str) -> NDArray[np.float64]:
    column = named(table, name)
    values = numbers_of(table.frame[column])
    wrong = np.isnan(values) & ~table.cells(column).str.lower().isin(["", "nan"]).to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        where = f"column {column!r} of {table.path.name} holds {table.cells(column).iloc[row]!r} in row {row + 1}"
        raise Problem(f"{where}, where the corner of a box is a number: mend that cell")
    return values
