"""The label columns of a Hugging Face data set as a matrix in {0, 1, NaN}."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.hf.features import Feature, Picked
from lt_core.datasets.reading import Change
from lt_core.datasets.sparse import SparseLabels
from lt_core.datasets.tables.columns import roles_of
from lt_core.datasets.tables.label_columns import from_names, from_zero_one, is_no_finding
from lt_core.datasets.tables.text import Table
from lt_core.problems import Problem

Labels = tuple[tuple[str, ...], NDArray[np.float32], Literal["multi", "single"], list[Change]]


def labels_of(table: Any, pick: Picked, path: Path) -> tuple[Labels, tuple[str, ...]]:
    """Return class names, labels (N, C), kind and changes, and the label columns in use.

    Raises ``Problem`` where nothing says which columns are labels, and for cells that are none.
    """
    if len(pick.labels) == 1:
        feature = pick.features[pick.labels[0]]
        column = table.column(feature.name).combine_chunks()
        match feature.kind:
            case "class":
                return _numbers(_filled(column), np.arange(len(column)), len(column), feature, path), pick.labels
            case "classes":
                return _lists(column, feature, path), pick.labels
            case "numbers":
                hot = _hot(column, feature)
                return (_lists(column, feature, path) if hot is None else hot), pick.labels
            case "texts":
                return _texts(column), pick.labels
            case "image" | "other":
                raise Problem(f"the column {feature.name!r} of {path.name} holds no labels: name another with --labels")
    return _as_table(table, pick, path)


def text_frame(table: Any, names: Sequence[str]) -> pd.DataFrame:
    """Return columns of plain values as text cells, "" where there is none; whole numbers without a fraction."""
    cells = {}
    for name in names:
        values = table.column(name).to_pylist()
        cells[name] = ["" if v is None else str(int(v)) if isinstance(v, bool) else str(v) for v in values]
    return pd.DataFrame(cells, dtype=str)


def _as_table(table: Any, pick: Picked, path: Path) -> tuple[Labels, tuple[str, ...]]:
    """Columns of 0 and 1, or a column of names: recognised as in any table."""
    free = [f for f in pick.features.values() if f.name not in (pick.image, pick.patient, *pick.about)]
    plain = [f.name for f in free if f.kind == "value" or (f.kind == "class" and f.name in pick.labels)]
    wrong = [name for name in pick.labels if name not in plain]
    several = not pick.labels and any(f.kind in ("class", "classes") for f in free)
    if wrong or several or not plain:
        raise Problem(f"{path.name}: no column is recognised as labels; its columns are "
                      f"{', '.join(map(repr, pick.features))}: say which hold the labels with --labels")  # fmt: skip
    cells = Table(path, text_frame(table, plain))
    roles = roles_of(cells, labels=pick.labels)
    if roles.form == "names":
        matrix = from_names(cells, roles.labels[0])
    else:
        matrix = from_zero_one(cells, roles.labels, keep_no_finding=bool(pick.labels))
    changes = [Change("repaired", 1, note) for note in matrix.notes]
    return (matrix.class_names, np.asarray(matrix.labels, np.float32), matrix.kind, changes), roles.labels


def _filled(column: Any) -> NDArray[np.float64]:
    return np.asarray(column.cast("float64").to_numpy(zero_copy_only=False), np.float64)


def _lists(column: Any, feature: Feature, path: Path) -> Labels:
    lengths = np.array([0 if cell is None else len(cell) for cell in column.to_pylist()], np.int64)
    flat = _filled(column.flatten())
    names, labels, _, changes = _numbers(flat, np.repeat(np.arange(len(column)), lengths), len(column), feature, path)
    unknown = np.asarray(column.is_null().to_numpy(zero_copy_only=False), bool)
    labels[unknown] = np.nan
    changes += [Change("unknown", int(unknown.sum()), "rows have no list of labels")] if unknown.any() else []
    none = [k for k, name in enumerate(names) if is_no_finding(name)]
    if none and len(names) > 1:
        count = int((labels[:, none] == 1).any(axis=1).sum())
        changes.append(Change("merged", count, f"rows say {names[none[0]]!r}: the absence of findings, no class"))
        names = tuple(name for k, name in enumerate(names) if k not in none)
        labels = np.delete(labels, none, axis=1)
    return names, labels, "multi", changes


def _numbers(
    values: NDArray[np.float64], rows: NDArray[np.int64], n: int, feature: Feature, path: Path
) -> Labels:  # fmt: skip
    """Class numbers to a matrix; -1 and nothing are unknown, as in test parts whose labels are kept back."""
    unknown = np.isnan(values) | (values == -1)
    known = values[~unknown]
    limit = len(feature.names) or 65536
    wrong = known[(known < 0) | (known >= limit) | (known % 1 != 0)]
    if len(wrong):
        raise Problem(f"the column {feature.name!r} of {path.name} has the class number {wrong[0]:g}, where one from 0 "
                      f"to {limit - 1} was expected: mend it, or name another column with --labels")  # fmt: skip
    c = len(feature.names) or max(int(known.max(initial=0)) + 1, 2)
    names = feature.names or tuple(f"class {k}" for k in range(c))
    if len(set(names)) != len(names):
        raise Problem(f"two classes of the column {feature.name!r} of {path.name} have the same name: rename one")
    marks = np.zeros(n, bool)
    marks[rows[unknown]] = True
    sure = ~marks[rows]
    labels = SparseLabels.of(rows[sure], values[sure].astype(np.int64), (n, c), marks).dense()
    count = int(marks.sum())
    changes = [Change("unknown", count, "rows have no class (empty or -1)")] if count else []
    return names, labels, "multi" if count else "single", changes


def _hot(column: Any, feature: Feature) -> Labels | None:
    """Lists of equal length of nothing but 0 and 1, one place a class; None where the lists are something else."""
    cells = column.to_pylist()
    lengths = {len(cell) for cell in cells if cell is not None}
    flat = _filled(column.flatten())
    if len(lengths) != 1 or next(iter(lengths)) < 2 or not np.isin(flat[~np.isnan(flat)], (0, 1)).all():
        return None
    c = next(iter(lengths))
    unknown = np.array([cell is None for cell in cells])
    labels = np.full((len(cells), c), np.nan, np.float32)
    labels[~unknown] = flat.reshape(-1, c)
    count = int(np.isnan(labels).sum())
    changes = [Change("unknown", count, "label cells are empty")] if count else []
    single = not count and bool((labels.sum(axis=1) == 1).all())
    names = feature.names or tuple(f"class {k}" for k in range(c))
    return names, labels, "single" if single else "multi", changes


def _texts(column: Any) -> Labels:
    cells = column.to_pylist()
    names = sorted({name for cell in cells if cell for name in cell if name and not is_no_finding(name)})
    place = {name: k for k, name in enumerate(names)}
    pairs = [(row, place[name]) for row, cell in enumerate(cells) if cell for name in cell if name in place]
    rows, classes = (np.array([pair[k] for pair in pairs], np.int64) for k in (0, 1))
    unknown = np.array([cell is None for cell in cells])
    labels = SparseLabels.of(rows, classes, (len(cells), len(names)), unknown).dense()
    count = int(unknown.sum())
    changes = [Change("unknown", count, "rows have no list of labels")] if count else []
    return tuple(names), labels, "multi", changes
