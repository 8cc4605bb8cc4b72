"""The labels of a table in whatever form they are written, dense or sparse, one row an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.kinds import as_asked, kind_asked
from lt_core.datasets.notes import counted
from lt_core.datasets.reading import Change
from lt_core.datasets.sparse import SparseLabels
from lt_core.datasets.tables.columns import Roles
from lt_core.datasets.tables.label_columns import from_zero_one, kind_of, without_label
from lt_core.datasets.tables.label_words import LIST, Named, named_classes
from lt_core.datasets.tables.repeats import Rows
from lt_core.datasets.tables.text import Table
from lt_core.problems import Problem

SPARSE_CELLS = 1 << 26
"""Class names in rows of more cells than this are kept by the labels that are there."""
_SEPARATORS = {"none": "\0", "space": " ", "newline": "\n", "list": LIST}


@dataclass(frozen=True, eq=False)
class Labels:
    """Class names (C,), labels (N, C) dense or sparse, the kind, marks of uncertain cells, and what to tell."""

    class_names: tuple[str, ...]
    matrix: NDArray[np.float32] | SparseLabels
    kind: Literal["multi", "single"]
    about: str
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    uncertain: NDArray[np.bool_] | None = None


def labels_of(
    table: Table, roles: Roles, values: Mapping[str, Any], *, keep_no_finding: bool
) -> tuple[Labels, Rows | None]:
    """Return the labels, and which rows are about which image where rows were made one (else None: a row an image).

    ``values`` are the options of the table reader.
    """
    if roles.form == "names":
        return _of_names(table, roles, values)
    return _of_columns(table, roles, values, keep_no_finding)


def _of_columns(
    table: Table, roles: Roles, values: Mapping[str, Any], keep_no_finding: bool
) -> tuple[Labels, Rows | None]:
    found = from_zero_one(table, roles.labels, keep_no_finding=keep_no_finding, values=values)
    labels = Labels(found.class_names, found.labels, found.kind, found.about, found.notes, found.changes,
                    found.uncertain)  # fmt: skip
    rows = _repeated(table, roles) if values["duplicates"] == "merge" else None
    if rows is not None:
        merged = len(table.frame) - len(rows)
        change = Change("merged", merged, "rows are about an image that has a row already: a class counts if any of "
                        "its rows has it (option duplicates)")  # fmt: skip
        matrix = rows.union(found.labels)
        kind, _ = kind_of(matrix, no_finding=len(found.class_names) < len(roles.labels))
        uncertain = None if found.uncertain is None else rows.any(found.uncertain)
        labels = replace(labels, matrix=matrix, kind=kind, uncertain=uncertain, changes=(*labels.changes, change))
    kind = as_asked(labels.kind, kind_asked(dict(values)), cast("NDArray[np.float32]", labels.matrix), table.path.name)
    return replace(labels, kind=kind), rows


def _of_names(table: Table, roles: Roles, values: Mapping[str, Any]) -> tuple[Labels, Rows | None]:
    asked = None if values["separator"] == "auto" else _SEPARATORS.get(values["separator"], values["separator"])
    column = roles.labels[0]
    found = named_classes(table, column, separator=asked, alike=True)
    rows = None if values["form"] == "one column" else _repeated(table, roles)
    if rows is not None and values["form"] != "long" and not rows.differing_cells(table.coded(column)):
        rows = None
    n = len(table.frame) if rows is None else len(rows)
    changes, about = list(found.changes), found.about
    if rows is not None:
        changes.append(Change("merged", len(table.frame) - n, "rows are about an image that has a row already: an "
                              "image has the labels of all its rows"))  # fmt: skip
        about = f"{about}, several rows an image: {n:,} images"
    sparse = n * len(found.class_names) > SPARSE_CELLS
    matrix: NDArray[np.float32] | SparseLabels
    if rows is None:
        matrix = found.sparse() if sparse else found.dense()
    else:
        together = rows.union_sparse(found.sparse())
        matrix = together if sparse else together.dense()
    kind, notes = _kind(matrix, found)
    kind = _asked(kind, matrix, values, table.path.name)
    return Labels(found.class_names, matrix, kind, about, tuple(notes), tuple(changes)), rows


def _repeated(table: Table, roles: Roles) -> Rows | None:
    """Which rows are about which image, where an image has several rows."""
    if roles.image is None or table.are_distinct(roles.image):
        return None
    rows = Rows.of_coded(table.coded(roles.image))
    return rows if len(rows) < len(table.frame) else None


def _kind(matrix: NDArray[np.float32] | SparseLabels, found: Named) -> tuple[Literal["multi", "single"], list[str]]:
    if not isinstance(matrix, SparseLabels):
        return kind_of(matrix, no_finding=found.no_finding)
    if found.no_finding or matrix.n_classes < 2:
        return "multi", []
    each = matrix.per_row()
    unknown = np.zeros(len(matrix), np.bool_) if matrix.unknown is None else matrix.unknown
    if (each == 1).all():
        return "single", []
    if unknown.any() and ((each == 1) | unknown).all():
        return "multi", [without_label(int(unknown.sum()))]
    return "multi", []


def _asked(
    kind: Literal["multi", "single"], matrix: NDArray[np.float32] | SparseLabels, values: Mapping[str, Any], name: str
) -> Literal["multi", "single"]:
    if not isinstance(matrix, SparseLabels):
        return as_asked(kind, kind_asked(dict(values)), matrix, name)
    asked = kind_asked(dict(values))
    wrong = np.flatnonzero(matrix.per_row() != 1)
    if asked == "single" and len(wrong):
        found = counted(len(wrong), "rows have none or several")
        raise Problem(f"{name} cannot be read with one class an image: {found}, the first is row {wrong[0] + 1}")
    return asked or kind
