"""Which row of the predictions is about which row of the truth: joined by the names of the images."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.decode import IMAGE_SUFFIXES, cut_suffix
from lt_core.datasets.notes import counted
from lt_core.datasets.tables.column_names import IMAGE
from lt_core.datasets.tables.columns import plain
from lt_core.problems import Problem, Unknown

SHOWN = 5
"""How many names a sentence lists."""


@dataclass(frozen=True, eq=False)
class Join:
    """Rows that belong together: ``rows`` of the predictions and ``truth_rows``, (n,) each, in the truth's order.

    ``column`` is the one of the predictions that names the images, ``how`` says what was made of the names.
    ``unpredicted`` and ``unknown`` are names of the truth without a prediction and of predictions without truth,
    ``repeated`` names that either has in several rows that say the same; all of them, each once.
    """

    column: str
    how: str
    rows: NDArray[np.intp]
    truth_rows: NDArray[np.intp]
    unpredicted: tuple[str, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


class Differing(Problem):
    """Rows about one image that say different things; ``names`` are those of all such images."""

    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, sentence: str, names: Sequence[str]) -> Differing:
        """Return the error that says ``sentence`` of the images ``names``."""
        made = cls(sentence)
        made.names = tuple(names)
        return made


def joined(
    columns: Mapping[str, Sequence[str]],
    truth: Sequence[str],
    *,
    where: str,
    truth_name: str,
    id_column: str | None = None,
    same: Callable[[NDArray[np.intp], NDArray[np.intp], bool], NDArray[np.bool_]] | None = None,
) -> Join:
    """Return which rows belong together; ``columns`` are those of the predictions that may name images.

    The column whose cells name most images is taken unless ``id_column`` says which; on equal terms one that is called
    like an image. Names are compared as they are, else without ending and letter case, else without folders, else as
    numbers: the first of these by which most are found. ``same(a, b, of_truth)`` tells of pairs of rows with one name
    whether they say the same: then one is taken; otherwise, and without it, they are refused by name.
    """
    if id_column is not None:
        alike = [name for name in columns if name == id_column] or [n for n in columns if plain(n) == plain(id_column)]
        if not alike:
            raise Unknown.of(f"column of {where}", id_column, list(columns))
        columns = {alike[0]: columns[alike[0]]}
    if not columns:
        raise Problem(f"{where} has no column that names its images: add one with the names that {truth_name} uses")
    column, rule = _best(columns, truth, asked_for=id_column is not None)
    if rule is None:
        raise Problem(_no_match(where, truth_name, columns, column, truth))
    how, key = rule
    keys, known = [key(name) for name in columns[column]], [key(name) for name in truth]
    # as objects: what is asked of them one by one takes long of strings in Arrow
    here, there = pd.Series(keys, dtype=object), pd.Series(known, dtype=object)
    notes: list[str] = []
    keep_here, twice = _once(here, columns[column], where, _bound(same, False), notes, by=f" in column {column!r}")
    keep_there, twice_there = _once(there, truth, truth_name, _bound(same, True), notes)
    index = pd.Series(keep_here, index=here.to_numpy()[keep_here])
    found = index.reindex(there.to_numpy()[keep_there]).to_numpy(np.float64)
    have = ~np.isnan(found)
    listed_there = set(known)
    unknown = [row for row in keep_here.tolist() if keys[row] not in listed_there]
    return Join(
        column, how, found[have].astype(np.intp), keep_there[have],
        tuple(truth[row] for row in keep_there[~have]),
        tuple(columns[column][row] for row in unknown), tuple(notes), tuple(dict.fromkeys([*twice, *twice_there])),
    )  # fmt: skip


def listed(names: Sequence[str], limit: int = SHOWN) -> str:
    """Return the first names and how many more there are."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit:,} more" if len(names) > limit else "")


def stem(name: str) -> str:
    """Return a name of an image without folders, ending and letter case."""
    return _without_ending(re.split(r"[\\/]", name.strip())[-1])


