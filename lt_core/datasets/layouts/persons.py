"""Age, sex and view as the tables of chest X-ray sets write them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.layouts.distinct import distinct
from lt_core.datasets.reading import Change
from lt_core.datasets.tables.metadata import years_of


def ages_of(cells: pd.Series[str]) -> tuple[NDArray[np.float64], list[Change]]:
    """Return ages in years (N,), NaN where there is none, and how many cells were no age.

    See ``years_of`` for what is an age.
    """
    codes, values = distinct(cells)
    years, wrong = years_of(values)
    count = int(wrong[codes].sum())
    examples = tuple(value for value, bad in zip(values, wrong, strict=True) if bad)[:3]
    told = Change("unknown", count, "ages are no age in years: taken as unknown", examples)
    return years[codes], [told] if count else []


def words_of(cells: pd.Series[str]) -> NDArray[np.object_]:
    """Return short cells (sex, view ...) without blanks around them, ``None`` where empty, (N,)."""
    codes, values = distinct(cells)
    return np.array([value.strip() or None for value in values], object)[codes]


def numbers_of(cells: pd.Series[str]) -> NDArray[np.float64]:
    """Return the numbers in a column, NaN where a cell is none, (N,); few distinct ones are read quickly."""
    codes, values = distinct(cells)
    numbers = pd.to_numeric(pd.Series([value.strip() for value in values], dtype=object), errors="coerce")
    return numbers.to_numpy(np.float64)[codes]


def groups_of(cells: pd.Series[str]) -> NDArray[np.str_]:
    """Return the patient of every row, (N,); a row without one is a patient of its own."""
    codes, values = distinct(cells)
    names = [value.strip() for value in values]
    if "" not in names:
        return np.array(names, dtype=np.str_)[codes]
    return np.array([names[code] or f"(row {row + 1})" for row, code in enumerate(codes)], dtype=np.str_)
