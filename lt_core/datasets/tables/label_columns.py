"""Label cells as a matrix in {0, 1, NaN}: one column a class, or one column of class names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.notes import counted
from lt_core.datasets.reading import Change
from lt_core.datasets.tables.label_words import MAX_CELLS, is_no_finding, named_classes, separator_of
from lt_core.datasets.tables.text import Table
from lt_core.datasets.tables.truth import UNCERTAIN, truth_of
from lt_core.problems import Problem

_BLOCK = 1 << 14
__all__ = ["MAX_CELLS", "LabelMatrix", "from_names", "from_zero_one", "is_no_finding", "is_zero_one", "separator_of"]


@dataclass(frozen=True, eq=False)
class LabelMatrix:
    """Class names (C,), labels (N, C) float32 in {0, 1, NaN}, the kind, and what to tell about them.

    ``uncertain`` (N, C) marks the cells that say so, None where there are none. ``changes`` count what was not taken
    as it stands.
    """

    class_names: tuple[str, ...]
    labels: NDArray[np.float32]
    kind: Literal["multi", "single"]
    about: str
    notes: tuple[str, ...] = ()
    uncertain: NDArray[np.bool_] | None = None
    changes: tuple[Change, ...] = ()


def is_zero_one(cells: pd.Series[str]) -> bool:
    """Return whether a column says of each row whether something is there: see ``truth.truth_of``."""
    first = {value.strip() for value in cells.iloc[:200].unique()}
    if truth_of({*first, "1"}) is None and truth_of(first) is None:
        return False
    return truth_of({value.strip() for value in cells.unique()}) is not None


def from_zero_one(
    table: Table,
    columns: Sequence[str],
    *,
    keep_no_finding: bool = False,
    values: Mapping[str, Any] | None = None,
) -> LabelMatrix:
    """Return one class per column; what an empty cell and -1 (uncertain) are taken for is in ``values``.

    ``values`` may have ``uncertain`` (unknown, one, zero) and ``blank`` (unknown, zero). A ``No Finding`` column is
    the absence of the others and no class, unless asked for by name.
    Raises ``Problem`` naming the column, the row and the cell that is none of these.
    """
    policy = {"uncertain": "unknown", "blank": "unknown", **(values or {})}
    signs = policy["uncertain"] == "unknown" and _is_plus_minus(table, columns)
    if signs:
        policy["uncertain"] = "zero"
    dropped = [name for name in columns if is_no_finding(name)] if not keep_no_finding and len(columns) > 1 else []
    classes = [name for name in columns if name not in dropped]
    check_size(table, len(classes))
    meanings = [_meaning(table, name, policy) for name in classes]
    labels = _filled(table, classes, [of_word for of_word, _ in meanings])
    uncertain: NDArray[np.bool_] | None = None
    blank = 0
    for k, (name, (_, sure)) in enumerate(zip(classes, meanings, strict=True)):
        coded = table.coded(name)
        empty = np.array([truth is None for truth in (truth_of(coded.words) or {}).values()], np.bool_)
        empty = empty & sure if len(empty) else sure
        if empty.any():
            blank += int(coded.counts[empty].sum())
        if not sure.all():
            uncertain = np.zeros(labels.shape, np.bool_) if uncertain is None else uncertain
            uncertain[:, k] = ~sure[coded.codes]
    doubtful = 0 if uncertain is None else int(uncertain.sum())
    about = f"labels from {len(classes)} columns of 0 and 1" + (
        f", {dropped[0]!r} being their absence" if dropped else ""
    )
    if signs:
        told_signs = f"the label columns hold 1 and -1 and never 0: -1 is taken as negative ({doubtful:,} cells)"
        kind, told = kind_of(labels, no_finding=bool(dropped))
        change = Change("repaired", doubtful, "label cells are -1 where no cell is 0: taken as negative")
        return LabelMatrix(tuple(classes), labels, kind, about, (told_signs, *told), None, (change,))
    taken = {"unknown": "unknown", "one": "positive", "zero": "negative"}[policy["uncertain"]]
    told_union = _told_of_union(classes, labels)
    notes = [counted(doubtful, f"labels are -1 (uncertain): taken as {taken}")] if doubtful else []
    kind, note = kind_of(labels, no_finding=bool(dropped))
    changes = (*_counted(doubtful, "labels are -1 (uncertain)", policy["uncertain"]),
               *_counted(blank, "label cells are empty or say that nothing is known", policy["blank"]))  # fmt: skip
    return LabelMatrix(tuple(classes), labels, kind, about, (*notes, *told_union, *note), uncertain, changes)


def _told_of_union(classes: Sequence[str], labels: NDArray[np.float32]) -> list[str]:
    """Say which class is 1 just where any of the others is, as ``Disease_Risk`` or ``any``: it is no finding."""
    there = labels == 1
    each = there.sum(axis=1)
    if len(classes) < 4 or not len(labels):
        return []
    whole = [k for k in range(len(classes)) if (there[:, k] == (each - there[:, k] > 0)).all()]
    if len(whole) != 1 or each.max() < 2 or there[:, whole[0]].all():
        return []
    return [f"{classes[whole[0]]!r} is 1 where any other class is: it is their union, not a finding of its own; leave "
            "it out with --labels"]  # fmt: skip


def _is_plus_minus(table: Table, columns: Sequence[str]) -> bool:
    """Whether all cells are 1 or -1, both there: a set without a 0 has no other word for negative."""
    words = {word for name in columns for word in table.coded(name).words}
    return words <= {"1", "-1", "1.0", "-1.0"} and bool(words & {"-1", "-1.0"}) and bool(words & {"1", "1.0"})


def _filled(table: Table, classes: Sequence[str], of_words: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Labels (N, C), filled some rows at a time, so that what is written stays in the processor's cache."""
    labels = np.empty((len(table.frame), len(classes)), np.float32)
    codes = [table.coded(name).codes for name in classes]
    for start in range(0, len(labels), _BLOCK):
        rows = slice(start, start + _BLOCK)
        for k, of_word in enumerate(of_words):
            labels[rows, k] = of_word[codes[k][rows]]
    return labels


