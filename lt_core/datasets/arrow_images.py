"""Images inside Arrow and Parquet files, as their encoded bytes: opened at once, decoded when looked at."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.decode import read_image
from lt_core.datasets.files import Outside, points_outside
from lt_core.datasets.images import Pixels
from lt_core.problems import Problem

Form = Literal["arrow", "parquet"]
_GROUP_BYTES = 256 << 20
"""A row group up to this size is kept for the next image; a larger one is gone through in small steps."""
_LOCK = Lock()


@dataclass(frozen=True)
class Shard:
    """One file of rows: an Arrow stream or a Parquet file, the part its rows belong to, and how many there are."""

    path: Path
    form: Form
    split: str = ""
    rows: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class ArrowImages:
    """The images of one column of several files, in order; only the file's index is in memory.

    The column holds bytes of an encoded image, or pairs of ``bytes`` and ``path``; where there are no bytes, the path
    is looked for in the folder ``root`` and nowhere else.
    """

    shards: tuple[Shard, ...]
    column: str
    root: Path
    _starts: NDArray[np.int64] = field(init=False)
    _absent: NDArray[np.intp] = field(init=False)
    outside: dict[int, Path] = field(init=False)
    """The rows without bytes whose image is a file of its own."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", np.cumsum([0, *(shard.rows for shard in self.shards)]))
        nulls = [n + s for shard, s in zip(self.shards, self._starts, strict=False) for n in _nulls(shard, self.column)]
        paths = {row: self.path(row) for row in map(int, nulls)}
        object.__setattr__(self, "_absent", np.array([row for row, path in paths.items() if path is None], np.intp))
        object.__setattr__(self, "outside", {row: path for row, path in paths.items() if path is not None})

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __repr__(self) -> str:
        return f"ArrowImages({len(self)} in {len(self.shards)} files)"

    def read(self, index: int) -> Pixels:
        """Return image ``index``; raise ``Problem`` if it is missing, refused or cannot be decoded."""
        content, path = self._cell(index)
        name = f"image {index + 1}" + (f" ({Path(path).name})" if path else "")
        if content is not None:
            return read_image(io.BytesIO(content), name)
        file = self.path(index)
        if file is None:
            raise Problem(f"{name} has no bytes in the file and is not in the folder {self.root.name!r}: put it there, "
                          "or save the set again with its images")  # fmt: skip
        return read_image(file)

    def missing(self) -> Sequence[int]:
        """Return the rows without bytes whose path is not in the folder."""
        rows: list[int] = self._absent.tolist()
        return rows

    def path(self, index: int) -> Path | None:
        """Return the file of an image that is kept by its path, or None; a path out of the folder counts as none."""
        content, path = self._cell(index)
        if content is not None or not path or points_outside(path):
            return None
        file = self.root / path.replace("\\", "/")
        root = os.path.realpath(self.root)
        real = os.path.realpath(file)
        return file if real.startswith(root + os.sep) and Path(real).is_file() else None

    def _cell(self, index: int) -> tuple[bytes | None, str | None]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        at = int(np.searchsorted(self._starts, index, side="right")) - 1
        shard = self.shards[at]
        cell = cell_of(shard, self.column, index - int(self._starts[at]))
        if isinstance(cell, dict):
            return cell.get("bytes"), cell.get("path")
        return (cell, None) if isinstance(cell, bytes) else (None, cell)


def opened(shard: Shard) -> Any:
    """Return the table (Arrow, memory-mapped) or the ``ParquetFile`` of a shard; raise ``Problem`` if it is damaged."""
    import pyarrow as pa

    try:
        return _opened(str(shard.path), shard.form, shard.path.stat().st_mtime_ns)
    except (pa.ArrowException, OSError, MemoryError) as error:
        kind = "Arrow" if shard.form == "arrow" else "Parquet"
        raise Problem(f"{shard.path.name} is not a readable {kind} file ({type(error).__name__}): it is damaged or cut "
                      "short, fetch it again") from None  # fmt: skip


