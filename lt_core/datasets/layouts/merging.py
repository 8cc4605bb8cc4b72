"""Several rows of a table about one image, made one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.layouts.distinct import distinct
from lt_core.datasets.tables.repeats import Rows
from lt_core.problems import Problem


@dataclass(frozen=True, eq=False)
class NamedRows(Rows):
    """``Rows`` of images that all have a name: ``ids`` (N,), in order of first appearance."""

    ids: NDArray[np.str_]

    @classmethod
    def of(cls, names: pd.Series[str], what: str, table: str) -> NamedRows:
        """Return the images of the rows; raise ``Problem`` for a row without a name.

        ``what`` is the column and ``table`` the file, for the message.
        """
        image, values = distinct(names)
        ids = np.array(values, dtype=np.str_)
        if "" in values:
            row = int(np.argmax(image == values.index(""))) + 1
            raise Problem(f"row {row} of {table} names no image: fill in {what!r} or remove the row")
        if len(ids) == len(image):
            return cls(image, image, ids)
        return cls(image, np.unique(image, return_index=True)[1].astype(np.intp), ids)


def positions(names: Sequence[str] | NDArray[np.str_], among: Sequence[str] | NDArray[np.str_]) -> NDArray[np.intp]:
    """Return where each of ``names`` is in ``among``, -1 where it is not; the first where it is there twice."""
    asked = names.tolist() if isinstance(names, np.ndarray) else names
    where = dict.fromkeys(asked, -1)
    held = among.tolist() if isinstance(among, np.ndarray) else among
    for k, name in reversed([(k, name) for k, name in enumerate(held) if name in where]):
        where[name] = k
    return np.fromiter((where[name] for name in asked), np.intp, len(asked))