def _meaning(table: Table, name: str, policy: Mapping[str, Any]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The label of each distinct cell of a column, and whether it is sure (not -1)."""
    coded = table.coded(name)
    truth = truth_of(coded.words)
    if truth is None:
        _refuse(table, name)
        truth = dict.fromkeys(coded.words)
    taken = {"unknown": np.nan, "one": 1.0, "zero": 0.0}
    of_value = np.empty(len(coded.words), np.float32)
    sure = np.ones(len(coded.words), np.bool_)
    for code, value in enumerate(coded.words):
        said = truth[value]
        sure[code] = value.lower() not in UNCERTAIN
        of_value[code] = said if said is not None else taken[policy["blank" if sure[code] else "uncertain"]]
    return of_value, sure


def _refuse(table: Table, name: str) -> None:
    """Raise ``Problem`` for the first cell that is none of 0, 1 and nothing; a column of nothing at all is let by."""
    coded = table.coded(name)
    for code, value in enumerate(coded.words):
        if truth_of({value, "1"}) is None:
            row = int(np.argmax(coded.codes == code))
            where = f"column {name!r} of {table.path.name} holds {value!r} in row {row + 1}"
            raise Problem(f"{where}, where a label column has 0, 1 or nothing: choose others with --labels")


def _counted(count: int, what: str, taken: str) -> tuple[Change, ...]:
    if not count:
        return ()
    if taken == "unknown":
        return (Change("unknown", count, f"{what}: taken as unknown"),)
    return (Change("repaired", count, f"{what}: taken as {taken}"),)


def from_names(table: Table, column: str, *, separator: str | None = None) -> LabelMatrix:
    """Return one class per name found in ``column``, in alphabetical order (numbers by value).

    An empty cell is unknown. ``No Finding`` is the absence of findings. The set is single-label when every row has
    exactly one label and none says ``No Finding``. Raises ``Problem`` where there are no labels or far too many.
    """
    found = named_classes(table, column, separator=separator)
    check_size(table, len(found.class_names))
    labels = found.dense()
    kind, note = kind_of(labels, no_finding=found.no_finding)
    return LabelMatrix(found.class_names, labels, kind, found.about, tuple(note), None, found.changes)


def kind_of(labels: NDArray[np.float32], *, no_finding: bool) -> tuple[Literal["multi", "single"], list[str]]:
    """Return single-label if every row has exactly one label, and what to tell if only rows without any disturb."""
    if labels.shape[1] < 2 or no_finding:
        return "multi", []
    if ((labels[:_BLOCK] == 1).sum(axis=1) > 1).any() or ((labels == 1).sum(axis=1) > 1).any():
        return "multi", []
    unknown = np.isnan(labels).all(axis=1)
    exactly_one = (labels == 1).sum(axis=1) == 1
    if exactly_one.all() and not np.isnan(labels).any():
        return "single", []
    if unknown.any() and not unknown.all() and (exactly_one | unknown).all():
        return "multi", [without_label(int(unknown.sum()))]
    return "multi", []


def without_label(rows: int) -> str:
    """Return what to tell about ``rows`` without a label in a set that else has exactly one each."""
    said = "rows have no label, so the set is read as multi-label: without these rows it would be single-label"
    return counted(rows, said)


def check_size(table: Table, n_classes: int) -> None:
    """Raise ``Problem`` where a dense matrix of all rows and ``n_classes`` would be larger than ``MAX_CELLS``."""
    if len(table.frame) * n_classes > MAX_CELLS:
        size = f"{len(table.frame):,} rows and {n_classes:,} different labels"
        raise Problem(
            f"{table.path.name} has {size}, too many for one matrix: choose other label columns with --labels"
        )
