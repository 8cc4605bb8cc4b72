"""Columns of what is known of the images, cut into slices."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.problems import Invalid, Unknown

MISSING = "not known"
"""The slice of images for which a column says nothing."""
MOST = 12
"""Slices of a column of names at most: the rarest share one called ``OTHERS``."""
OTHERS = "all others"
AGES = (18.0, 40.0, 60.0, 80.0)
"""Bands of age in years: minors, young, middle-aged, old and very old adults."""


@dataclass(frozen=True, eq=False)
class Slices:
    """One column as slices: ``number`` (n,) is each image's place in ``names``; ``rule`` says how it was cut."""

    column: str
    names: tuple[str, ...]
    number: NDArray[np.int64]
    rule: str

    def __repr__(self) -> str:
        return f"Slices({self.column}: {', '.join(self.names)})"

    def mask(self, name: str) -> NDArray[np.bool_]:
        """Return the images of a slice, (n,)."""
        return np.asarray(self.number == self.names.index(name))


def sliced(columns: pd.DataFrame, column: str, edges: tuple[float, ...] | None = None) -> Slices:
    """Return ``column`` of ``columns`` (n rows) as slices, images that it says nothing of last, as ``MISSING``.

    Numbers with more than six values are cut into bands: [edge, next edge), at ``edges`` where given, ages at ``AGES``,
    others at their quartiles. Anything else is a slice for each value, the most frequent first; beyond ``MOST`` the
    rarest are put together. Raises ``Unknown`` for no such column and ``Invalid`` for edges that do not rise.
    """
    if column not in columns.columns:
        raise Unknown.of("column", column, [str(name) for name in columns.columns])
    values = columns[column].reset_index(drop=True)
    numbers = pd.to_numeric(values, errors="coerce") if not _is_flag(values) else pd.Series(np.nan, values.index)
    numeric = bool(numbers.notna().sum() == values.notna().sum()) and bool(values.notna().any())
    if edges is not None and not numeric:
        raise Invalid(f"{column} holds names, not numbers: it is not cut at edges")
    if numeric and (edges is not None or numbers.nunique() > 6):
        return _bands(column, np.asarray(numbers, dtype=np.float64), edges)
    if numeric:
        values = numbers.map(lambda number: f"{number:g}", na_action="ignore")
    return _named(column, values, by_name=numeric)


def _is_flag(values: pd.Series) -> bool:
    return bool(pd.api.types.is_bool_dtype(values))


def _bands(column: str, numbers: NDArray[np.float64], edges: tuple[float, ...] | None) -> Slices:
    known = numbers[np.isfinite(numbers)]
    if edges is not None:
        if not edges or any(not a < b for a, b in itertools.pairwise(edges)):
            raise Invalid(f"edges of bands must rise, got {', '.join(f'{edge:g}' for edge in edges) or 'none'}")
        cuts, how = [float(edge) for edge in edges], "at the edges given"
    elif "age" in column.lower().replace("_", " ").split():
        cuts, how = list(AGES), "at ages of " + ", ".join(f"{edge:g}" for edge in AGES) + " years"
    else:
        cuts, how = sorted({float(q) for q in np.quantile(known, [0.25, 0.5, 0.75])}), "at their quartiles"
    cuts = [edge for edge in cuts if known.min() < edge <= known.max()]
    place = np.searchsorted(cuts, numbers, side="right")
    names = [_band(low, high) for low, high in zip([None, *cuts], [*cuts, None], strict=True)]
    place = np.where(np.isfinite(numbers), place, len(names))
    return _kept(column, [*names, MISSING], place, f"Numbers, cut {how}; a band holds its lower end.")


def _band(low: float | None, high: float | None) -> str:
    if low is None:
        return "all" if high is None else f"below {high:g}"
    return f"{low:g} and more" if high is None else f"{low:g} to below {high:g}"


def _named(column: str, values: pd.Series, *, by_name: bool) -> Slices:
    words = [None if pd.isna(value) else str(value).strip() or None for value in values]
    text = pd.Series(words, dtype=object)
    counts = text.value_counts()
    names = [str(name) for name in (sorted(counts.index, key=float) if by_name else counts.index)]
    rule = "A slice for each value."
    if len(names) > MOST:
        rule = (
            f"A slice for each of the {MOST - 1} most frequent values; {len(names) - MOST + 1:,} rarer ones together."
        )
        names = [*names[: MOST - 1], OTHERS]
    at = {name: k for k, name in enumerate(names)}
    place = np.array([len(names) if word is None else at.get(word, len(names) - 1) for word in words], np.int64)
    return _kept(column, [*names, MISSING], place, rule)


def _kept(column: str, names: list[str], place: NDArray[np.integer], rule: str) -> Slices:
    """Return the slices without those that nobody is in."""
    there = np.unique(place)
    number = np.searchsorted(there, place).astype(np.int64)
    return Slices(column, tuple(names[k] for k in there), number, rule)