def columns_of(shard: Shard, names: Sequence[str]) -> Any:
    """Return a table of some columns of a shard, checked to be sound; raise ``Problem`` if it is not."""
    import pyarrow as pa

    source = opened(shard)
    try:
        table = source.select(names) if shard.form == "arrow" else source.read(columns=list(names))
        table.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise Problem(f"{shard.path.name} cannot be read ({type(error).__name__}): it is damaged or cut short, fetch "
                      "it again") from None  # fmt: skip
    return table


def inside(folder: Path, name: str) -> Path:
    """Return the file ``name`` of a folder; raise ``Outside`` where it leads out of it.

    The cache of the Hugging Face hub keeps the files of ``snapshots/<version>`` as links into ``blobs`` beside it:
    those links are followed, no others.
    """
    path = folder / name
    real, root = os.path.realpath(path), os.path.realpath(folder)
    allowed = [root]
    versions = (above.parent for above in (Path(root), *Path(root).parents) if above.name == "snapshots")
    allowed += [os.path.realpath(cache / "blobs") for cache in versions if (cache / "blobs").is_dir()]
    if points_outside(name) or not any(real.startswith(place + os.sep) for place in allowed):
        raise Outside(f"{name!r} leads out of the folder {folder.name!r} and is not read: put the file itself there")
    return path


@lru_cache(maxsize=64)
def _opened(path: str, form: Form, _modified: int) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if form == "parquet":
        return pq.ParquetFile(path, memory_map=True)
    mapped = pa.memory_map(path)
    begins = bytes(mapped.read(6))
    mapped.seek(0)
    reader = pa.ipc.open_file(mapped) if begins == b"ARROW1" else pa.ipc.open_stream(mapped)
    table = reader.read_all()
    table.validate(full=True)
    return table


def cell_of(shard: Shard, column: str, row: int) -> Any:
    """Return one cell of a shard as a Python value; no more than its row group is read."""
    source = opened(shard)
    if shard.form == "arrow":
        return source.column(column)[row].as_py()
    start = 0
    for group in range(source.num_row_groups):
        about = source.metadata.row_group(group)
        if row < start + about.num_rows:
            break
        start += about.num_rows
    if about.total_byte_size <= _GROUP_BYTES:
        return _group(shard, column, group, shard.path.stat().st_mtime_ns)[row - start].as_py()
    for batch in source.iter_batches(batch_size=16, row_groups=[group], columns=[column]):
        if row < start + batch.num_rows:
            return batch.column(0)[row - start].as_py()
        start += batch.num_rows
    raise IndexError(row)


@lru_cache(maxsize=4)
def _group(shard: Shard, column: str, group: int, _modified: int) -> Any:
    import pyarrow as pa

    try:
        with _LOCK:
            return opened(shard).read_row_group(group, columns=[column]).column(0)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise Problem(f"{shard.path.name} cannot be read ({type(error).__name__}): it is damaged or cut short, fetch "
                      "it again") from None  # fmt: skip


def _nulls(shard: Shard, column: str) -> list[int]:
    """Rows of a shard whose bytes are not there; a Parquet group that says it has all of them is not read."""
    import pyarrow as pa

    source = opened(shard)
    if shard.form == "arrow":
        return _null_rows(source.column(column))
    rows: list[int] = []
    start = 0
    for group in range(source.num_row_groups):
        about = source.metadata.row_group(group)
        chunks = [about.column(k) for k in range(about.num_columns)]
        mine = [c for c in chunks if c.path_in_schema in (column, f"{column}.bytes")]
        full = mine and all(c.statistics is not None and c.statistics.null_count == 0 for c in mine)
        if not full:
            cells = pa.chunked_array(_group(shard, column, group, shard.path.stat().st_mtime_ns).chunks)
            rows += [start + row for row in _null_rows(cells)]
        start += about.num_rows
    return rows


def _null_rows(cells: Any) -> list[int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_struct(cells.type):
        names = [cells.type.field(k).name for k in range(cells.type.num_fields)]
        cells = pc.struct_field(cells, "bytes") if "bytes" in names else cells
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        return list(range(len(cells)))
    return np.flatnonzero(cells.is_null().to_numpy()).tolist()