def _without_ending(name: str) -> str:
    base, suffix = cut_suffix(name.strip())
    return (base if suffix in IMAGE_SUFFIXES or suffix[1:].isalpha() else name.strip()).replace("\\", "/").casefold()


def _number(name: str) -> str:
    base = re.sub(r"\.0+$", "", stem(name))
    return base.lstrip("0") or "0" if base.isdigit() else stem(name)


RULES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("as written", str.strip),
    ("without ending and letter case", _without_ending),
    ("without folder, ending and letter case", stem),
    ("as numbers, leading zeros aside", _number),
)
"""How names of images are compared, the strictest way first: what is said of it, and the key of a name."""
Rule = tuple[str, Callable[[str], str]]


def _best(columns: Mapping[str, Sequence[str]], truth: Sequence[str], *, asked_for: bool) -> tuple[str, Rule | None]:
    """Return the column and the rule by which most images are found, the plainest first; no rule where none is.

    A column that is neither ``asked_for`` nor called like an image is passed over where most of it names none.
    """
    best: tuple[int, bool, int] = (0, False, 0)
    chosen, rule = next(iter(columns)), None
    for k, (how, key) in enumerate(RULES):
        known = {key(name) for name in truth} - {""}
        most = 0
        for column, cells in columns.items():
            asked = {key(cell) for cell in set(cells)} - {""}
            hits = len(asked & known)
            named = asked_for or plain(column) in IMAGE
            if not named and 2 * hits < min(len(asked), len(known)):
                continue  # numbers that happen to be names too, such as an age
            score = (hits, plain(column) in IMAGE, -k)
            if hits and score > best:
                best, chosen, rule, most = score, column, (how, key), len(asked)
        if best[0] and best[0] >= min(len(known), most or len(known)):
            break
    return chosen, rule


def _once(
    keys: pd.Series[Any],
    names: Sequence[str],
    where: str,
    same: Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.bool_]] | None,
    notes: list[str],
    by: str = "",
) -> tuple[NDArray[np.intp], list[str]]:
    """Return the first row of each name, after asking whether the other rows of that name say the same, and the names
    that have other rows."""
    again = keys.duplicated() & (keys != "")
    rows = np.flatnonzero(again.to_numpy())
    repeated: list[str] = []
    if rows.size:
        first_of = pd.Series(np.arange(len(keys)), index=keys.to_numpy())
        first_of = first_of[~first_of.index.duplicated()]
        first = first_of.reindex(keys.to_numpy()[rows]).to_numpy(np.intp)
        equal = same(first, rows) if same is not None else np.zeros(len(rows), np.bool_)
        bad = list(dict.fromkeys(names[row] for row in rows[~equal].tolist()))
        if bad:
            kind = "image" if len(bad) == 1 else "images"
            raise Differing.of(
                f"{where} has rows that differ about the same {kind}: {len(bad):,} named more than once{by} "
                f"({listed(bad, 30)}): leave one row for each", bad,
            )  # fmt: skip
        repeated = list(dict.fromkeys(names[row] for row in rows.tolist()))
        again_said = counted(len(rows), "rows")
        notes.append(f"{where} repeats {again_said} word for word, each was taken once: {listed(repeated)}.")
    empty = int((keys == "").sum())
    if empty:
        notes.append(f"{where} has {counted(empty, 'rows that name no image')}: left out.")
    return np.flatnonzero(~again.to_numpy() & (keys != "").to_numpy()), repeated


def _bound(
    same: Callable[[NDArray[np.intp], NDArray[np.intp], bool], NDArray[np.bool_]] | None, of_truth: bool
) -> Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.bool_]] | None:
    return None if same is None else lambda a, b: same(a, b, of_truth)


def _no_match(
    where: str, truth_name: str, columns: Mapping[str, Sequence[str]], column: str, truth: Sequence[str]
) -> str:
    mine, theirs = (next((name for name in names if name), "") for names in (columns[column], truth))
    return (
        f"no image of {where} is named in {truth_name}: both need a column of the same names; {column!r} says "
        f"{mine!r}, {truth_name} {theirs!r}"
    )
