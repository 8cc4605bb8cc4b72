"""The columns of a file of predictions, as it has them: text to join on, numbers to score with."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.npz import arrays_in, read_array
from lt_core.datasets.openable import check_openable
from lt_core.datasets.tables.text import Table, is_member_name, read_table
from lt_core.evaluation.reading.names import Family, plain
from lt_core.problems import Problem

if TYPE_CHECKING:
    import pyarrow as pa

LOGITS = ("logits",)
PROBABILITIES = ("probabilities", "probs", "predictions", "y_prob", "y_score")
TARGETS = ("targets", "labels", "y_true", "truth")
"""Names of arrays in an ``.npz`` file; the first that is there is taken."""


@dataclass(frozen=True, eq=False)
class Columns:
    """A file of predictions by column; ``where`` is its name, ``n`` its rows, ``notes`` what to tell about it.

    ``family`` is what the file itself says all its numbers are. ``targets`` (n, C) in {0, 1, NaN} are the labels an
    archive holds beside its scores, with ``target_names``; ``table`` is the table where it is one.
    """

    where: str
    n: int
    names: tuple[str, ...]
    family: Family = ""
    notes: tuple[str, ...] = ()
    table: Table | None = None
    targets: NDArray[np.float64] | None = None
    target_names: tuple[str, ...] = ()
    _text: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)

    def text(self, name: str) -> list[str]:
        """Return a column as text, (n,)."""
        if name not in self._text:
            cells = self.table.cells(name) if self.table is not None else self._numbers[name].astype(str)
            self._text[name] = cells.tolist()
        return self._text[name]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, (n,) float64, NaN where a cell is none."""
        if name not in self._numbers:
            cells = self.table.cells(name) if self.table is not None else pd.Series(self._text[name])
            self._numbers[name] = numbers_of(cells)
        return self._numbers[name]

    def is_numeric(self, name: str) -> bool:
        """Return whether most cells that are not empty are numbers."""
        if name in self._numbers:
            return True
        cells = self.table.cells(name) if self.table is not None else pd.Series(self._text[name])
        some = cells.iloc[:200]
        some = some[some != ""]
        return bool(len(some)) and bool(np.isfinite(numbers_of(some)).mean() > 0.5)

    def is_fractional(self, name: str) -> bool:
        """Return whether a column holds numbers that are not whole."""
        if not self.is_numeric(name):
            return False
        numbers = self.numbers(name)
        return bool((numbers[np.isfinite(numbers)] % 1 != 0).any())


def columns_of(path: Path, *, prefer: Family = "") -> Columns:
    """Return the columns of a table (CSV, TSV, text, Parquet, JSON, Excel, compressed or not) or of an ``.npz``.

    ``prefer`` picks among several arrays of an archive. Raises ``Problem`` for another kind of file.
    """
    if not path.is_file():
        raise Problem(f"there is no file {path}" if not path.exists() else f"{path} is no file: name the file itself")
    check_openable(path)
    if path.suffix.lower() == ".npz":
        from lt_core.evaluation.reading.archive import of_archive

        return of_archive(path, arrays_of(path), prefer)
    if not is_member_name(path.name) and path.suffix.lower() != ".zip":
        raise Problem(f"{path.name} is neither a .npz file nor a table (.csv, .tsv, .parquet, .csv.gz): convert it")
    table = read_table(path)
    made = Columns(path.name, len(table.frame), tuple(table.columns), notes=table.notes, table=table)
    made._numbers.update(_parquet_numbers(path))
    return made


def numbers_of(cells: pd.Series[str]) -> NDArray[np.float64]:
    """Return text cells as the nearest float64, NaN where one is no number.

    A comma may be the decimal sign, 12.5% is 0.125, and True and False are 1 and 0.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    try:
        arrow = pc.cast(pa.array(cells, type=pa.large_string()), pa.float64())
        return np.asarray(arrow.to_numpy(zero_copy_only=False), np.float64)
    except pa.ArrowInvalid:
        pass
    text = cells.astype(object).to_numpy()
    return np.array([_number(cell) for cell in text], np.float64)


def _number(cell: str) -> float:
    if cell in _WORDS:
        return _WORDS[cell]
    if cell.endswith("%"):
        return _number(cell[:-1].rstrip()) / 100
    for form in (cell, cell.replace(",", ".")):
        try:
            return float(form) if "_" not in form else np.nan
        except ValueError:
            continue
    return np.nan


_WORDS = {"True": 1.0, "true": 1.0, "TRUE": 1.0, "False": 0.0, "false": 0.0, "FALSE": 0.0}


def _parquet_numbers(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return the columns of floating point as they are: the text of a float32 is not its float64."""
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            return {}
    from pyarrow import parquet

    found = {}
    with parquet.ParquetFile(path) as file:
        for name in [field.name for field in file.schema_arrow if str(field.type) in ("float", "double", "halffloat")]:
            column: pa.ChunkedArray = file.read(columns=[name]).column(0)
            found[name.strip()] = np.asarray(column.to_numpy(), np.float64)
    return found


def arrays_of(path: Path, wanted: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` called ``wanted`` (None = all); raise ``Problem`` for any other file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in arrays_in(archive, path.name) if wanted is None or name in wanted]
            return {name: read_array(archive, name, path.name) for name in names}
    except (OSError, zipfile.BadZipFile):
        raise Problem(f"{path.name} is no .npz file: save it with numpy.savez(file, logits=..., targets=...)") from None


def words_of(values: NDArray[Any]) -> list[str]:
    """Return an array of text, bytes or whole numbers as text."""
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in values.tolist()]
    return [str(value) for value in values.tolist()]


def is_id_name(name: str) -> bool:
    """Return whether a column is called like one that numbers rows, which is no class."""
    return plain(name) in ("", "unnamed0", "index")
