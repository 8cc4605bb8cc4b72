"""Images taken in one after the other, into one file or one array, before their number and colour are known."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Problem

BLOCK_BYTES = 16 << 20
SPARED = 256 << 20
"""Bytes of a disk left to others: checkpoints are worth more than a cache."""


class Sink(Protocol):
    """Where images go: the first says the shape, an RGB image after grey ones widens all before it."""

    def begin(self, count: int, shape: tuple[int, int, int]) -> None:
        """Make room for at most ``count`` images of ``shape`` (H, W, ch)."""
        ...

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Append one image (1, H, W, ch)."""
        ...

    def widen(self) -> None:
        """Make what was taken in three channels wide, each the grey one."""
        ...

    def finish(self, count: int) -> None:
        """Keep the ``count`` images that came."""
        ...


class NoRoom(Exception):
    """Why pixels do not go to disk, as the end of a sentence."""


class MemorySink:
    """One array, ``pixels``; raises ``Problem`` where it would take more than half of the memory that is free."""

    def __init__(self, why: str = "") -> None:
        self.pixels: NDArray[np.uint8] = np.zeros((0, 1, 1, 1), np.uint8)
        self._why = why
        self._taken = 0

    def begin(self, count: int, shape: tuple[int, int, int]) -> None:
        self._check(count * int(np.prod(shape)))
        self.pixels = np.empty((count, *shape), np.uint8)

    def add(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels[self._taken] = pixels[0]
        self._taken += 1

    def widen(self) -> None:
        self._check(3 * self.pixels.nbytes)
        wide = np.empty((*self.pixels.shape[:3], 3), np.uint8)
        wide[: self._taken] = self.pixels[: self._taken]
        self.pixels = wide

    def finish(self, count: int) -> None:
        self.pixels = self.pixels[:count]

    def _check(self, needed: int) -> None:
        free = free_memory()
        if self._why and free is not None and needed > free / 2:
            raise Problem(
                f"the decoded images take {needed / 2**30:.1f} GiB: {self._why}, and only {free / 2**30:.1f} GiB of "
                "memory are free: make room, choose a smaller image size, or set LONGTAIL_LAB_HOME to a larger disk"
            )


class FileSink:
    """One .npy file; ``room(bytes)`` says whether it may grow that large.

    Raises ``NoRoom`` where it may not, or the disk has not got it, and ``OSError`` from writing.
    """

    def __init__(self, path: Path, room: Callable[[int], bool]) -> None:
        self._path, self._room = path, room
        self._file: IO[bytes] = path.open("w+b")
        self._count, self._taken = 0, 0
        self.shape: tuple[int, int, int] = (0, 0, 0)

    def begin(self, count: int, shape: tuple[int, int, int]) -> None:
        self._count, self.shape = count, shape
        size = count * int(np.prod(shape))
        if not self._room(size):
            raise NoRoom(f"they take {size / 1e9:.2g} GB, and all caches together may not take that much more")
        free = shutil.disk_usage(self._path.parent).free
        if size > free - SPARED:
            raise NoRoom(f"they take {size / 1e9:.2g} GB, and the disk of {self._path.parents[1]} is too full")
        self._header(count)
        reserve(self._file, self._file.tell() + size)

    def add(self, pixels: NDArray[np.uint8]) -> None:
        self._file.write(pixels.tobytes())
        self._taken += 1

    def widen(self) -> None:
        grey, taken, (height, width, _) = self._file, self._taken, self.shape
        grey.flush()
        self._path.unlink()
        self._file = self._path.open("w+b")
        self.begin(self._count, (height, width, 3))
        step = max(1, BLOCK_BYTES // (height * width))
        at = grey.seek(_after_header(grey))
        for start in range(0, taken, step):
            block = grey.read(min(step, taken - start) * height * width)
            self._file.write(np.repeat(np.frombuffer(block, np.uint8), 3).tobytes())
        assert grey.tell() == at + taken * height * width
        grey.close()

    def finish(self, count: int) -> None:
        end = self._file.tell()
        self._file.truncate(end)
        self._file.seek(0)
        self._header(count)  # numpy leaves room in it for any number of rows
        assert end == self._file.tell() + count * int(np.prod(self.shape))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        self._file.close()

    def _header(self, count: int) -> None:
        about: dict[str, Any] = {"descr": "|u1", "fortran_order": False, "shape": (count, *self.shape)}
        np.lib.format.write_array_header_1_0(self._file, about)


def _after_header(file: IO[bytes]) -> int:
    file.seek(0)
    np.lib.format.read_magic(file)
    np.lib.format.read_array_header_1_0(file)
    return file.tell()


def reserve(file: IO[bytes], size: int) -> None:
    """Reserve ``size`` bytes for a file, where the system can; raise ``OSError`` if the disk has not got them."""
    file.flush()
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
            raise


def free_memory() -> int | None:
    """Return the bytes of memory that can be had without swapping, within this process's group; None if unknown."""
    free: list[int] = []
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
        group = Path("/sys/fs/cgroup")
        most = (group / "memory.max").read_text(encoding="ascii").strip()
        if most != "max":
            free.append(int(most) - int((group / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):
        pass
    return min(free, default=None)
