"""Parquet files as text cells; columns of lists keep their items apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lt_core.datasets.tables.delimited import Parsed, frame_of_arrow, unique_names
from lt_core.datasets.tables.lists import LIST_SIGN, joined
from lt_core.problems import Problem

if TYPE_CHECKING:
    import pyarrow as pa

MAX_CELL_BYTES = 8 << 30
"""A file whose columns say they are larger than this when unpacked is refused before they are read."""


def frame_of(raw: bytes, name: str) -> Parsed:
    """Return the flat columns and columns of lists as text; other columns (images, records) are left out and told.

    Raises ``Problem`` for a file that is damaged, cut short, or too large when unpacked.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(raw))
        groups = [file.metadata.row_group(k).total_byte_size for k in range(file.metadata.num_row_groups)]
        if sum(groups) > MAX_CELL_BYTES:
            raise Problem(f"{name} is larger than {MAX_CELL_BYTES >> 30} GiB when unpacked and is not read: split it")
        wanted = [field.name for field in file.schema_arrow if _is_flat(field.type) or _is_list(field.type)]
        left_out = [field.name for field in file.schema_arrow if field.name not in wanted]
        wanted = [column for column in wanted if not column.startswith("__index_level_")]
        frame = _column_by_column(file, wanted)
    except (pa.ArrowException, OSError, ValueError) as error:
        what = " ".join(str(error).split())[:120]
        raise Problem(f"{name} is not a Parquet file, or is damaged or cut short ({what}): fetch it again") from None
    names, notes = unique_names([str(column) for column in frame.columns], 0)
    frame.columns = pd.Index(names)
    if left_out:
        notes.append(f"columns of {name} that are neither text, numbers nor lists are left out: {', '.join(left_out)}")
    return frame, tuple(notes), ()


def _column_by_column(file: Any, wanted: list[str]) -> pd.DataFrame:
    """The text of each column, made before the next is read: numbers and text are never there for all at once."""
    import pyarrow as pa

    if len(set(wanted)) < len(wanted) or any("." in name for name in wanted):
        return frame_of_columns(file.read(columns=wanted))
    texts = [_as_text(file.read(columns=[name]).column(0)) for name in wanted]
    return frame_of_arrow(pa.table(texts, names=wanted))


def first_rows_of_parquet(path: Path, count: int) -> list[list[str]]:
    """Return the column names and the first ``count`` rows as text, of the flat columns and columns of lists."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            wanted = [field.name for field in file.schema_arrow if _is_flat(field.type) or _is_list(field.type)]
            batch = next(file.iter_batches(batch_size=count, columns=wanted), None)
    except (pa.ArrowException, OSError, ValueError):
        return []
    if batch is None:
        return []
    frame = frame_of_columns(pa.Table.from_batches([batch]))
    return [list(map(str, frame.columns)), *frame.to_numpy(dtype=object).tolist()]


def frame_of_columns(table: pa.Table) -> pd.DataFrame:
    """Return the cells of an Arrow table as text: "" for null, ``true`` and ``false``, numbers as short as they are."""
    import pyarrow as pa

    texts = [_as_text(table.column(k)) for k in range(table.num_columns)]
    names = [f"c{k}" for k in range(table.num_columns)]
    frame = frame_of_arrow(pa.table(texts, names=names))
    frame.columns = pd.Index(table.column_names)
    return frame


def _is_flat(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_flat(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_boolean(kind) or types.is_null(kind)
                or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
                or types.is_temporal(kind) or types.is_string_view(kind))  # fmt: skip


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    listed = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(listed and _is_flat(kind.value_type))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text of a column; numbers are cast once each, not once a cell."""
    import pyarrow as pa
    from pyarrow import compute as pc
    from pyarrow import types

    kind = column.type
    if _is_list(kind):
        return pa.chunked_array([_joined_lists(chunk) for chunk in column.chunks], type=pa.large_string())
    if types.is_null(kind):
        return pa.chunked_array([pa.array([""] * len(column), pa.large_string())])
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        column = pc.dictionary_encode(column)
    if types.is_dictionary(column.type):
        column = column.combine_chunks() if column.num_chunks > 1 else column
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        return pa.chunked_array(
            [_filled(pc.cast(c.dictionary, pa.large_string()).take(c.indices)) for c in chunks], type=pa.large_string()
        )
    return pa.chunked_array([_filled(pc.cast(c, pa.large_string())) for c in column.chunks], type=pa.large_string())


def _filled(cells: Any) -> Any:
    from pyarrow import compute as pc

    return pc.fill_null(cells, "") if cells.null_count else cells


def _joined_lists(chunk: Any) -> Any:
    """Items joined by the list sign: a null list is an empty cell, a list without items the sign alone."""
    import pyarrow as pa
    from pyarrow import compute as pc

    items = pc.cast(pc.list_flatten(chunk), pa.large_string())
    if items.null_count or chunk.null_count or pa.types.is_fixed_size_list(chunk.type):
        cells = ["" if row is None else joined([str(item) for item in row if item is not None])
                 for row in chunk.to_pylist()]  # fmt: skip
        return pa.array(cells, pa.large_string())
    lengths = pc.list_value_length(chunk)
    offsets = pa.array([0], pa.int64()).to_numpy()
    ends = lengths.to_numpy(zero_copy_only=False).cumsum()
    lists = pa.LargeListArray.from_arrays(pa.array([*offsets, *ends], pa.int64()), items)
    cells = pc.binary_join(lists, pa.scalar(LIST_SIGN, pa.large_string()))
    return pc.if_else(pc.equal(lengths, 0), pa.scalar(LIST_SIGN, pa.large_string()), cells)
