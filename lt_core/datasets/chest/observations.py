"""Columns of 1, 0, -1 and nothing, as the CheXpert labeler writes them, under a policy for what is uncertain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.layouts.distinct import distinct
from lt_core.datasets.reading import Change
from lt_core.datasets.tables.columns import plain
from lt_core.datasets.tables.label_columns import is_no_finding
from lt_core.datasets.tables.text import Table
from lt_core.params import Choice, Param
from lt_core.problems import Problem

CHEXPERT = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
"""The 14 observations of the CheXpert labeler (Irvin et al. 2019), which MIMIC-CXR uses too.

The older ``Airspace Opacity`` of the NegBio labels is ``Lung Opacity``.
"""
_PLAIN = frozenset(plain(name) for name in (*CHEXPERT, "Airspace Opacity"))

UNCERTAIN = Param("uncertain", "unknown", Choice(
    ("unknown", "one", "zero"), ("unknown (U-Ignore)", "positive (U-Ones)", "negative (U-Zeros)"),
    help="What -1, a finding the report is unsure of, is taken for (Irvin et al. 2019)."))  # fmt: skip
BLANK = Param("blank", "unknown", Choice(
    ("unknown", "no-finding", "zero"),
    ("unknown", "negative where the row says No Finding", "negative everywhere"),
    help="What an empty cell, a finding the report does not mention, is taken for."))  # fmt: skip
POLICIES = (UNCERTAIN, BLANK)

_KINDS = {"1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": 2, "-1.0": 2, "": 3, "nan": 3, "na": 3}
_TAKEN = {"unknown": np.nan, "one": 1.0, "zero": 0.0}


@dataclass(frozen=True, eq=False)
class Observations:
    """Classes (C,), labels (N, C) in {0, 1, NaN}, where they are uncertain (N, C), and what was made of that.

    ``no_finding`` (N,) is true where the row says that there is none; ``told`` are sentences to know beforehand.
    """

    class_names: tuple[str, ...]
    labels: NDArray[np.float32]
    uncertain: NDArray[np.bool_]
    no_finding: NDArray[np.bool_]
    changes: tuple[Change, ...]


def is_observation(column: str) -> bool:
    """Return whether a column is called like one of the 14 observations."""
    return plain(column) in _PLAIN


def observed(table: Table, columns: Sequence[str], values: Mapping[str, Any]) -> Observations:
    """Return the observations in ``columns`` under the policies ``uncertain`` and ``blank`` of ``values``.

    ``No Finding`` and ``Normal`` are the absence of findings and no class; ``Support Devices`` is one.
    Raises ``Problem`` where there is no observation, and naming the column, the row and the value that is none of 1, 0,
    -1 and nothing.
    """
    absence = [name for name in columns if says_no_finding(name)]
    classes = [name for name in columns if name not in absence]
    if not classes:
        raise Problem(f"{table.path.name} has no column of observations in 1, 0, -1: choose another reader")
    kinds = np.stack([_kinds_of(table, name) for name in classes], axis=1)
    none = np.zeros(len(kinds), np.bool_)
    for name in absence:
        none |= _kinds_of(table, name) == 1
    uncertain, blank = kinds == 2, kinds == 3
    labels = np.array([0.0, 1.0, _TAKEN[values["uncertain"]], np.nan], np.float32)[kinds]
    negative = blank if values["blank"] == "zero" else blank & none[:, None]
    if values["blank"] != "unknown":
        labels[negative] = 0
    changes = [
        *_counted(int(uncertain.sum()), "labels are -1 (uncertain)", values["uncertain"], "uncertain"),
        *_blanks(int(blank.sum()), int(negative.sum()), values["blank"]),
    ]
    clash = int((none & (labels == 1).any(axis=1)).sum())
    if clash:
        changes.append(Change("repaired", clash, "rows say No Finding beside a positive class: the class counts"))
    return Observations(tuple(classes), labels, uncertain, none, tuple(changes))


def says_no_finding(column: str) -> bool:
    """Return whether a column says that there is no finding: ``No Finding`` or ``Normal``."""
    return is_no_finding(column) or plain(column) == "normal"


def _kinds_of(table: Table, column: str) -> NDArray[np.int8]:
    """0, 1, 2 for -1, and 3 for nothing, of every row."""
    codes, values = distinct(table.frame[column])
    kinds = np.empty(len(values), np.int8)
    for code, value in enumerate(values):
        kind = _KINDS.get(value.strip().lower())
        if kind is None:
            row = int(np.argmax(codes == code)) + 1
            raise Problem(f"column {column!r} of {table.path.name} holds {value!r} in row {row}, where 1, 0, -1 "
                          "(uncertain) or nothing is expected: mend that cell")  # fmt: skip
        kinds[code] = kind
    return kinds[codes]


def _counted(count: int, what: str, taken: str, option: str) -> list[Change]:
    if not count:
        return []
    if taken == "unknown":
        return [Change("unknown", count, f"{what}: taken as unknown (option {option})")]
    return [Change("repaired", count, f"{what}: taken as {taken} (option {option})")]


def _blanks(count: int, negative: int, policy: str) -> list[Change]:
    what = "labels are blank (not mentioned)"
    if policy == "zero":
        return _counted(count, what, "zero", "blank")
    if policy == "no-finding":
        where = f"{what} in rows that say No Finding"
        return [*_counted(negative, where, "zero", "blank"), *_counted(count - negative, what, "unknown", "blank")]
    return _counted(count, what, "unknown", "blank")
