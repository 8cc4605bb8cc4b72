"""The lines of an ARFF file, packed or not, never more of them in memory than one."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from lt_core.problems import Problem

SUFFIXES = (".arff", ".arff.gz", ".arff.bz2", ".arff.xz", ".arff.zip")
MAX_BYTES = 8 << 30
"""A file larger than this when unpacked is refused: it is damaged, or a decompression bomb."""
MAX_LINE = 64 << 20


@contextmanager
def lines_of(path: Path) -> Iterator[Iterator[bytes]]:
    """Give the lines of the file at ``path`` as UTF-8 or Latin-1 bytes, line ends cut off.

    The packing is told by content. Raises ``Problem`` for a file that is damaged, too large or not text.
    """
    try:
        with path.open("rb") as file, _unpacked(file, path.name) as inner:
            yield _lines(inner, path.name)
    except (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as e:
        raise Problem(
            f"{path.name} cannot be unpacked or read ({type(e).__name__}): it is damaged or cut short, fetch it again"
        ) from None


def text_of(line: bytes) -> str:
    """Return a line as text: UTF-8, or Latin-1 where it is none."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


@contextmanager
def _unpacked(file: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    start = file.read(6)
    file.seek(0)
    if start[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=file) as from_gz:
            yield cast("IO[bytes]", from_gz)
    elif start[:3] == b"BZh":
        with bz2.open(file) as from_bz2:
            yield cast("IO[bytes]", from_bz2)
    elif start == b"\xfd7zXZ\0":
        with lzma.open(file) as from_xz:
            yield cast("IO[bytes]", from_xz)
    elif start[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(file) as archive:
            inside = [m for m in archive.namelist() if m.lower().endswith(".arff") and "__MACOSX" not in m]
            if len(inside) != 1:
                raise Problem(f"{name} holds {len(inside)} ARFF files where one was expected: unzip it and name one")
            with archive.open(inside[0]) as inner:
                yield inner
    else:
        yield file


def _lines(file: IO[bytes], name: str) -> Iterator[bytes]:
    start = file.read(2)
    if start in (b"\xff\xfe", b"\xfe\xff"):
        yield from _lines_of_utf16(start + _all(file, name), name)
        return
    left, before = MAX_BYTES, start
    while line := before + file.readline(MAX_LINE):
        left -= len(line)
        if left < 0:
            raise Problem(f"{name} is larger than {MAX_BYTES >> 30} GiB when unpacked and is not read: split it")
        if len(line) >= MAX_LINE:
            raise Problem(f"{name} has a line of more than {MAX_LINE >> 20} MiB: it is no ARFF file")
        if before and b"\0" in line:
            raise Problem(f"{name} is not an ARFF text but a binary file: export it as ARFF")
        # A carriage return alone ends a line of old Mac files; readline has not seen it.
        yield from line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n").split(b"\r")
        before = b""


def _all(file: IO[bytes], name: str) -> bytes:
    raw = file.read(MAX_LINE * 16)
    if len(raw) == MAX_LINE * 16:
        raise Problem(f"{name} is UTF-16 text of more than 1 GiB: save it as UTF-8")
    return raw


def _lines_of_utf16(raw: bytes, name: str) -> Iterator[bytes]:
    try:
        text = raw.decode("utf-16")
    except UnicodeDecodeError:
        raise Problem(f"{name} begins like UTF-16 text but is not: save it as UTF-8") from None
    for line in io.StringIO(text):
        yield line.rstrip("\r\n").encode("utf-8")
