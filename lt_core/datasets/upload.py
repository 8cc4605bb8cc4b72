"""A file that came through the browser, kept in the cache under a name of its content, to be loaded by path."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from lt_core.home import cache_dir
from lt_core.problems import Problem

MAX_BYTES = 8 << 30
_BLOCK = 1 << 20


def store_upload(name: str, content: bytes | IO[bytes]) -> Path:
    """Return the path of the stored file, whose name is that of the upload without any folder.

    ``content`` is the bytes or a binary file, read from its start. The same content is stored once.
    Raises ``Problem`` for an empty upload and for one above 8 GiB.
    """
    safe = re.sub(r"[^\w.+ -]", "_", PurePosixPath(name.replace("\\", "/")).name).strip(". ")[-120:] or "upload"
    folder = cache_dir() / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    blocks: Iterable[bytes] = [content] if isinstance(content, bytes) else _blocks(content)
    size = 0
    with tempfile.TemporaryDirectory(dir=folder, prefix="receiving-") as scratch:
        received = Path(scratch) / "file"
        with received.open("wb") as out:
            for block in blocks:
                size += len(block)
                if size > MAX_BYTES:
                    raise Problem(f"{name} is larger than {MAX_BYTES >> 30} GiB: give its path on this machine instead")
                digest.update(block)
                out.write(block)
        if not size:
            raise Problem(f"{name} is empty: choose a file with content")
        target = folder / digest.hexdigest()[:24] / safe
        target.parent.mkdir(exist_ok=True)
        received.replace(target)
    return target


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(_BLOCK):
        yield block
