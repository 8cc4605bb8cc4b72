"""Small pictures of large images: made when they are looked at, kept in memory and on disk, never all of them."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections import OrderedDict
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

from lt_core.datasets.images import ImageStore, Pixels
from lt_core.home import cache_dir
from lt_core.problems import Invalid

MAX_DISK = 512 << 20
"""Bytes of all thumbnails on disk; those looked at longest ago go first."""
MAX_MEMORY = 64 << 20
_EVERY = 256
_VERSION = 1


class _Memory:
    """The thumbnails looked at last, up to a number of bytes."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, Pixels] = OrderedDict()
        self.size = 0
        self.lock = Lock()

    def get(self, key: str) -> Pixels | None:
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
            return self.kept.get(key)

    def put(self, key: str, pixels: Pixels) -> None:
        with self.lock:
            if key in self.kept:
                return
            self.kept[key] = pixels
            self.size += pixels.nbytes
            while self.size > MAX_MEMORY:
                self.size -= self.kept.popitem(last=False)[1].nbytes


_MEMORY = _Memory()
_written = 0


def thumbnail(images: ImageStore, index: int, side: int = 176) -> Pixels:
    """Return image ``index`` with its longer side at most ``side`` pixels, (h, w) or (h, w, 3) uint8, not writable.

    Images that are small enough come as they are. That of a file is kept under a name that tells nothing (a hash of
    path, size, time of change and ``side``), so that a changed file gets a new one. Raises ``Problem`` as ``read``.
    """
    if side < 1:
        raise Invalid(f"the side of a thumbnail must be at least 1, got {side}")
    path = images.path(index) if _may_be_read(images, index) else None
    key = None if path is None else _key(path, side, getattr(images, "frame", ""))
    if key is None:
        return reduced(images.read(index), side)
    found = _MEMORY.get(key)
    if found is None:
        found = _from_disk(key)
        if found is None:
            found = reduced(images.read(index), side)
            _to_disk(key, found)
        found.flags.writeable = False
        _MEMORY.put(key, found)
    return found


def reduced(pixels: Pixels, side: int) -> Pixels:
    """Return the pixels with the longer side at most ``side``, averaged over what one new pixel covers."""
    height, width = pixels.shape[:2]
    if max(height, width) <= side:
        return pixels
    factor = side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0))


def _may_be_read(images: ImageStore, index: int) -> bool:
    """Whether the store would open the file: a link out of its folder must be refused even if a thumbnail is there."""
    allowed = getattr(images, "allowed", None)
    return allowed is None or bool(allowed(index))


def _key(path: Path, side: int, frame: str) -> str | None:
    try:
        state = path.stat()
    except OSError:
        return None
    said = f"{_VERSION}\0{path}\0{state.st_mtime_ns}\0{state.st_size}\0{side}\0{frame}"
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:40]


def _file(key: str) -> Path:
    return cache_dir() / "thumbnails" / key[:2] / f"{key[2:]}.png"


def _from_disk(key: str) -> Pixels | None:
    file = _file(key)
    try:
        with Image.open(file, formats=("PNG",)) as image:
            pixels = np.array(image)
        os.utime(file)
    except (OSError, SyntaxError, ValueError):
        return None
    return pixels


def _to_disk(key: str, pixels: Pixels) -> None:
    """Keep a thumbnail; a disk that is full or read-only only means that it is made again."""
    global _written
    file = _file(key)
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "PNG", compress_level=1)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".new", delete=False) as out:
            out.write(kept.getbuffer())
        Path(out.name).replace(file)
        _written += 1
        if _written % _EVERY == 1:
            tidy()
    except OSError:
        return


def tidy(limit: int | None = None) -> int:
    """Remove the thumbnails looked at longest ago until the others fit in ``limit`` bytes; return how many went."""
    found = []
    for folder, _, names in os.walk(cache_dir() / "thumbnails"):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118, a Path for each of many files is slow
            try:
                state = os.stat(path)  # noqa: PTH116
            except FileNotFoundError:
                continue
            found.append((state.st_mtime_ns, state.st_size, path))
    room = (MAX_DISK if limit is None else limit) - sum(size for _, size, _ in found)
    gone = 0
    for _, size, path in sorted(found):
        if room >= 0:
            break
        Path(path).unlink(missing_ok=True)
        room += size
        gone += 1
    return gone
