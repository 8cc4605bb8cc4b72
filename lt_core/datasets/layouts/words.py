"""Cells with the names of findings, cut into a matrix of labels: each distinct cell is looked at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.layouts.distinct import distinct


@dataclass(frozen=True, eq=False)
class Words:
    """The distinct cells of a column: ``of_row`` (n,) says which of ``sets`` of words a row holds.

    An empty set is an empty cell. ``cells`` are the distinct cells as written.
    """

    of_row: NDArray[np.intp]
    sets: tuple[tuple[str, ...], ...]
    cells: tuple[str, ...]

    @classmethod
    def of(cls, cells: pd.Series[str], cut: Callable[[str], Sequence[str]]) -> Words:
        """Return the words of every distinct cell, as ``cut`` gives them."""
        codes, values = distinct(cells)
        return cls(codes, tuple(tuple(cut(value)) for value in values), tuple(values))

    def rows_per_set(self) -> NDArray[np.int64]:
        """Return how many rows hold each distinct cell."""
        return np.bincount(self.of_row, minlength=len(self.sets)).astype(np.int64)

    def count(self, marked: Callable[[tuple[str, ...]], bool]) -> int:
        """Return the number of rows whose words are ``marked``."""
        marks = np.fromiter((marked(words) for words in self.sets), np.bool_, len(self.sets))
        return int(marks[self.of_row].sum())

    def row_of(self, word: str) -> int:
        """Return the first row that has ``word``."""
        marks = np.fromiter((word in words for words in self.sets), np.bool_, len(self.sets))
        return int(np.argmax(marks[self.of_row]))

    def matrix(self, classes: Sequence[str], known: Callable[[tuple[str, ...]], bool]) -> NDArray[np.float32]:
        """Return (n, C): 1 for the words of a row that are classes, else 0; NaN in rows whose words say nothing."""
        column = {name: k for k, name in enumerate(classes)}
        of_set = np.zeros((len(self.sets), len(classes)), np.float32)
        for k, words in enumerate(self.sets):
            if known(words):
                of_set[k, [column[word] for word in words if word in column]] = 1
            else:
                of_set[k] = np.nan
        return of_set[self.of_row]
