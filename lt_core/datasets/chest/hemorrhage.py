"""The long format of the RSNA Intracranial Hemorrhage challenge: ``ID_<image>_<subtype>,Label``, six rows an image."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.layouts.distinct import distinct
from lt_core.datasets.layouts.merging import NamedRows
from lt_core.datasets.reading import Change
from lt_core.datasets.tables.peek import Glimpse
from lt_core.datasets.tables.text import Table
from lt_core.params import Choice, Param
from lt_core.problems import Problem

SUBTYPES = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
ANY_LABEL = "any"
ANY = Param("any", "class", Choice(
    ("class", "out"), ("a class, as published", "left out, as it repeats the subtypes"),
    help="What 'any' is in the hemorrhage table: it is 1 where any subtype is."))  # fmt: skip
_NAME = re.compile(rf".+_({'|'.join((*SUBTYPES, ANY_LABEL))})")


def is_hemorrhage(glimpse: Glimpse) -> bool:
    """Return whether a table has the columns ID and Label and names that end in a subtype."""
    names = [name.lower() for name in glimpse.columns if name]
    cells = glimpse.cells("ID")
    return names == ["id", "label"] and bool(cells) and all(_NAME.fullmatch(cell) for cell in cells)


def long_format(
    table: Table, column: str, values: NDArray[np.float32], options: dict[str, Any]
) -> tuple[tuple[str, ...], NDArray[np.str_], NDArray[np.float32], list[Change]]:
    """Return the classes (C,), the images (N,), labels (N, C) in {0, 1, NaN} and what was merged or is unknown.

    ``values`` (n,) are the labels of the rows. A pair of image and class that has two different labels is unknown.
    """
    every = (*SUBTYPES, ANY_LABEL)
    names: list[str] = table.cells(column).tolist()
    codes, words = distinct(pd.Series([name[name.rfind("_") + 1 :] for name in names], dtype=object))
    kind = np.array([every.index(word) if word in every else -1 for word in words])[codes]
    if (kind < 0).any():
        row = int(np.argmax(kind < 0))
        raise Problem(f"column {column!r} of {table.path.name} holds {names[row]!r} in row {row + 1}, and a name "
                      f"ends in {', '.join(every)}: mend that cell")  # fmt: skip
    image = [name[: name.rfind("_")] for name in names]
    rows = NamedRows.of(pd.Series(image, dtype=object), column, table.path.name)
    cells = rows.image * len(every) + kind
    n = len(rows) * len(every)
    ones, zeros = (np.bincount(cells[values == v], minlength=n) for v in (1, 0))
    flat = np.full(n, np.nan, np.float32)
    flat[(ones > 0) & (zeros == 0)] = 1
    flat[(zeros > 0) & (ones == 0)] = 0
    labels = flat.reshape(len(rows), len(every))
    subtypes, union = labels[:, :-1], labels[:, -1]
    whole = ~np.isnan(labels).any(axis=1)
    clash = int((whole & ((subtypes == 1).any(axis=1) != (union == 1))).sum())
    there = np.zeros(n, np.bool_)
    there[cells] = True
    changes = [
        Change("merged", len(cells) - int(there.sum()), "rows repeat an image and class: used once"),
        Change("unknown", int(((ones > 0) & (zeros > 0)).sum()), "labels are given as both 0 and 1: taken as unknown"),
        Change("unknown", int((~there).sum()), "labels have no row: taken as unknown"),
        Change("repaired", clash, "images have an 'any' that is not the union of their subtypes: kept as written"),
    ]
    classes = every if options["any"] == "class" else SUBTYPES
    return classes, rows.ids, labels[:, : len(classes)], [change for change in changes if change.count]
