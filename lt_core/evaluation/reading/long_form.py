"""Predictions in long form, a row for each image and class, as columns of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lt_core.datasets.tables.column_names import IMAGE
from lt_core.evaluation.reading.joining import listed
from lt_core.evaluation.reading.names import family_in, match_classes, plain
from lt_core.evaluation.reading.raw import Columns, is_id_name
from lt_core.problems import Problem

MOST = 10_000
"""A column of more different words names no classes."""
_VALUES = ("value", "values")


def widened(
    columns: Columns, classes: Sequence[str], *, aliases: Mapping[str, str] | None = None, id_column: str | None = None
) -> Columns | None:
    """Return a table of image | class | number as one with a column a class; None where it is no such table.

    A column is that of the classes if most of its different words are ``classes`` of the truth. A class that an image
    has no row for is NaN. Raises ``Problem`` where it cannot be told which column holds the numbers or the images, and
    where two rows give one image and class different numbers.
    """
    by_class = next((name for name in columns.names if _names_classes(columns, name, classes, aliases)), None)
    if by_class is None:
        return None
    rest = [name for name in columns.names if name != by_class and not is_id_name(name)]
    value = _value_of(columns, rest)
    image = _image_of(columns, [name for name in rest if name != value], by_class, id_column)
    rows, images = pd.factorize(np.asarray(columns.text(image), dtype=object))
    cols, words = pd.factorize(np.asarray(columns.text(by_class), dtype=object))
    numbers = columns.numbers(value)
    cells = pd.DataFrame({"row": rows, "col": cols, "number": numbers}).drop_duplicates()
    twice = cells.duplicated(["row", "col"])
    if twice.any():
        said = [f"{images[r]} ({words[c]})" for r, c in cells.loc[twice, ["row", "col"]].to_numpy()]
        raise Problem(
            f"{columns.where} gives an image two different numbers for one class, {listed(said)}: leave one row for "
            "each image and class"
        )
    wide = np.full((len(images), len(words)), np.nan)
    wide[cells["row"], cells["col"]] = cells["number"]
    note = (
        f"{columns.where} has a row for each image and class: {by_class!r} names the class, {value!r} holds the number."
    )
    made = Columns(
        columns.where, len(images), (image, *map(str, words)), family_in(value), (*columns.notes, note)
    )  # fmt: skip
    made._text[image] = [str(name) for name in images]
    made._numbers.update({str(word): wide[:, k] for k, word in enumerate(words)})
    return made


def _names_classes(
    columns: Columns, name: str, classes: Sequence[str], aliases: Mapping[str, str] | None
) -> bool:  # fmt: skip
    if columns.is_fractional(name):
        return False
    words = list(dict.fromkeys(columns.text(name)))
    if not words or len(words) > MOST or len(words) == columns.n > 1:
        return False
    found = match_classes(words, classes, where=columns.where, aliases=aliases)
    return 2 * sum(bool(match.column) for match in found) > len(words)


def _value_of(columns: Columns, rest: Sequence[str]) -> str:
    numeric = [name for name in rest if columns.is_numeric(name)]
    called = [name for name in numeric if family_in(name) or plain(name) in _VALUES]
    fractional = [name for name in numeric if columns.is_fractional(name)]
    for some in (called, fractional, numeric):
        if len(some) == 1:
            return some[0]
        if some:
            raise Problem(
                f"{columns.where} has a row for each image and class, and the numbers may be in {listed(some)}: leave "
                "one of them"
            )
    raise Problem(f"{columns.where} has a row for each image and class, but no column of numbers")


def _image_of(columns: Columns, rest: Sequence[str], by_class: str, id_column: str | None) -> str:
    if id_column is not None:
        rest = [name for name in rest if plain(name) == plain(id_column)]
    classes = np.asarray(columns.text(by_class), dtype=object)
    told: list[tuple[bool, int, str]] = []
    for name in rest:
        if not columns.is_fractional(name):
            pairs = pd.DataFrame({"image": columns.text(name), "class": classes}).drop_duplicates()
            told.append((plain(name) in IMAGE, len(pairs), name))
    if not told:
        raise Problem(f"{columns.where} has a row for each image and class, but no column that names the image")
    return max(told, key=lambda entry: entry[:2])[2]
