"""Which column of a table names the image, the patient, the part and the labels; asked about if it cannot be told."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.decode import IMAGE_SUFFIXES, cut_suffix
from lt_core.datasets.tables.coded import Coded
from lt_core.datasets.tables.column_names import (
    IMAGE,
    LABEL,
    LABEL_IF_NO_OTHER,
    NOT_A_FINDING,
    PARTS_CALLED,
    PATIENT,
    SAYS_WHETHER,
    SPLIT,
)
from lt_core.datasets.tables.label_words import LIST, pieces_of, separator_of
from lt_core.datasets.tables.lists import LIST_SIGN
from lt_core.datasets.tables.text import Table
from lt_core.datasets.tables.truth import says_nothing, truth_of
from lt_core.problems import Problem, Unknown

_LOOKED_AT = 20_000
"""Distinct cells that tell whether a column holds names of classes."""
Form = Literal["auto", "zero-one", "names"]


@dataclass(frozen=True)
class Roles:
    """The columns in use. ``form`` is how labels are written: columns of 0 and 1, or one column of names."""

    image: str | None
    patient: str | None
    split: str | None
    labels: tuple[str, ...]
    form: Literal["zero-one", "names"]
    notes: tuple[str, ...] = ()


def roles_of(
    table: Table, *, labels: Sequence[str] = (), given: dict[str, str] | None = None, form: Form = "auto"
) -> Roles:
    """Return the roles of the columns: ``labels`` and ``given`` (image, patient, split) as said, the others as found.

    ``form`` says how labels are written where that is known: one column a class, or one column of class names.

    Raises ``Unknown`` for a column that is not there, and ``Problem`` where the label columns cannot be told.
    """
    given = given or {}
    asked = [named(table, name) for name in labels]
    free = [name for name in table.columns if name not in asked]
    image, notes = (named(table, given["image"]), []) if "image" in given else _image_column(table, free)
    free = [name for name in free if name != image]
    patient = named(table, given["patient"]) if "patient" in given else _first_named(free, PATIENT)
    split = named(table, given["split"]) if "split" in given else _split_column(table, free)
    columns = asked or _label_columns(table, [name for name in free if name not in (patient, split)], form)
    if form == "names" and len(columns) > 1:
        raise Problem(f"{table.path.name}: one column of class names was asked for, but {_listed(columns)} hold "
                      "labels: name one with --labels")  # fmt: skip
    written = form if form != "auto" else "names" if len(columns) == 1 and not says(table, columns[0]) else "zero-one"
    return Roles(image, patient, split, tuple(columns), written, tuple(notes))


def says(table: Table, name: str) -> bool:
    """Return whether a column says of each row whether something is there: 0 and 1, yes and no."""
    first = {value.strip() for value in table.frame[name].iloc[:200].unique()}
    return truth_of({*first, "1"} if says_nothing(first) else first) is not None and (
        truth_of(table.coded(name).words) is not None
    )


def named(table: Table, name: str) -> str:
    """Return the column called ``name``, letter case aside, or raise ``Unknown``."""
    if name in table.columns:
        return name
    alike = [column for column in table.columns if column.lower() == name.strip().lower()]
    if len(alike) != 1:
        raise Unknown.of(f"column of {table.path.name}", name, table.columns)
    return alike[0]


def split_of(table: Table, column: str) -> NDArray[np.str_]:
    """Return the part of every row, (N,), "" where the cell is empty; raise ``Problem`` for a word that is no part."""
    coded = table.coded(column)
    other = sorted({value.lower() for value in coded.words} - PARTS_CALLED.keys())
    if other:
        raise Problem(f"column {column!r} of {table.path.name} says {other[0]!r}, where a part is train, val or test")
    parts = np.array([PARTS_CALLED[value.lower()] for value in coded.words], dtype="U5")
    return np.take(parts, coded.codes)


def plain(name: str) -> str:
    """Return a column name as names are compared here: lower case, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def looks_like_files(cells: pd.Series[str]) -> bool:
    """Return whether nine in ten of the cells that are not empty end like an image file."""
    first = [cell for cell in cells.iloc[:200] if cell]
    if len(first) > 20 and not any(cut_suffix(cell.strip().lower())[1] in IMAGE_SUFFIXES for cell in first):
        return False
    sample = [cell.strip().lower() for cell in cells.iloc[:: max(1, len(cells) // 500)]]
    filled = [cell for cell in sample if cell]
    return bool(filled) and sum(cut_suffix(c)[1] in IMAGE_SUFFIXES for c in filled) >= 0.9 * len(filled)


def is_called_split(name: str) -> bool:
    """Return whether a column is called like one that says the part of each row."""
    return plain(name) in SPLIT and plain(name) != "fold"


def holds_no_label(cells: pd.Series[str]) -> bool:
    """Return whether a column has only empty cells and -1 (uncertain): a label of which nothing is known."""
    return says_nothing(set(cells.iloc[:200].unique())) and says_nothing(set(cells.unique()))


def _image_column(table: Table, free: Sequence[str]) -> tuple[str | None, list[str]]:
    files = [name for name in free if looks_like_files(table.frame[name])]
    called = _first_named(files or [name for name in free if _may_name_images(table, name)], IMAGE)
    if len(files) == 1:
        return files[0], []
    if called is not None and (files or plain(called) not in ("id", "uid", "name") or table.frame[called].is_unique):
        return called, []
    if files:
        listed = ", ".join(files)
        return None, [f"several columns name image files ({listed}): none is used, say which with the option image"]
    return None, []


def _may_name_images(table: Table, name: str) -> bool:
    """Whether a column that is called like an image tells images apart: ``Xray Chest PA and Lateral`` does not."""
    if plain(name) not in IMAGE:
        return False
    words = table.coded(name).words[:_LOOKED_AT]
    text = sum(len(word.split()) > 2 for word in words)
    return 2 * text < len(words) and (len(words) > 1 or len(table.frame) == 1)


def _first_named(free: Collection[str], names: Sequence[str]) -> str | None:
    by_plain = {plain(name): name for name in reversed(list(free))}
    return next((by_plain[name] for name in names if name in by_plain), None)


def _split_column(table: Table, free: Sequence[str]) -> str | None:
    """A column called like a part and holding nothing but parts (a numbered fold is none)."""
    for name in free:
        if plain(name) in SPLIT:
            values = {value.lower() for value in table.coded(name).words}
            if values <= PARTS_CALLED.keys() and values != {""}:
                return name
    return None


def _label_columns(table: Table, free: Sequence[str], form: Form) -> list[str]:
    """Columns of 0 and 1, or the one column called like a label; asked about where both or neither are there."""
    zero_one = [name for name in free if not _describes(name) and says(table, name)] if form != "names" else []
    named_so = [name for name in free if name not in zero_one and _names_classes(table, name, LABEL)]
    called = named_so or [
        name for name in free if name not in zero_one and _names_classes(table, name, LABEL_IF_NO_OTHER)
    ]
    if form == "zero-one":
        called = []
    if len(called) == 1 and len(zero_one) == 1 and plain(zero_one[0]) in SAYS_WHETHER and _repeats(table, called[0]):
        raise Problem(f"{table.path.name} has a row for each image and class, {called[0]!r} naming the class and "
                      f"{zero_one[0]!r} whether it is there: make a column of 0 and 1 for each class")  # fmt: skip
    if len(called) == 1 and len(zero_one) < 2:
        return called
    if zero_one and not called:
        return zero_one
    if len(called) == 1 and _same_classes(table, called[0], zero_one):
        return zero_one
    if called:
        raise _unclear(
            table, f"the labels may be in {_listed(called)}" + (f" or in {_listed(zero_one)}" if zero_one else "")
        )
    joined = [name for name in free if form != "zero-one" and _is_joined(table, name)]
    if len(joined) == 1:
        return joined
    predicted = [name for name in table.columns if plain(name).startswith(("prob", "logit", "score", "pred"))]
    if 2 * len(predicted) > len(table.columns):
        raise Problem(
            f"{table.path.name} looks like predictions of a model ({_listed(predicted, 3)}), not like labels: load the "
            "table with the labels, or look at these on the Losses page, Where the force is"
        )
    if empty := [name for name in free if not _describes(name) and holds_no_label(table.frame[name])]:
        raise Problem(f"{table.path.name}: no label is known in any row: {_listed(empty, 30)} "
                      f"{'has' if len(empty) == 1 else 'have'} only empty cells or -1 (uncertain); fill them in, or "
                      "say which other columns hold the labels with --labels")  # fmt: skip
    raise _unclear(table, "no column is recognised as labels")


def _repeats(table: Table, column: str) -> bool:
    """Whether every class is named equally often, as in a table of each image with each class."""
    counts = table.coded(column).counts
    return len(counts) > 1 and counts.min() == counts.max() > 1


def _describes(name: str) -> bool:
    words = re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return any(word in NOT_A_FINDING for word in words)


def _names_classes(table: Table, name: str, names: Collection[str] = ()) -> bool:
    """A column of class names repeats them; free text and measurements do not. It is called one of ``names``."""
    if names and plain(name) not in names:
        return False
    coded = table.coded(name)
    filled = len(coded) - int(coded.counts[coded.words.index("")]) if "" in coded.words else len(coded)
    if len(coded.words) > _LOOKED_AT:
        coded = Coded(np.arange(_LOOKED_AT, dtype=np.int32), coded.words[:_LOOKED_AT])
        filled = _LOOKED_AT
    _, _, words = pieces_of(coded, separator_of(coded.words))
    labels = [word for word in words if word]
    if not labels or len(labels) > max(20, filled // 2):
        return False
    return not any(re.fullmatch(r"-?\d*\.\d*[1-9]\d*", label) for label in labels)


def _same_classes(table: Table, column: str, zero_one: Sequence[str]) -> bool:
    coded = table.coded(column)
    _, _, words = pieces_of(coded, separator_of(coded.words))
    labels = {plain(word) for word in words} - {""}
    classes = {plain(name) for name in zero_one}
    return classes <= labels or labels <= classes


def _is_joined(table: Table, name: str) -> bool:
    """Cells like ``A|B`` or lists, whose parts come back in other cells."""
    first = list(table.cells(name).iloc[:2000].unique())
    return separator_of(first) in ("|", LIST, LIST_SIGN) and _names_classes(table, name)


def _unclear(table: Table, what: str) -> Problem:
    columns = _listed(table.columns, 30)
    return Problem(f"{table.path.name}: {what}; its columns are {columns}: say which hold the labels with --labels")


def _listed(names: Sequence[str], limit: int = 8) -> str:
    return ", ".join(map(repr, names[:limit])) + (f" and {len(names) - limit} more" if len(names) > limit else "")
