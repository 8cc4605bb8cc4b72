"""The bytes of a table that may be compressed, never more of them than a limit."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from lt_core.problems import Problem

MAX_BYTES = 4 << 30
"""A table larger than this when unpacked is refused: it is damaged, or a decompression bomb."""
_BLOCK = 1 << 22


def unpacked(path: Path, is_table: Callable[[str], bool], limit: int = MAX_BYTES) -> tuple[bytes, str]:
    """Return the bytes of the table itself and its name without the compression's suffix.

    Compression is told by the first bytes of the file, not by its name. Raises ``Problem`` for a file that is damaged
    or cut short, for a zip that does not hold exactly one table, and for more than ``limit`` bytes.
    """
    name = path.name
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as inner:
                    return _bounded(inner, name, limit), name.removesuffix(".gz")
            if start[:3] == b"BZh":
                with bz2.open(file) as inner:
                    return _bounded(inner, name, limit), name.removesuffix(".bz2")
            if start == b"PK\x03\x04" and not name.lower().endswith(".xlsx"):
                with zipfile.ZipFile(file) as archive:
                    member = _only_table(archive, name, is_table)
                    with archive.open(member) as inner:
                        return _bounded(inner, name, limit), member.rsplit("/", 1)[-1]
            return _bounded(file, name, limit), name
    except (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError,
            NotImplementedError) as error:  # fmt: skip
        raise Problem(f"{name} cannot be unpacked ({type(error).__name__}): it is damaged or cut short, "
                      "fetch it again") from None  # fmt: skip


def _bounded(file: IO[bytes] | gzip.GzipFile | bz2.BZ2File, name: str, limit: int) -> bytes:
    blocks: list[bytes] = []
    size = 0
    while block := file.read(_BLOCK):
        size += len(block)
        if size > limit:
            raise Problem(f"{name} is larger than {limit / (1 << 30):.3g} GiB when unpacked and is not read: split it")
        blocks.append(block)
    return b"".join(blocks)


def _only_table(archive: zipfile.ZipFile, name: str, is_table: Callable[[str], bool]) -> str:
    tables = [m for m in archive.namelist() if not m.endswith("/") and "__MACOSX" not in m and is_table(m)]
    if len(tables) != 1:
        raise Problem(f"{name} holds {len(tables)} tables where one was expected: unzip it and name the table")
    return tables[0]
