"""What a table says of the lesion and the person: groups, age, sex, site; as metadata with its columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.layouts.persons import ages_of, words_of
from lt_core.datasets.reading import Change, Column
from lt_core.datasets.tables.columns import plain
from lt_core.datasets.tables.text import Table

# Plain column names: what they are called here. The first of a name that a table has wins.
_WORDS = (
    ("sex", "sex"), ("localization", "site"), ("anatomsitegeneral", "site"), ("anatomsitegeneralchallenge", "site"),
    ("dxtype", "confirmed by"), ("diagnosisconfirmtype", "confirmed by"), ("imagetype", "image type"),
    ("dataset", "source"),
)  # fmt: skip
_NOT_SAID = frozenset({"", "unknown", "nan", "na", "n/a"})


def described(
    table: Table, taken: set[str], first: NDArray[np.intp]
) -> tuple[pd.DataFrame, list[Column], list[Change]]:
    """Return age, sex, site and the like of the rows ``first``, the columns they are in, and ages that are none.

    Columns in ``taken`` are left alone. "unknown" is an empty cell here.
    """
    by_plain = {plain(name): name for name in reversed(table.columns) if name not in taken}
    metadata: dict[str, NDArray[np.generic]] = {}
    columns, changes = [], []
    for key in ("age", "ageapprox"):
        if (name := by_plain.get(key)) and "age" not in metadata:
            ages, odd = ages_of(table.frame[name])
            metadata["age"] = ages[first]
            absent = int(np.isnan(ages[first]).sum())
            columns.append(Column(name, "metadata", f"age in years, {absent:,} not given"))
            changes += odd
    for key, what in _WORDS:
        if (name := by_plain.get(key)) and what not in metadata:
            words = words_of(table.frame[name])[first]
            none = np.array([word is None or word.lower() in _NOT_SAID for word in words], np.bool_)
            words[none] = None
            metadata[what] = words
            columns.append(Column(name, "metadata", f"{what}, {int(none.sum()):,} not given"))
    return pd.DataFrame(metadata, index=range(len(first))), columns, changes
