"""A name for decoded images that changes when any of the files does."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets import FileImages, ImageStore
from lt_core.datasets.arrow_images import ArrowImages
from lt_core.training.pixels.folder import VERSION


def digest_of(images: ImageStore, rows: NDArray[np.intp], size: int | None, channels: int | None) -> str:
    """Return 32 hexadecimal digits of what the decoded images of ``rows`` depend on.

    That is the store (its folder, DICOM frame or column), every file's name, size and time of change in nanoseconds,
    the order, ``size``, ``channels``, and the version of the cache. Labels, and what the table is called, are not: two
    readings of one folder share their pixels.
    """
    said = hashlib.sha256(f"{VERSION}\0{type(images).__name__}\0{size}\0{channels}\0".encode())
    for line in _lines(images, rows):
        said.update(line.encode("utf-8", "surrogateescape") + b"\0")
    return said.hexdigest()[:32]


def _lines(images: ImageStore, rows: NDArray[np.intp]) -> Iterable[str]:
    if isinstance(images, FileImages):
        yield f"{images.root}\0{images.frame}"
        root = str(images.root)
        for row in rows.tolist():
            file = images.files[row]
            yield "absent" if file is None else f"{file}\0{_state(os.path.join(root, file))}"  # noqa: PTH118, quicker
        return
    if isinstance(images, ArrowImages):
        yield f"{images.root}\0{images.column}"
        yield from (f"{shard.path}\0{shard.form}\0{shard.rows}\0{_state(shard.path)}" for shard in images.shards)
        yield hashlib.sha256(np.asarray(rows, np.int64).tobytes()).hexdigest()
        yield from (f"{row}\0{path}\0{_state(path)}" for row, path in sorted(images.outside.items()))
        return
    for row in rows.tolist():
        path = images.path(row)
        yield "absent" if path is None else f"{path}\0{_state(path)}"


def _state(path: str | Path) -> str:
    try:
        state = os.stat(path)  # noqa: PTH116, a Path for each of many files is slow
    except OSError:
        return "absent"
    return f"{state.st_size}\0{state.st_mtime_ns}"
