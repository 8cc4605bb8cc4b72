"""A split as a file: one row an image, with its patient, its part and its labels, readable as a data set again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.csv_text import as_csv
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.loading import load_images
from lt_core.datasets.sparse import SparseLabels
from lt_core.datasets.splits import DEFAULT_METHOD, FRACTIONS, assign_parts, folds
from lt_core.problems import Problem
from lt_core.stats.split_checks import check_split

MAX_LABEL_CELLS = 1 << 26
"""Rows times classes of the largest set whose labels are written beside its parts (a file of about 130 MB)."""


def drawn(
    dataset: LabeledImages,
    *,
    seed: int = 0,
    fractions: tuple[float, float, float] = FRACTIONS,
    method: str = DEFAULT_METHOD,
    anew: bool = False,
) -> LabeledImages:
    """Return ``assign_parts`` of the set; with ``anew`` the parts that the source has are forgotten first."""
    start = replace(dataset, split=None) if anew else dataset
    return assign_parts(start, seed=seed, fractions=fractions, method=method)


def split_table(dataset: LabeledImages, fold: NDArray[np.intp] | None = None, *, labels: bool = True) -> pd.DataFrame:
    """Return one row an image: ``image`` (its id, or its row number), ``patient`` if known, ``split``, the classes.

    Classes are columns of 0 and 1, missing where unknown, in the set's order: the table reads back as the same labels
    with these parts. They are left out where there are too many cells, or where ``labels`` is false. With ``fold``
    (N,) the column ``fold`` takes the place of ``split``.
    """
    taken = set(dataset.class_names) if labels else set()

    def free(name: str) -> str:
        return name if name not in taken else f"{name} name"

    columns: dict[str, Any] = {free("image"): np.arange(len(dataset)) if dataset.ids is None else dataset.ids}
    if dataset.groups is not None:
        columns[free("patient")] = dataset.groups
    if fold is not None:
        columns[free("fold")] = fold
    elif dataset.split is not None:
        columns[free("split")] = dataset.split
    table = pd.DataFrame(columns)
    if not labels or isinstance(dataset.matrix, SparseLabels) or dataset.matrix.size > MAX_LABEL_CELLS:
        return table
    unknown = np.isnan(dataset.matrix)
    cells = np.where(unknown, 0, dataset.matrix).astype(np.int8)
    shown = {
        name: pd.arrays.IntegerArray(cells[:, c], unknown[:, c]) if unknown[:, c].any() else cells[:, c]
        for c, name in enumerate(dataset.class_names)
    }
    return pd.concat([table, pd.DataFrame(shown)], axis=1)


def split_to_file(
    source: Source,
    out: str | Path,
    *,
    seed: int = 0,
    fractions: tuple[float, float, float] = FRACTIONS,
    method: str = DEFAULT_METHOD,
    n_folds: int | None = None,
    anew: bool = False,
    labels: bool = True,
) -> dict[str, Any]:
    """Load a set, divide it, write ``split_table`` as CSV to ``out``, and return what the command prints as JSON.

    ``n_folds`` writes folds 0 .. n - 1 of the whole set instead of parts. Raises ``Problem`` where the set has no
    single images, cannot be divided so, or the file cannot be written.
    """
    dataset = load_images(source)
    path = Path(out)
    entry: dict[str, Any] = {"written": str(path), "seed": seed, "method": method}
    if n_folds is not None:
        fold = folds(dataset, n_folds, seed=seed, method=method)
        table = split_table(dataset, fold, labels=labels)
        entry |= {"folds": np.bincount(fold, minlength=n_folds).tolist(), "report": None}
    else:
        divided = drawn(dataset, seed=seed, fractions=fractions, method=method, anew=anew)
        table = split_table(divided, labels=labels)
        entry |= {"fractions": list(fractions), "anew": anew, "report": check_split(divided).as_json()}
    try:
        path.write_text(as_csv(table), encoding="utf-8", newline="\n")
    except FileNotFoundError:
        raise Problem(f"{path} cannot be written: its folder is not there") from None
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from error
    return entry


def split_command(
    source: Source, *, seed: int, fractions: tuple[float, float, float], method: str, anew: bool, out: str = "split.csv"
) -> str:
    """Return the shell command that writes the same split."""
    import shlex

    words = ["python", "-m", "lt_core", "split", source.name]
    words += ["--images", source.images] if source.images else []
    words += ["--labels", *source.labels] if source.labels else []
    words += ["--reader", source.reader] if source.reader else []
    for name, value in source.options.items():
        words += ["--option", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
    words += ["--method", method, "--seed", str(seed), "--fractions", *(f"{share:g}" for share in fractions)]
    return shlex.join([*words, *(["--anew"] if anew else []), "--out", out])
