"""Which line of a text table is its header: lines above it, or no header at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from lt_core.datasets.decode import IMAGE_SUFFIXES, cut_suffix

_NUMBER = re.compile(r"-?\d+(\.\d*)?")


def lines_above(rows: Sequence[Sequence[str]]) -> int:
    """Return how many of the first ``rows`` are a comment or a title above the header.

    A comment begins with ``#`` and a blank; a title has one filled cell where all later rows have the same, larger
    number of cells. What follows must look like a header.
    """
    for above in range(min(5, len(rows) - 2)):
        rest = rows[above:]
        if not _is_above(rest[0], rest[1:]):
            return above if not above or not is_headerless(rest) else 0
    return 0


def _is_above(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    first = row[0].strip() if row else ""
    if re.match(r"#+ ", first):
        return True
    filled = sum(bool(cell.strip()) for cell in row)
    widths = {len(other) for other in below if sum(bool(cell.strip()) for cell in other) > 1}
    return filled == 1 and bool(first) and len(below) > 1 and len(widths) == 1 and min(widths) > max(1, _filled(row))


def _filled(row: Sequence[str]) -> int:
    """Cells up to the last that is filled."""
    return max((k + 1 for k, cell in enumerate(row) if cell.strip()), default=0)


def is_headerless(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first of ``rows`` is data: each of its cells is like those below it.

    A cell is like its column if the column holds it again, or if it has digits in the same places (``ISIC_0000001``
    above ``ISIC_0000002``). Different whole numbers only are names of classes, so a header.
    """
    if len(rows) < 3:
        return False
    first = [cell.strip() for cell in rows[0]]
    if len(first) < 2 or len([cell for cell in first if cell]) < 2:
        return False
    if len(set(first)) == len(first) and all(re.fullmatch(r"\d+", cell) for cell in first):
        return False
    columns = [[row[k].strip() for row in rows[1:] if k < len(row)] for k in range(len(first))]
    fits = [_is_like(cell, column) for cell, column in zip(first, columns, strict=True) if cell]
    return all(fits) and any(re.search(r"[\d.]", cell) for cell in first)


def names_without_header(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return names for the columns of a table without header: ``image``, ``label``, ``class_1`` ... by their cells."""
    width = max(map(len, rows))
    columns = [[row[k].strip() if k < len(row) else "" for row in rows] for k in range(width)]
    distinct = [k for k, column in enumerate(columns) if len(set(column)) == len(column)]
    image = distinct[0] if distinct else None
    rest = [k for k in range(width) if k != image]
    names = {k: f"class_{at + 1}" if set(columns[k]) <= {"0", "1", "0.0", "1.0", "-1"} else f"column_{k + 1}"
             for at, k in enumerate(rest)}  # fmt: skip
    if len(rest) == 1:
        names[rest[0]] = "label"
    if image is not None:
        names[image] = "image"
    return [names[k] for k in range(width)]


def _is_like(cell: str, column: Sequence[str]) -> bool:
    counted = Counter(column)
    if counted[cell] >= (1 if len(column) < 10 else 2):
        return True
    if (suffix := cut_suffix(cell.lower())[1]) in IMAGE_SUFFIXES:
        return all(cut_suffix(other.lower())[1] == suffix for other in column)
    if not re.search(r"\d", cell):
        return False
    shapes = Counter(_shape(other) for other in column)
    return shapes[_shape(cell)] >= 0.5 * len(column)


def _shape(cell: str) -> str:
    """The cell with every number, and every word of letters and digits in it, as one sign."""
    if _NUMBER.fullmatch(cell):
        return "9"
    return re.sub(r"[a-zA-Z]*\d[a-zA-Z\d]*", "9", cell)
