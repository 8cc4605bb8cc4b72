"""The labels that predictions are held against: of a data set, or beside them in the same file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets import PARTS, LabeledImages, Source, load_images
from lt_core.datasets.tables.columns import roles_of
from lt_core.datasets.tables.label_columns import LabelMatrix, from_names, from_zero_one, is_zero_one
from lt_core.datasets.tables.text import Table
from lt_core.evaluation.reading.names import bare_label, family_of, is_label, plain
from lt_core.evaluation.reading.raw import Columns
from lt_core.problems import Problem


@dataclass(frozen=True, eq=False)
class Truth:
    """Labels (n, C) in {0, 1, NaN} by class; ``ids`` (n,) are None where they stand row by row beside predictions.

    ``patients`` (n,), ``columns`` (n rows) and ``parts`` (n,) are None where nothing is known of them.
    """

    name: str
    class_names: tuple[str, ...]
    labels: NDArray[np.float32]
    kind: Literal["multi", "single"]
    ids: NDArray[np.str_] | None = None
    patients: NDArray[np.str_] | None = None
    columns: pd.DataFrame | None = None
    parts: NDArray[np.str_] | None = None
    notes: tuple[str, ...] = ()


def truth_of(source: Path | str | Source | LabeledImages, *, id_column: str | None = None) -> Truth:
    """Return the labels of a data set; ``id_column`` names the column of a table that names its images.

    Raises ``Problem`` where nothing names its images, and where rows about one image differ.
    """
    if isinstance(source, LabeledImages):
        data = source
    else:
        wanted = source if isinstance(source, Source) else Source(name=str(source))
        if id_column is not None:
            wanted = Source(wanted.name, wanted.images, wanted.labels, wanted.reader,
                            {**wanted.options, "image": id_column})  # fmt: skip
        data = load_images(wanted)
    if data.ids is None:
        raise Problem(
            f"{data.title} has no column that names its images, so predictions cannot be joined with it: say which "
            "column that is (--truth-id)"
        )
    columns = data.metadata
    if data.split is not None and len(set(data.split.tolist()) & set(PARTS)) > 1:
        columns = (pd.DataFrame(index=range(len(data))) if columns is None else columns).assign(part=data.split)
    changes = () if data.reading is None else data.reading.changes
    for change in changes:
        if change.kind == "merged" and "different findings" in change.what:
            raise Problem(f"{data.title}: {change}; leave one row for each image")
    bare = tuple(bare_label(name) if is_label(name) else name for name in data.class_names)
    names = bare if len(set(bare)) == len(bare) else data.class_names
    return Truth(
        data.title, names, data.labels, data.kind, data.ids, data.groups, columns, data.split,
        tuple(f"{data.title}: {change}." for change in changes
              if change.kind in ("merged", "dropped") and "boxes" not in change.what),
    )  # fmt: skip


def truth_beside(columns: Columns) -> Truth:
    """Return the labels that a file of predictions holds itself; raise ``Problem`` where there are none."""
    if columns.targets is not None:
        single = bool(((columns.targets == 1).sum(axis=1) == 1).all()) and columns.targets.shape[1] > 1
        return Truth(columns.where, columns.target_names, columns.targets.astype(np.float32),
                     "single" if single else "multi")  # fmt: skip
    if columns.table is None:
        raise _no_labels(columns.where)
    table = columns.table
    matrix = _labelled(table)
    return Truth(columns.where, tuple(bare_label(name) for name in matrix.class_names), matrix.labels, matrix.kind,
                 notes=matrix.notes)  # fmt: skip


def _labelled(table: Table) -> LabelMatrix:
    """Labels by prefix, else columns of 0 and 1 called like a predicted class, else whatever looks like labels."""
    called = [name for name in table.columns if is_label(name) and is_zero_one(table.frame[name])]
    predicted = {plain(said) for name in table.columns for family, said in [family_of(name)] if family}
    rest = [name for name in table.columns if not family_of(name)[0] or is_label(name)]
    beside = called or [name for name in rest if plain(name) in predicted and is_zero_one(table.frame[name])]
    if beside:
        return from_zero_one(table, beside, keep_no_finding=True)
    try:
        left = Table(table.path, table.frame[rest])
        roles = roles_of(left)
        return from_names(left, roles.labels[0]) if roles.form == "names" else from_zero_one(left, roles.labels)
    except (Problem, IndexError):
        raise _no_labels(table.path.name) from None


def _no_labels(where: str) -> Problem:
    return Problem(
        f"{where} has predictions but no labels: add columns label_<class> with 0 and 1, or give the table of labels "
        "beside it (--truth)"
    )
