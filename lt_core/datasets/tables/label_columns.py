"""Label cells as a matrix in {0, 1, NaN}: one column a class, or one column of class names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.tables.text import Table
from lt_core.problems import Problem

SEPARATORS = ("|", ";", ",")
MAX_CELLS = 1 << 30
"""Rows times classes of the largest matrix that is made (4 GiB of float32)."""
_VALUES = {"0": 0.0, "0.0": 0.0, "false": 0.0, "1": 1.0, "1.0": 1.0, "true": 1.0} | dict.fromkeys(
    ("-1", "-1.0", "", "nan"), np.nan
)
_UNKNOWN = frozenset({"", "nan", "n/a", "null"})
_NO_FINDING = frozenset({"nofinding", "nofindings", "noabnormality", "noabnormalities"})


@dataclass(frozen=True, eq=False)
class LabelMatrix:
    """Class names (C,), labels (N, C) float32 in {0, 1, NaN}, the kind, and what to tell about them."""

    class_names: tuple[str, ...]
    labels: NDArray[np.float32]
    kind: Literal["multi", "single"]
    about: str
    notes: tuple[str, ...] = ()


def is_no_finding(name: str) -> bool:
    """Return whether a label says that there is none: ``No Finding``, in any spelling."""
    return re.sub(r"[^a-z]", "", name.lower()) in _NO_FINDING


def is_zero_one(cells: pd.Series[str]) -> bool:
    """Return whether a column holds only 0, 1, true, false, -1 (uncertain) or nothing, and at least one 0 or 1."""
    for part in (cells.iloc[:200], cells):
        values = {value.strip().lower() for value in part.unique()}
        if not values <= _VALUES.keys():
            return False
    return any(not np.isnan(_VALUES[value]) for value in values)


def from_zero_one(table: Table, columns: Sequence[str], *, keep_no_finding: bool = False) -> LabelMatrix:
    """Return one class per column; an empty cell and -1 (uncertain) are unknown.

    A ``No Finding`` column is the absence of the others and no class, unless asked for by name.
    Raises ``Problem`` naming the column, the row and the cell that is none of these.
    """
    dropped = [name for name in columns if is_no_finding(name)] if not keep_no_finding and len(columns) > 1 else []
    classes = [name for name in columns if name not in dropped]
    _check_size(table, len(classes))
    labels = np.empty((len(table.frame), len(classes)), np.float32)
    uncertain = 0
    for k, name in enumerate(classes):
        codes, values = pd.factorize(table.frame[name])
        texts = [str(value).strip().lower() for value in values]
        for code, text in enumerate(texts):
            if text not in _VALUES:
                row = int(np.argmax(codes == code))
                where = f"column {name!r} of {table.path.name} holds {values[code]!r} in row {row + 1}"
                raise Problem(f"{where}, where a label column has 0, 1 or nothing: choose others with --labels")
            uncertain += int((codes == code).sum()) if text.startswith("-1") else 0
        labels[:, k] = np.array([_VALUES[text] for text in texts], np.float32)[codes]
    about = f"labels from {len(classes)} columns of 0 and 1" + (
        f", {dropped[0]!r} being their absence" if dropped else ""
    )
    notes = [f"{uncertain:,} labels are -1 (uncertain): taken as unknown"] if uncertain else []
    kind, note = _kind(labels, no_finding=bool(dropped))
    return LabelMatrix(tuple(classes), labels, kind, about, (*notes, *note))


def separator_of(cells: pd.Series[str]) -> str | None:
    """Return the sign between several labels in one cell, or None where each cell is one label.

    ``|`` and ``;`` always separate. A comma may also be part of a name (``melanoma, invasive``): it separates if at
    least half of the pieces come back in other cells.
    """
    distinct = [cell for cell in map(str.strip, cells.unique()) if cell]
    for separator in SEPARATORS:
        joined = [cell for cell in distinct if separator in cell]
        if joined and (separator != "," or _pieces_recur(distinct, joined)):
            return separator
    return None


def _pieces_recur(distinct: list[str], joined: list[str]) -> bool:
    cells_of = Counter(piece for cell in distinct for piece in {part.strip() for part in cell.split(",")} - {""})
    pieces = {part.strip() for cell in joined for part in cell.split(",")} - {""}
    return 2 * sum(cells_of[piece] > 1 for piece in pieces) >= len(pieces)


def from_names(table: Table, column: str, *, separator: str | None = None) -> LabelMatrix:
    """Return one class per name found in ``column``, in alphabetical order (numbers by value).

    An empty cell is unknown. ``No Finding`` is the absence of findings. The set is single-label when every row has
    exactly one label and none says ``No Finding``. Raises ``Problem`` where there are no labels or far too many.
    """
    cells = table.cells(column)
    separator = separator or separator_of(cells)
    codes, values = pd.factorize(cells)
    label_sets = [
        [part.strip() for part in (str(value).split(separator) if separator else [str(value)])] for value in values
    ]
    known = np.array([any(label.lower() not in _UNKNOWN for label in labels) for labels in label_sets], np.bool_)
    found = {label for labels in label_sets for label in labels if label.lower() not in _UNKNOWN}
    classes = sorted((label for label in found if not is_no_finding(label)), key=_by_number)
    if not classes:
        raise Problem(f"column {column!r} of {table.path.name} names no class: choose the label columns with --labels")
    _check_size(table, len(classes))
    column_of = {label: k for k, label in enumerate(classes)}
    of_value = np.zeros((len(values), len(classes)), np.float32)
    of_value[~known] = np.nan
    for row, names in enumerate(label_sets):
        of_value[row, [column_of[name] for name in names if name in column_of]] = 1.0
    labels = of_value[codes]
    kind, note = _kind(labels, no_finding=len(found) > len(classes))
    about = f"labels from the column {column!r}" + (f", separated by {separator!r}" if separator else "")
    return LabelMatrix(tuple(classes), labels, kind, about, tuple(note))


def _kind(labels: NDArray[np.float32], *, no_finding: bool) -> tuple[Literal["multi", "single"], list[str]]:
    """Single-label if every row has exactly one label; rows without any known label are then the user's to decide."""
    if labels.shape[1] < 2 or no_finding:
        return "multi", []
    unknown = np.isnan(labels).all(axis=1)
    exactly_one = (labels == 1).sum(axis=1) == 1
    if exactly_one.all() and not np.isnan(labels).any():
        return "single", []
    if unknown.any() and not unknown.all() and (exactly_one | unknown).all():
        count = f"{int(unknown.sum()):,} rows have no label"
        return "multi", [f"{count}, so the set is read as multi-label: without these rows it would be single-label"]
    return "multi", []


def _by_number(label: str) -> tuple[float, str]:
    return (float(label), label) if re.fullmatch(r"-?\d{1,15}(\.0+)?", label) else (float("inf"), label)


def _check_size(table: Table, n_classes: int) -> None:
    if len(table.frame) * n_classes > MAX_CELLS:
        size = f"{len(table.frame):,} rows and {n_classes:,} different labels"
        raise Problem(
            f"{table.path.name} has {size}, too many for one matrix: choose other label columns with --labels"
        )
