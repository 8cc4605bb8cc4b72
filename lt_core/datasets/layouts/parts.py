"""The part of each row, as published tables and paths write it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.layouts.distinct import distinct
from lt_core.datasets.tables.column_names import PARTS_CALLED
from lt_core.problems import Problem

CALLED = PARTS_CALLED | {"tr": "train"}
"""Words for the parts; ``tr`` only in columns of parts and in paths, for a folder ``TR`` may be a class."""


def parts_of(cells: pd.Series[str], column: str, table: str) -> NDArray[np.str_]:
    """Return train, val, test or "" of every row, (N,); raise ``Problem`` naming a word that is no part."""
    codes, values = distinct(cells)
    parts = []
    for code, value in enumerate(values):
        part = CALLED.get(value.strip().lower())
        if part is None:
            row = int(np.argmax(codes == code)) + 1
            raise Problem(f"column {column!r} of {table} holds {value!r} in row {row}, where a part is train, validate "
                          "or test: mend that cell")  # fmt: skip
        parts.append(part)
    return np.array(parts, dtype="U5")[codes]


def are_parts(cells: pd.Series[str]) -> bool:
    """Return whether a column holds nothing but parts, and at least one."""
    words = {value.strip().lower() for value in distinct(cells)[1]}
    return words <= CALLED.keys() and words != {""}
