"""Columns that say who or what was imaged and name nobody: age, sex, view, site, modality."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.reading import Change, Column
from lt_core.datasets.tables.columns import plain
from lt_core.datasets.tables.text import Table
from lt_core.datasets.tables.truth import UNKNOWN

KNOWN = {
    "age": ("age", "patientage", "ageyears", "ageapprox", "ageatstudy", "ageatscan"),
    "sex": ("sex", "gender", "patientsex", "patientgender"),
    "view": ("view", "viewposition", "viewpos", "projection", "frontallateral", "appa"),
    "site": ("site", "anatomsite", "anatomsitegeneral", "anatomicalsite", "localization", "localisation", "bodypart",
             "bodypartexamined", "location", "region"),
    "laterality": ("laterality", "side", "eye"),
    "modality": ("modality", "imagetype", "dxtype", "acquisition"),
    "device": ("scanner", "manufacturer", "device", "camera", "vendor"),
    "visit": ("followup", "visit", "timepoint"),
}  # fmt: skip
_MEANING = {name: what for what, names in KNOWN.items() for name in names}
_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
OLDEST = 120.0
"""Ages above this are errors of typing: the first NIH table has some above 400."""
_MOST = 200
"""A column with more different words is free text, or names somebody."""


def metadata_of(
    table: Table, free: Sequence[str], rows: NDArray[np.intp] | None = None
) -> tuple[pd.DataFrame | None, list[Column], list[Change]]:
    """Return the metadata of ``rows`` (None = all), what its columns are, and ages that are none.

    Ages are float64 years (``060Y``, ``045M`` and ``012D`` as in DICOM, too), NaN where not known; numbers are
    float64; words are categories. None where no column is recognised. Names, dates and free text are never taken.
    """
    data: dict[str, object] = {}
    columns: list[Column] = []
    changes: list[Change] = []
    for name in free:
        what = _MEANING.get(plain(name))
        coded = table.coded(name) if what is not None and what not in data else None
        if what is None or coded is None or len(coded.words) > _MOST + 1:
            continue
        codes = coded.codes if rows is None else coded.codes[rows]
        if what == "age":
            years, wrong = years_of(coded.words)
            data[what] = years[codes]
            if bad := int(wrong[codes].sum()):
                examples = tuple(value for value, is_wrong in zip(coded.words, wrong, strict=True) if is_wrong)
                changes.append(Change("unknown", bad, f"cells of {name!r} are no age in years", examples[:3]))
        else:
            data[what] = _typed(coded.words, codes)
        columns.append(Column(name, "metadata", "age in years" if what == "age" else what))
    return (pd.DataFrame(data) if data else None), columns, changes


def years_of(values: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the age in years that each of ``values`` says, NaN where none is, and which are no age, (n,) each.

    ``60``, ``60.0`` and ``060Y`` (DICOM age string: years, months, weeks, days) are ages from 0 to ``OLDEST``. Words
    for what is not known are no age and not wrong.
    """
    years = np.full(len(values), np.nan)
    wrong = np.zeros(len(values), np.bool_)
    for k, value in enumerate(values):
        text = value.strip().upper()
        if text.lower() in UNKNOWN:
            continue
        unit = _YEARS.get(text[-1])
        try:
            years[k] = float(text if unit is None else text[:-1]) * (1.0 if unit is None else unit)
        except ValueError:
            wrong[k] = True
        if not 0 <= years[k] <= OLDEST:
            years[k], wrong[k] = np.nan, True
    return years, wrong


def _typed(values: Sequence[str], codes: NDArray[np.int32]) -> object:
    """Numbers where all known cells are numbers, else categories; a missing cell is missing."""
    missing = np.array([value.lower() in UNKNOWN for value in values], np.bool_)
    known = [value for value, none in zip(values, missing, strict=True) if not none]
    numbers = pd.to_numeric(pd.Series(known, dtype=object), errors="coerce").to_numpy(np.float64)
    if known and np.isfinite(numbers).all():
        of_value = np.full(len(values), np.nan)
        of_value[~missing] = numbers
        return of_value[codes]
    names = sorted(known)
    at = {name: k for k, name in enumerate(names)}
    of_word = np.array([at.get(value, -1) for value in values], np.int32)
    of_word[missing] = -1
    return pd.Categorical.from_codes(of_word[codes], dtype=pd.CategoricalDtype(names))
