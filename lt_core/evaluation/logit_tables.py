"""Predictions and labels in tables: which columns are which, and how two tables are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages, load_images
from lt_core.datasets.tables.columns import roles_of
from lt_core.datasets.tables.label_columns import LabelMatrix, from_names, from_zero_one, is_zero_one
from lt_core.datasets.tables.text import Table, is_table_name, read_table
from lt_core.evaluation.reading.joining import listed, stem
from lt_core.evaluation.reading.names import bare_label, family_of, is_label, plain
from lt_core.evaluation.reading.raw import numbers_of
from lt_core.problems import Invalid, Problem


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Predictions (n, C) as written, labels (n, C) in {0, 1, NaN}; ``surely_logits`` if the columns say so."""

    class_names: tuple[str, ...]
    scores: NDArray[np.float64]
    labels: NDArray[np.float64]
    surely_logits: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Truth:
    """Labels by class and, where rows are to be found by name, the name of each row."""

    class_names: tuple[str, ...]
    labels: NDArray[np.float32]
    ids: NDArray[np.str_] | None
    name: str


def from_tables(paths: Sequence[Path], truth: LabeledImages | None = None) -> ScoredRows:
    """Return the predictions and labels of one table, or of two in either order; see ``logit_file.read_logits``."""
    for path in paths:
        if not is_table_name(path.name):
            raise Problem(f"{path.name} is neither a .npz file nor a table (.csv, .tsv, .csv.gz): convert it")
    tables = [read_table(path) for path in paths]
    if len(tables) == 1:
        return _from_one(tables[0], truth)
    scored = [k for k, table in enumerate(tables) if any(family_of(name)[0] for name in table.columns)]
    if len(scored) != 1:
        scored = [k for k, table in enumerate(tables) if _has_fractions(table)]
    if len(scored) != 1:
        names = " and ".join(path.name for path in paths)
        raise Problem(
            f"{names}: one of two tables must hold predictions, in columns called prob_<class> or logit_<class>"
        )
    labels = load_images(paths[1 - scored[0]])
    table = tables[scored[0]]
    found = _Truth(labels.class_names, labels.labels, labels.ids, labels.title)
    return _joined(table, _score_columns(table, found.class_names), found)


def _from_one(table: Table, truth: LabeledImages | None) -> ScoredRows:
    """Return the rows of a table that holds both, or of a table of predictions joined with ``truth``."""
    labelled = [name for name in table.columns if is_label(name)]
    scores = _score_columns(table, [bare_label(name) for name in labelled])
    if not scores:
        raise Problem(
            f"{table.path.name} has no columns of predictions: call them logit_<class> or prob_<class>, and the truth "
            "label_<class>"
        )
    rest = [name for name in table.columns if name not in scores.values()]
    alike = {plain(name) for name in scores}
    columns = labelled or [name for name in rest if plain(name) in alike and is_zero_one(table.frame[name])]
    if columns:
        return _beside(table, scores, from_zero_one(table, columns, keep_no_finding=True))
    if truth is not None and truth.ids is not None and {plain(name) for name in truth.class_names} & alike:
        return _joined(table, scores, _Truth(truth.class_names, truth.labels, truth.ids, truth.title))
    try:
        left = Table(table.path, table.frame[rest])
        roles = roles_of(left)
        matrix = from_names(left, roles.labels[0]) if roles.form == "names" else from_zero_one(left, roles.labels)
    except (Problem, IndexError):
        raise Problem(
            f"{table.path.name} has predictions but no labels: add columns label_<class> with 0 and 1, or give the "
            "table of labels beside it"
        ) from None
    return _beside(table, scores, matrix)


def _beside(table: Table, scores: dict[str, str], matrix: LabelMatrix) -> ScoredRows:
    found = _Truth(matrix.class_names, matrix.labels, None, table.path.name)
    return _taken(table, scores, found, np.arange(len(table.frame)), [*table.notes, *matrix.notes])


