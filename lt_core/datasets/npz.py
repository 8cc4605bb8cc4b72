"""Arrays of a ``.npz`` file, checked before they are read: no pickles, no array larger than its file says."""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Problem

_HEADER = 1 << 16
"""Bytes looked at for a header: NumPy's own limit is 10,000, and a false length must not ask for memory."""
_BLOCK = 1 << 22


@dataclass(frozen=True)
class Declared:
    """What the header of an array says: its shape, its type, and the bytes before the numbers."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int


def arrays_in(archive: zipfile.ZipFile, name: str) -> dict[str, Declared]:
    """Return the header of every array in the archive; raise ``Problem`` for pickles and false or too large sizes.

    Only headers are read, so that a file that lies about its size is refused before memory is asked for.
    """
    found = {}
    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            continue
        key = member.filename.removesuffix(".npy")
        with archive.open(member) as file:
            declared = _header(file, key, name)
        if declared.dtype.hasobject:
            raise Problem(f"{key} in {name} is a pickle, which can run code when opened, and is not read: save it "
                          "again as plain numbers")  # fmt: skip
        size = math.prod(declared.shape) * declared.dtype.itemsize
        if min(declared.shape, default=0) < 0 or size + declared.offset != member.file_size:
            raise Problem(f"{key} in {name} is not as large as it says ({_shown(declared)}): the file is damaged")
        found[key] = declared
    total = sum(member.file_size for member in archive.infolist())
    if total > _memory():
        raise Problem(f"{name} needs {total / 2**30:.1f} GiB of memory and this machine has {_memory() / 2**30:.1f}: "
                      "use a smaller version of it")  # fmt: skip
    return found


def read_array(archive: zipfile.ZipFile, key: str, name: str) -> NDArray[Any]:
    """Return one array; raise ``Problem`` if it is damaged or does not fit in memory."""
    try:
        with archive.open(f"{key}.npy") as file:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except (ValueError, MemoryError) as error:
        reason = "does not fit in memory" if isinstance(error, MemoryError) else "is damaged or cut short"
        raise Problem(f"{key} in {name} {reason}: fetch the file again or use a smaller one") from None


def blocks_of(archive: zipfile.ZipFile, key: str, declared: Declared, name: str) -> Iterator[NDArray[Any]]:
    """Yield the array in runs of rows of about 4 MiB, so that the whole of it is never there twice.

    An array in Fortran order has no runs of rows: it comes in one piece.
    """
    if declared.fortran and len(declared.shape) > 1:
        yield read_array(archive, key, name)
        return
    row = math.prod(declared.shape[1:]) * declared.dtype.itemsize
    step = max(1, _BLOCK // max(row, 1))
    with archive.open(f"{key}.npy") as file:
        file.read(declared.offset)
        for start in range(0, declared.shape[0], step):
            n = min(step, declared.shape[0] - start)
            raw = file.read(n * row)
            if len(raw) != n * row:
                raise Problem(f"{key} in {name} is damaged or cut short: fetch the file again")
            yield np.frombuffer(raw, declared.dtype).reshape(n, *declared.shape[1:])


def _header(file: IO[bytes], key: str, name: str) -> Declared:
    """What comes before the numbers, read from the first bytes only."""
    start = io.BytesIO(file.read(_HEADER))
    try:
        version = np.lib.format.read_magic(start)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(start)
        return Declared(shape, dtype, fortran, start.tell())
    except Exception:  # NumPy parses the header as Python: ValueError, SyntaxError, TokenError, RecursionError ...
        raise Problem(f"{key} in {name} is not a NumPy array: the file is damaged or something else") from None


def _shown(declared: Declared) -> str:
    shape = str(declared.shape)
    return f"{shape[:60]}{' ...' if len(shape) > 60 else ''} {str(declared.dtype)[:20]}"


def _memory() -> int:
    """Bytes of memory of this machine, or 16 GiB where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 16 << 30
