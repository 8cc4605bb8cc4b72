"""A DICOM file as pydicom's data set, after the checks that keep a hostile or damaged file from doing harm."""

from __future__ import annotations

import io
import logging
import os
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lt_core.problems import Problem

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".dic", ".ima"})
MAX_BYTES = 1 << 30
"""Bytes of the largest file that is opened, and of the largest one that is unpacked (deflated syntax)."""
LOOK = 160
"""Bytes at the start of a file that tell whether it is DICOM."""
_STRAY = 8
_DEFLATED = "1.2.840.10008.1.2.1.99"
_VRS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)


def starts_at(start: bytes) -> int | None:
    """Return where the DICOM data begin in a file whose first ``LOOK`` bytes are ``start``, or None if it is none.

    0 for a file with the usual preamble (``DICM`` at byte 128) and for one that begins with its first element. Up to
    eight stray bytes before that element are skipped, as a header cut off by hand leaves them.
    """
    if start[128:132] == b"DICM":
        return 0
    if start[:4] == b"DICM":
        return 4
    return next((offset for offset in range(_STRAY) if _is_first_element(start[offset : offset + 8])), None)


def header_of(file: Path | IO[bytes], name: str, tags: Sequence[str] | None = None) -> FileDataset:
    """Return the data set without its pixels; only the elements called ``tags``, if given.

    Raises ``Problem`` for a file that is not DICOM, not there, or damaged.
    """
    return _opened(file, name, stop_before_pixels=True, specific_tags=None if tags is None else list(tags))


def whole(file: Path | IO[bytes], name: str) -> FileDataset:
    """Return the data set with its pixels as they are stored; raise ``Problem`` as ``header_of`` does."""
    return _opened(file, name)


@contextmanager
def quietly() -> Iterator[None]:
    """Keep pydicom's warnings to itself: they quote values of the file, and those may name a patient."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _opened(file: Path | IO[bytes], name: str, **how: Any) -> FileDataset:
    if isinstance(file, Path):
        try:
            with file.open("rb") as handle:
                return _opened(handle, name, **how)
        except FileNotFoundError:
            raise Problem(f"{name} is not there any more: put it back or load the data set again") from None
    file.seek(0)
    offset = starts_at(file.read(LOOK))
    if offset is None:
        raise Problem(f"{name} is not a DICOM file: convert it or leave it out")
    size = file.seek(0, os.SEEK_END)
    if size > MAX_BYTES and not how.get("stop_before_pixels"):
        raise Problem(f"{name} is larger than {MAX_BYTES >> 30} GiB and is not opened: cut it into smaller files")
    file.seek(offset)
    source = file if offset == 0 else io.BytesIO(file.read(MAX_BYTES))
    from pydicom import dcmread

    with quietly():
        try:
            _check_unpacked_size(source, name)
            return dcmread(source, force=True, **how)
        except Problem:
            raise
        except Exception as error:  # a damaged file raises almost anything; its words may quote the file, so none here
            raise Problem(f"{name} is damaged: it begins as DICOM and cannot be read on "
                          f"({type(error).__name__}); replace it or leave it out") from None  # fmt: skip


def _check_unpacked_size(source: IO[bytes], name: str) -> None:
    """Unpack a deflated file once, with a limit, and forget it: pydicom would unpack it to any size."""
    start = source.tell()
    head = source.read(4096)
    source.seek(start)
    if head[128:132] != b"DICM" or _DEFLATED.encode() not in head:
        return
    source.seek(start + 144 + int(struct.unpack("<I", head[140:144])[0]))  # preamble, (0002,0000) and what it counts
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    left = MAX_BYTES
    while block := source.read(1 << 20):
        while block:
            left -= len(unpacker.decompress(block, 1 << 24))
            block = unpacker.unconsumed_tail
            if left < 0:
                raise Problem(f"{name} is larger than {MAX_BYTES >> 30} GiB when unpacked and is not opened")
    source.seek(start)


def _is_first_element(eight: bytes) -> bool:
    """Whether eight bytes can be the start of a data set's first element, of group 0002 or 0008, in any encoding."""
    if len(eight) < 8:
        return False
    for order in "<>":
        group, element = struct.unpack(f"{order}HH", eight[:4])
        if group in (0x0002, 0x0008) and element <= 0x0060:
            if eight[4:6] in _VRS:
                return True
            if order == "<" and struct.unpack("<I", eight[4:])[0] in range(0, 0x400, 2):
                return True
    return False
