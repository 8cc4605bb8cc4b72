"""One column of class names, one or several a cell: cut, spelled alike, counted, each distinct cell once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.reading import Change
from lt_core.datasets.sparse import SparseLabels
from lt_core.datasets.tables.coded import Coded
from lt_core.datasets.tables.lists import LIST_SIGN, is_list, items_of, joined
from lt_core.datasets.tables.text import Table
from lt_core.datasets.tables.truth import UNKNOWN
from lt_core.problems import Problem

SEPARATORS = (LIST_SIGN, "|", ";", "\n", ",")
_IN_NAMES = ("\n", ",")
"""Separators that are also found within a name."""
LIST = "list"
"""The separator of cells that are written like lists: ``['a', 'b']``."""
MAX_CELLS = 1 << 30
"""Rows times classes of the largest matrix that is made (4 GiB of float32)."""
_SAMPLE = 20_000
_LONGEST_CELL = 1 << 17
_DICTIONARY = re.compile(r"""\s*\{\s*(?:'[^']*'|"[^"]*"|[\w.-]+)\s*:""")
_NO_FINDING = frozenset({"nofinding", "nofindings", "noabnormality", "noabnormalities"})


@dataclass(frozen=True, eq=False)
class Named:
    """Classes (C,) of a column of names: ``of_cell`` (D, C) for each distinct cell, ``codes`` (N,) the cell of a row.

    ``no_finding`` says whether a cell says that there is none.
    """

    class_names: tuple[str, ...]
    of_cell: SparseLabels
    codes: NDArray[np.signedinteger[Any]]
    no_finding: bool
    about: str
    changes: tuple[Change, ...] = ()

    def dense(self) -> NDArray[np.float32]:
        """Return labels (N, C) in {0, 1, NaN}."""
        if len(self.of_cell) * 4 <= len(self.codes):
            of_cell = self.of_cell.dense()
            return np.take(of_cell, self.codes, axis=0)
        return self.sparse().dense()

    def sparse(self) -> SparseLabels:
        """Return labels (N, C) by their positives."""
        return self.of_cell.take(self.codes.astype(np.intp))


def is_no_finding(name: str) -> bool:
    """Return whether a label says that there is none: ``No Finding``, in any spelling."""
    return re.sub(r"[^a-z]", "", name.lower()) in _NO_FINDING


def separator_of(cells: pd.Series[str] | Sequence[str]) -> str | None:
    """Return the sign between several labels in one cell, ``LIST``, or None where each cell is one label.

    ``|`` and ``;`` always separate. A comma or a line break may also be part of a name (``melanoma, invasive``): it
    separates if at least half of the pieces come back in other cells. Blanks separate class numbers (``16 0``), and
    words of which each is also a cell of its own, or which are far fewer than the cells made of them, or where one is
    written with an underscore. Cells written like lists are ``LIST`` where most are.
    """
    values: Sequence[str] = list(cells.unique()) if isinstance(cells, pd.Series) else cells
    step = max(1, len(values) // _SAMPLE)
    distinct = [cell for cell in map(str.strip, values[::step]) if cell and cell.lower() not in UNKNOWN]
    if distinct and sum(map(is_list, distinct)) >= 0.9 * len(distinct):
        return LIST
    for separator in SEPARATORS:
        held = [cell for cell in distinct if separator in cell]
        if held and (separator not in _IN_NAMES or _pieces_recur(distinct, held, separator)):
            return separator
    return " " if _are_words([cell for cell in distinct if not is_no_finding(cell)]) else None


def _pieces_recur(distinct: list[str], held: list[str], separator: str) -> bool:
    def pieces_in(cell: str) -> set[str]:
        return {part.strip().casefold() for part in cell.split(separator)} - {""}

    cells_of = Counter(piece for cell in distinct for piece in pieces_in(cell))
    pieces = {piece for cell in held for piece in pieces_in(cell)}
    return 2 * sum(cells_of[piece] > 1 for piece in pieces) >= len(pieces)


def _are_words(distinct: list[str]) -> bool:
    """Whether cells with blanks are several labels, not names of several words such as ``basal cell carcinoma``."""
    if not any(" " in cell for cell in distinct):
        return False
    cells = [cell.split() for cell in distinct]
    if any(len(set(words)) < len(words) for words in cells):
        return False
    together = {word for words in cells if len(words) > 1 for word in words}
    if all(word.isdecimal() for words in cells for word in words):
        return True
    alone = {words[0] for words in cells if len(words) == 1}
    if any("_" in word for word in together | alone):
        return True
    return together <= alone or 4 * len(together | alone) <= len(cells)


def pieces_of(coded: Coded, separator: str | None) -> tuple[NDArray[np.int64], NDArray[np.int32], list[str]]:
    """Return the labels in the distinct cells of a column: (starts, codes, words).

    Cell d holds ``words[codes[k]]`` for k in ``starts[d]`` to ``starts[d + 1]``, without blanks around them. A cell
    that is empty or unknown holds one such word; an empty list holds none.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    values: Sequence[str] = coded.words
    if separator == LIST:
        values = [joined(items_of(value)) if is_list(value) else value for value in values]
        separator = LIST_SIGN
    cells = pa.array(values, pa.large_string())
    if separator is None:
        lists, lengths = cells, np.ones(len(cells), np.int64)
    else:
        cut = pc.split_pattern(cells, separator)
        lists, lengths = pc.list_flatten(cut), pc.list_value_length(cut).to_numpy(zero_copy_only=False)
    words = pc.utf8_trim_whitespace(lists).dictionary_encode()
    starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    codes = words.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    return starts, codes, words.dictionary.to_pylist()


def named_classes(
    table: Table, column: str, *, separator: str | None = None, alike: bool = False, no_classes_ok: bool = False
) -> Named:
    """Return the classes named in ``column``, in alphabetical order (numbers by value).

    With ``alike``, spellings that differ only by case and blanks are one class, called as most rows call it. An empty
    cell and a word such as ``nan`` or ``?`` is unknown, an empty list is known to have no label. Raises ``Problem``
    where there is no class.
    """
    coded = table.coded(column)
    _refuse_what_is_no_name(table, column, coded)
    separator = separator or separator_of(coded.words)
    starts, codes, words = pieces_of(coded, separator)
    cell = np.repeat(np.arange(len(coded.words)), np.diff(starts))
    times = np.bincount(codes, weights=coded.counts[cell], minlength=len(words)).astype(np.int64)
    unknown = np.array([word.lower() in UNKNOWN for word in words], np.bool_)
    absent = np.array([is_no_finding(word) for word in words], np.bool_)
    spelled, changes = _spelled(words, times, ~(unknown | absent)) if alike else (words, [])
    classes = tuple(sorted({spelled[k] for k in np.flatnonzero(~(unknown | absent))}, key=_by_number))
    if not classes and not no_classes_ok:
        raise Problem(f"column {column!r} of {table.path.name} names no class: choose the label columns with --labels")
    at = {name: k for k, name in enumerate(classes)}
    class_of = np.array([at.get(name, -1) for name in spelled] or [0], np.int32)[codes]
    nothing = np.bincount(cell, weights=~unknown[codes], minlength=len(coded.words)) == 0
    nothing &= ~_empty_lists(coded, separator)
    if LIST_SIGN in coded.words:
        nothing[coded.words.index(LIST_SIGN)] = False
    there = (class_of >= 0) & ~unknown[codes] & ~absent[codes]
    of_cell = SparseLabels.of(cell[there], class_of[there], (len(coded.words), len(classes)), nothing)
    if blank := int(coded.counts[nothing].sum()):
        changes.append(Change("unknown", blank, f"rows have no label in {column!r}: their labels are unknown"))
    sign = "as lists" if separator in (LIST, LIST_SIGN) else f"separated by {separator!r}"
    about = f"labels from the column {column!r}" + (f", {sign}" if separator else "")
    return Named(classes, of_cell, coded.codes, bool(absent.any()), about, tuple(changes))


def _refuse_what_is_no_name(table: Table, column: str, coded: Coded) -> None:
    """Raise ``Problem`` for cells that are dictionaries, whose values are lost as names, and for endless cells."""
    where = f"column {column!r} of {table.path.name}"
    for value in coded.words:
        if _DICTIONARY.match(value):
            raise Problem(f"{where} holds dictionaries ({value[:60]}): whether a value such as 0.0 means absent is not "
                          "said there, so make a column of 0 and 1 a class of it")  # fmt: skip
        if len(value) > _LONGEST_CELL:
            raise Problem(f"{where} holds a cell of {len(value):,} characters: that is no list of class names, choose "
                          "the label columns with --labels")  # fmt: skip


def _empty_lists(coded: Coded, separator: str | None) -> NDArray[np.bool_]:
    if separator != LIST:
        return np.zeros(len(coded.words), np.bool_)
    return np.array([is_list(value) and not items_of(value) for value in coded.words], np.bool_)


def _spelled(words: list[str], times: NDArray[np.int64], counted: NDArray[np.bool_]) -> tuple[list[str], list[Change]]:
    """Each word as the most frequent of its spellings; single letters and signs are kept apart."""
    groups: dict[str, list[int]] = {}
    for k, word in enumerate(words):
        if counted[k] and len(word) > 1:
            groups.setdefault(" ".join(word.casefold().split()), []).append(k)
    spelled = list(words)
    merged, examples = 0, []
    for same in groups.values():
        if len(same) > 1:
            best = max(same, key=lambda k: (int(times[k]), words[k]))
            for k in same:
                spelled[k] = words[best]
                if k != best:
                    merged += int(times[k])
                    examples.append(f"{words[k]!r} is {words[best]!r}")
    what = "labels are spelled otherwise only by letter case or blanks: they are one class"
    return spelled, [Change("merged", merged, what, tuple(examples[:3]))] if merged else []


def _by_number(label: str) -> tuple[float, str]:
    return (float(label), label) if re.fullmatch(r"-?\d{1,15}(\.0+)?", label) else (float("inf"), label)
