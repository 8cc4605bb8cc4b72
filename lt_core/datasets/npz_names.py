"""What the classes of a ``.npz`` are called, where the file itself or one beside it says so: never by a guess.

Asked in this order: an array of names in the file; a list of names beside it (``classes.txt``, ``<name>_classes.json``
...); a table beside it that has the same labels, row by row in the order of the parts, or, for several labels an image,
as often in each combination.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.layouts.beside import MAX_LIST, files_beside, names_in
from lt_core.datasets.npz import Declared, read_array
from lt_core.datasets.tables.columns import roles_of, split_of
from lt_core.datasets.tables.label_columns import LabelMatrix, from_names, from_zero_one
from lt_core.datasets.tables.text import is_table_name, read_table
from lt_core.problems import Problem

_KEYS = ("class_names", "classes", "label_names", "labels_names", "target_names", "names")
_LISTS = r"(.*[_-])?(classes|class[_-]?names|label[_-]?names|labels)\.(txt|json)"
_MOST_TABLES = 8


@dataclass(frozen=True)
class Named:
    """Names of the classes in the order of the labels, and where they come from."""

    names: tuple[str, ...]
    why: str


def names_inside(archive: zipfile.ZipFile, found: Mapping[str, Declared], n_classes: int, file: str) -> Named | None:
    """Return the names in an array of the file that is called like names and has one text a class, or None."""
    for key in _KEYS:
        declared = found.get(key)
        if declared is not None and declared.shape == (n_classes,) and declared.dtype.kind in "US":
            texts = [t.decode("utf-8", "replace") if isinstance(t, bytes) else str(t)
                     for t in read_array(archive, key, file).tolist()]  # fmt: skip
            if named := _distinct(texts, n_classes):
                return Named(named, f"classes named by the array {key!r} of the file")
    return None


def names_beside(path: Path, labels: NDArray[np.float32], counts: Mapping[str, int]) -> Named | None:
    """Return the names that a file in the folder of ``path`` gives the columns of ``labels`` (N, C), or None.

    ``counts`` are the images of each part, in the order of the rows. Files that disagree name nothing.
    """
    found = [named for file in _lists(path) if (named := _listed(file, labels.shape[1]))]
    if not found:
        tables = [file for file in files_beside(path, r"\.(csv|tsv|tab)(\.gz)?$") if is_table_name(file.name)]
        small = [file for file in tables if file.stat().st_size <= MAX_LIST][:_MOST_TABLES]
        found = [named for file in small if (named := _of_table(file, labels, counts))]
    return found[0] if len({named.names for named in found}) == 1 else None


def _lists(path: Path) -> list[Path]:
    """Lists of names, those called like the file before those called like any."""
    found = files_beside(path, f"^{_LISTS}$")
    own = [file for file in found if file.stem.lower().startswith(path.stem.lower())]
    plain = [file for file in found if "_" not in file.stem.removeprefix("class_").removeprefix("label_")]
    return own or plain


def _listed(file: Path, n_classes: int) -> Named | None:
    try:
        entry: Any = json.loads("\n".join(names_in(file))) if file.suffix.lower() == ".json" else names_in(file)
    except (Problem, ValueError, RecursionError, OSError):
        return None
    if isinstance(entry, dict) and set(entry) == {str(k) for k in range(n_classes)}:
        entry = [entry[str(k)] for k in range(n_classes)]
    names = _distinct(entry, n_classes) if isinstance(entry, list) else None
    return None if names is None else Named(names, f"classes named by {file.name}")


def _distinct(names: list[Any], n_classes: int) -> tuple[str, ...] | None:
    texts = tuple(name.strip() for name in names if isinstance(name, str))
    return texts if len(texts) == len(names) == n_classes == len(set(texts)) and all(texts) else None


def _of_table(file: Path, labels: NDArray[np.float32], counts: Mapping[str, int]) -> Named | None:
    """The names of a table that has as many rows and the same labels."""
    try:
        table = read_table(file)
        if len(table.frame) != len(labels):
            return None
        roles = roles_of(table)
        matrix = from_names(table, roles.labels[0]) if roles.form == "names" else from_zero_one(table, roles.labels)
        parts = None if roles.split is None else split_of(table, roles.split)
    except (Problem, OSError):
        return None
    if len(matrix.class_names) != labels.shape[1]:
        return None
    rows = np.arange(len(labels))
    if parts is not None:
        if any(int((parts == part).sum()) != count for part, count in counts.items()):
            return None
        rows = np.concatenate([np.flatnonzero(parts == part) for part in counts])
    where = f"{file.name} ({', '.join(map(repr, roles.labels[:2]))}{' ...' if len(roles.labels) > 2 else ''})"
    if names := _row_by_row(matrix, matrix.labels[rows], labels):
        return Named(names, f"classes named by {where}, which has the same label in each of the {len(rows):,} rows")
    if names := _as_often(matrix, labels):
        return Named(names, f"classes named by {where}: only in this order does each combination of its labels occur "
                     "in as many rows as here")  # fmt: skip
    return None


def _row_by_row(matrix: LabelMatrix, theirs: NDArray[np.float32], labels: NDArray[np.float32]) -> tuple[str, ...]:
    """The name of each column whose cells are those of exactly one column of the table; () if any has none."""
    columns: dict[bytes, list[str]] = {}
    for k, name in enumerate(matrix.class_names):
        columns.setdefault((theirs[:, k] == 1).tobytes(), []).append(name)
    same = [columns.get((labels[:, c] == 1).tobytes(), []) for c in range(labels.shape[1])]
    return tuple(names[0] for names in same) if all(len(names) == 1 for names in same) else ()


def _as_often(matrix: LabelMatrix, labels: NDArray[np.float32]) -> tuple[str, ...]:
    """The names in the one order in which every set of labels is in as many rows of both; () if there is none.

    Only for rows of several labels: how often single classes occur says too little. A class is known by how often it
    is there, and there together with the others; where two classes are alike in that, nothing is said.
    """
    theirs, ours = matrix.labels == 1, labels == 1
    if not (ours.sum(axis=1) > 1).any():
        return ()
    of_mark = {mark: k for k, mark in enumerate(_marks(theirs))}
    order = [of_mark.get(mark, -1) for mark in _marks(ours)]
    if sorted(order) != list(range(len(order))) or not _same_rows(theirs[:, order], ours):
        return ()
    return tuple(matrix.class_names[k] for k in order)


def _marks(there: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """What each class is known by: its rows, and those it shares with each of the others, in falling order."""
    together = np.rint(there.T.astype(np.float64) @ there).astype(np.int64)
    return [(int(row[c]), *sorted(np.delete(row, c).tolist(), reverse=True)) for c, row in enumerate(together)]


def _same_rows(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    sets = [np.unique(np.packbits(cells, axis=1), axis=0, return_counts=True) for cells in (one, other)]
    (rows, times), (rows_too, times_too) = sets
    return rows.shape == rows_too.shape and bool((rows == rows_too).all() and (times == times_too).all())
