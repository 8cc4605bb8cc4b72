"""Files written whole and for good: what has a name outlives a power cut, and a full disk is said in one sentence."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lt_core.problems import Problem

FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
"""What a system says where there is no room: on the disk, in a file, in what one user may take."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a name beside ``path`` to write to; after the block it is ``path``, and on the disk itself.

    A reader sees the old file or the new one, also after a power cut. Where the block fails, the old one stays as it
    was and nothing is left beside it.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        yield partial
        flushed(partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    flushed(path.parent)


def flushed(path: Path) -> None:
    """Return when the file at ``path`` is on the disk itself; of a folder, the names in it, where the system does that.

    Raises ``OSError`` where it cannot be, such as on a disk that turns out to be full.
    """
    if path.is_dir():
        with suppress(OSError):  # Windows opens no folder, and some file systems flush none
            _flush(path, os.O_RDONLY)
    else:
        _flush(path, os.O_RDWR)


def reason(error: Exception) -> str:
    """Return what went wrong in writing a file, in the system's words, on one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:160].lower()


def no_room(error: BaseException) -> bool:
    """Return whether an error says that the disk is full, or as full as it may be."""
    return isinstance(error, OSError) and error.errno in FULL


@contextmanager
def room_asked(folder: Path) -> Iterator[None]:
    """Turn a full disk met in the block into a ``Problem`` that names the file, or ``folder``, and the way on."""
    try:
        yield
    except OSError as error:
        if not no_room(error):
            raise
        raise Problem(full(error, folder)) from None


def full(error: OSError, folder: Path) -> str:
    """Return the sentence for a run in ``folder`` that met a full disk."""
    return (
        f"{error.filename or folder} could not be written ({reason(error)}): make room on the disk and resume the run, "
        "nothing that was finished is lost"
    )


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
