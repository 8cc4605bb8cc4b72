"""The images a model is most wrong about: misses scored lowest and false alarms scored highest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lt_core.evaluation.cuts import decision_values
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty.cells import Cells, cells_of
from lt_core.problems import Invalid, Unknown

COLUMNS = ("row", "id", "patient", "score", "threshold", "truly", "called")
"""Of the tables of cases."""
NOTHING = ""
"""Stands where no class is present, or called."""


def confident_misses(scored: Scored, name: str, thresholds: ArrayLike = 0.5, k: int | None = None) -> pd.DataFrame:
    """Return the images where class ``name`` is truly there and not called, the lowest score first; at most ``k``.

    ``thresholds`` is a number or (C,), on the scale of ``cuts.decision_values``. Columns: row (of ``scored``, from 0),
    id, patient ("" where not known), score (a probability where there are some), threshold (NaN for single-label sets),
    truly (the other classes that are present) and called (all that were called), as text with commas. Images whose
    truth for the class is unknown are in neither table. Of equal scores the earlier row comes first.
    """
    column, cells = _column(scored, name, k), cells_of(scored, thresholds)
    missed = np.flatnonzero(cells.truth[:, column] & ~cells.called[:, column])
    return _table(scored, cells, column, missed, k, falling=False)


def false_alarms(scored: Scored, name: str, thresholds: ArrayLike = 0.5, k: int | None = None) -> pd.DataFrame:
    """Return the images where class ``name`` is truly absent and yet called, the highest score first; see
    ``confident_misses``."""
    column, cells = _column(scored, name, k), cells_of(scored, thresholds)
    alarms = np.flatnonzero(cells.known[:, column] & ~cells.truth[:, column] & cells.called[:, column])
    return _table(scored, cells, column, alarms, k, falling=True)


def _column(scored: Scored, name: str, k: int | None) -> int:
    if name not in scored.class_names:
        raise Unknown.of("class", name, list(scored.class_names))
    if k is not None and k < 0:
        raise Invalid(f"the number of cases must be at least 0, got {k}")
    return scored.class_names.index(name)


def _table(
    scored: Scored, cells: Cells, column: int, rows: NDArray[np.intp], k: int | None, *, falling: bool
) -> pd.DataFrame:
    values = decision_values(scored)[:, column]
    at = rows[np.argsort(-values[rows] if falling else values[rows], kind="stable")][:k]
    others = cells.truth[at].copy()
    others[:, column] = False
    found = {
        "row": at.astype(np.int64),
        "id": scored.ids[at],
        "patient": scored.patients[at] if scored.patients is not None else np.full(len(at), "", dtype="U1"),
        "score": values[at],
        "threshold": np.full(len(at), cells.thresholds[column]),
        "truly": _names(others, scored.class_names),
        "called": _names(cells.called[at], scored.class_names),
    }
    return pd.DataFrame(found, columns=list(COLUMNS))


def _names(marks: NDArray[np.bool_], names: Sequence[str]) -> list[str]:
    return [", ".join(names[c] for c in np.flatnonzero(row).tolist()) or NOTHING for row in marks]
