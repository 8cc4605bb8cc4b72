"""Arrays of a ``.npz`` file, checked before they are read: no pickles, no array larger than its file says."""

from __future__ import annotations

import math
import os
import zipfile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Problem


def arrays_in(archive: zipfile.ZipFile, name: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array in the archive; raise ``Problem`` for pickles and false or too large sizes.

    Only headers are read, so that a file that lies about its size is refused before memory is asked for.
    """
    shapes = {}
    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            continue
        key = member.filename.removesuffix(".npy")
        with archive.open(member) as file:
            shape, dtype, header = _header(file, key, name)
        if dtype.hasobject:
            raise Problem(f"{key} in {name} is a pickle, which can run code when opened, and is not read: save it "
                          "again as plain numbers")  # fmt: skip
        if math.prod(shape) * dtype.itemsize + header != member.file_size:
            raise Problem(f"{key} in {name} is not as large as it says ({shape} {dtype}): the file is damaged")
        shapes[key] = shape
    total = sum(member.file_size for member in archive.infolist())
    if total > _memory():
        raise Problem(f"{name} needs {total / 2**30:.1f} GiB of memory and this machine has {_memory() / 2**30:.1f}: "
                      "use a smaller version of it")  # fmt: skip
    return shapes


def read_array(archive: zipfile.ZipFile, key: str, name: str) -> NDArray[Any]:
    """Return one array; raise ``Problem`` if it is damaged or does not fit in memory."""
    try:
        with archive.open(f"{key}.npy") as file:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except (ValueError, MemoryError) as error:
        reason = "does not fit in memory" if isinstance(error, MemoryError) else "is damaged or cut short"
        raise Problem(f"{key} in {name} {reason}: fetch the file again or use a smaller one") from None


def _header(file: IO[bytes], key: str, name: str) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, type and length in bytes of what comes before the numbers."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        return shape, dtype, file.tell()
    except (ValueError, SyntaxError, TypeError):
        raise Problem(f"{key} in {name} is not a NumPy array: the file is damaged or something else") from None


def _memory() -> int:
    """Bytes of memory of this machine, or 16 GiB where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 16 << 30
