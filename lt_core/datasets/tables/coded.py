"""A column of text as its distinct cells: every further question is asked of each of them once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Coded:
    """Distinct cells without blanks around them, in no set order, and the cell of every row (N,)."""

    codes: NDArray[np.signedinteger[Any]]
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Rows with each distinct cell."""
        return np.bincount(self.codes, minlength=len(self.words)).astype(np.int64)

    @property
    def filled(self) -> list[str]:
        """The distinct cells that are not empty."""
        return [value for value in self.words if value]

    @classmethod
    def of(cls, cells: pd.Series[str]) -> Coded:
        """Return the distinct cells of a column of text without missing values."""
        from pyarrow import compute as pc

        column = _arrow(cells)
        short = _single_letters(column)
        if short is not None:
            return cls(*short)
        encoded = column.dictionary_encode().combine_chunks()
        encoded = encoded.chunk(0) if hasattr(encoded, "chunk") else encoded
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        stripped = pc.utf8_trim_whitespace(encoded.dictionary)
        words = stripped.to_pylist()
        if stripped.equals(encoded.dictionary):
            return cls(codes.astype(_fitting(len(words)), copy=False), tuple(words))
        distinct = {value: k for k, value in enumerate(dict.fromkeys(words))}
        again = np.array([distinct[value] for value in words], _fitting(len(distinct)))
        return cls(again[codes], tuple(distinct))


def are_distinct(cells: pd.Series[str]) -> bool:
    """Return whether no two cells of a column are equal, blanks around them aside; quick where they ascend."""
    from pyarrow import compute as pc

    column = pc.utf8_trim_whitespace(_arrow(cells))
    n = len(column)
    if n < 2 or pc.all(pc.less(column.slice(0, n - 1), column.slice(1))).as_py():
        return True
    return int(pc.count_distinct(column).as_py()) == n


def _arrow(cells: pd.Series[str]) -> Any:
    """A column as an Arrow array in chunks of large strings."""
    import pyarrow as pa

    column = pa.array(cells.array)
    column = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    return column if column.type == pa.large_string() else column.cast(pa.large_string())


def _letters(chunk: Any) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where the cells of a chunk begin and end (n + 1), and the bytes they are in."""
    ends = np.frombuffer(chunk.buffers()[1], np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
    return ends, np.frombuffer(chunk.buffers()[2] or b"", np.uint8)


def _single_letters(column: Any) -> tuple[NDArray[np.int8], tuple[str, ...]] | None:
    """The codes and values of a column whose cells are at most one letter, as of 0 and 1; None for another."""
    if not len(column) or any(len(cell) > 1 for cell in column.slice(0, 100).to_pylist()):
        return None
    letters = np.zeros(len(column), np.uint8)
    at = 0
    for chunk in column.chunks:
        if not len(chunk):
            continue
        ends, data = _letters(chunk)
        lengths = np.diff(ends)
        if lengths.max() > 1:
            return None
        part = letters[at : at + len(chunk)]
        if ends[-1] - ends[0] == len(chunk):
            part[:] = data[ends[0] : ends[-1]]
        else:
            part[lengths == 1] = data[ends[0] : ends[-1]]
        at += len(chunk)
    there = np.flatnonzero(np.bincount(letters, minlength=256))
    if there[-1] >= 128:
        return None
    words = {int(code): "" if code == 0 else chr(code).strip() for code in there}
    distinct = {word: k for k, word in enumerate(dict.fromkeys(words.values()))}
    of_letter = np.zeros(256, np.int8)
    for code, word in words.items():
        of_letter[code] = distinct[word]
    return of_letter[letters], tuple(distinct)


def _fitting(count: int) -> type[np.signedinteger[Any]]:
    """The smallest type of whole numbers for ``count`` codes: a table has a code a cell."""
    return np.int8 if count <= 127 else np.int16 if count <= 32767 else np.int32


def names_of(cells: pd.Series[str]) -> NDArray[np.str_]:
    """Return a column without blanks around its cells as (N,) np.str_, without a Python string for each cell."""
    from pyarrow import compute as pc

    column = pc.utf8_trim_whitespace(_arrow(cells))
    longest = max(1, pc.max(pc.binary_length(column)).as_py() or 0)
    if longest > _LONGEST or not pc.all(pc.string_is_ascii(column)).as_py():
        return np.array(column.to_pylist(), dtype=np.str_)
    names = np.zeros((len(column), longest), np.uint32)
    at = 0
    for chunk in column.chunks:
        ends, data = _letters(chunk)
        names[at : at + len(chunk)][np.arange(longest) < np.diff(ends)[:, None]] = data[ends[0] : ends[-1]]
        at += len(chunk)
    return names.view(f"U{longest}").reshape(-1)


_LONGEST = 200