def _score_columns(table: Table, classes: Sequence[str]) -> dict[str, str]:
    """Return the column of predictions by class: those called so, else those called like one of ``classes``."""
    called = {said: name for name in table.columns for family, said in [family_of(name)] if family}
    if called:
        return called
    wanted = {plain(bare_label(name)) for name in classes}
    return {name: name for name in table.columns if plain(name) in wanted and not is_label(name)}


def _joined(table: Table, scores: dict[str, str], truth: _Truth) -> ScoredRows:
    """Return the rows of ``table`` whose image ``truth`` knows, found by the column that names most of them."""
    if truth.ids is None:
        raise Problem(f"{truth.name} has no column that names its images, so predictions cannot be joined with it")
    rest = [name for name in table.columns if name not in scores.values()]
    for key in (str.strip, stem):
        index = pd.Series(np.arange(len(truth.ids)), index=[key(name) for name in truth.ids.tolist()])
        index = index[~index.index.duplicated()]
        rows = {name: index.reindex(table.cells(name).map(key)).to_numpy(np.float64) for name in rest}
        best = max(rest, key=lambda name: int((~np.isnan(rows[name])).sum()), default="")
        if best and (~np.isnan(rows[best])).any():
            break
    else:
        raise Problem(f"no image of {table.path.name} is named in {truth.name}: both need a column of the same names")
    at = rows[best]
    missing = int(np.isnan(at).sum())
    there = f"{len(at) - missing:,} of {len(at):,} images are there" + (
        ", the others are left out." if missing else "."
    )
    notes = [*table.notes, f"Joined with {truth.name} on {best!r}: {there}"]
    twice = len(truth.ids) - len(index)
    if twice:
        notes.append(f"{truth.name} names {twice:,} images more than once: the first row of each was taken.")
    kept = Table(table.path, table.frame[~np.isnan(at)])
    return _taken(kept, scores, truth, at[~np.isnan(at)].astype(np.int64), notes)


def _taken(
    table: Table, scores: dict[str, str], truth: _Truth, rows: NDArray[np.int64], notes: list[str]
) -> ScoredRows:
    """Return the classes that have both predictions and labels."""
    column_of = {plain(bare_label(name)): k for k, name in enumerate(truth.class_names)}
    both = [name for name in scores if plain(name) in column_of]
    if not both:
        raise Problem(
            f"{table.path.name} predicts {listed(list(scores))}, but {truth.name} has labels of "
            f"{listed(truth.class_names)}: no class is in both"
        )
    alone = [name for name in scores if name not in both]
    predicted = {plain(name) for name in both}
    also = [bare_label(name) for name in truth.class_names if plain(bare_label(name)) not in predicted]
    said = [f"Without labels and left out: {listed(alone)}."] if alone else []
    said += [f"Without predictions and left out: {listed(also)}."] if also else []
    numbers = np.column_stack([_numbers(table, scores[name]) for name in both])
    labels = truth.labels[rows][:, [column_of[plain(name)] for name in both]].astype(np.float64)
    surely = all(family_of(scores[name])[0] == "logits" for name in both)
    return ScoredRows(tuple(both), numbers, labels, surely, (*notes, *said))


def _numbers(table: Table, column: str) -> NDArray[np.float64]:
    cells = table.cells(column)
    numbers = numbers_of(cells)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        cell, row = cells.iloc[bad[0]], table.frame.index[bad[0]] + 1
        raise Invalid(
            f"column {column!r} of {table.path.name} holds {cell!r} in row {row}, where a finite prediction is needed"
        )
    return numbers


def _has_fractions(table: Table) -> bool:
    """Whether some column holds numbers that are not whole: labels do not."""
    for name in table.columns:
        numbers = numbers_of(table.cells(name).iloc[:200])
        if np.isfinite(numbers).all() and (numbers != np.round(numbers)).any():
            return True
    return False
