"""Decoded images on disk: one folder a cache, trusted only when whole, the least used removed first."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.home import cache_dir, made
from lt_core.problems import Invalid
from lt_core.training.pixels.locks import Lock

VERSION = 1
"""Of the files in a folder; part of every digest, so that another version is another cache."""
DEFAULT_GB = 20.0
LIMIT_VARIABLE = "LONGTAIL_LAB_CACHE_GB"
FRESH = "new-"
GONE = "gone-"


@dataclass(frozen=True, eq=False)
class Kept:
    """An open cache: ``pixels`` (m, H, W, ch) mapped, ``positions`` (m,) of them in what was asked for,

    ``coloured`` (m,) = was RGB in its file, ``sums`` (m, 2, ch), and ``bad``, the sentence of every position that
    could not be read. Nobody removes it while ``lock`` is held, which is as long as this object is there.
    """

    pixels: NDArray[np.uint8]
    positions: NDArray[np.int64]
    coloured: NDArray[np.bool_]
    sums: NDArray[np.int64]
    bad: dict[int, str]
    lock: Lock | None


def root() -> Path:
    """Return the folder of all pixel caches, made if it is not there."""
    return made(cache_dir() / "pixels")


def limit_bytes() -> int:
    """Return how much all caches together may take: ``LONGTAIL_LAB_CACHE_GB`` (10^9 bytes), else 20; 0 = none."""
    given = os.environ.get(LIMIT_VARIABLE, "").strip()
    try:
        value = float(given or DEFAULT_GB)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise Invalid(f"{LIMIT_VARIABLE} must be a number of gigabytes, at least 0, got {given!r}")
    return int(value * 1e9)


def open_cache(digest: str) -> Kept | None:
    """Return the cache called ``digest``, or None where there is none that is whole; it counts as used now."""
    folder = root() / digest
    lock = Lock.shared(folder / "lock")
    if lock is None:
        if folder.is_dir() and not (folder / "lock").exists():
            remove(folder)
        return None
    try:
        about = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if about["version"] != VERSION or (folder / "pixels.npy").stat().st_size != about["file_bytes"]:
            raise ValueError("not what was written")
        pixels = np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)
        with np.load(folder / "index.npz", allow_pickle=False) as index:
            positions, coloured, sums = (index[name] for name in ("positions", "coloured", "sums"))
        if list(pixels.shape) != about["shape"] or pixels.dtype != np.uint8 or len(positions) != len(pixels):
            raise ValueError("not what was written")
        os.utime(folder / "manifest.json")
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        lock.close()
        remove(folder)
        return None
    return Kept(pixels, positions, coloured, sums, {int(k): str(v) for k, v in about["bad"].items()}, lock)


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """Give a folder to write a cache into; what is in it when the block ends, or when we are killed, is removed."""
    folder = Path(tempfile.mkdtemp(prefix=FRESH, dir=root()))
    lock = Lock.shared(folder / "lock", make=True)
    try:
        yield folder
    finally:
        if lock is not None:
            lock.close()
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, digest: str, about: dict[str, Any], index: dict[str, NDArray[Any]]) -> None:
    """Make a written folder the cache ``digest``: from here it is trusted; if another was first, his stays."""
    with (folder / "index.npz").open("wb") as file:
        np.savez(file, allow_pickle=False, **index)
        _flush(file.fileno())
    size = (folder / "pixels.npy").stat().st_size
    entry = {"version": VERSION, "digest": digest, "file_bytes": size, "made": time.time(), **about}
    with (folder / "manifest.json").open("w", encoding="utf-8") as text:
        json.dump(entry, text, indent=1)
        _flush(text.fileno(), text.flush)
    try:
        folder.rename(root() / digest)
    except OSError:
        if not (root() / digest / "manifest.json").is_file():
            raise


def _flush(number: int, before: Callable[[], None] = lambda: None) -> None:
    before()
    os.fsync(number)


def remove(folder: Path) -> bool:
    """Remove a cache unless somebody uses it; return whether it went. It is renamed first: never half a cache."""
    lock = Lock.exclusive(folder / "lock")
    if lock is None and (folder / "lock").exists():
        return False
    away = folder.with_name(f"{GONE}{folder.name.removeprefix(GONE)}")
    try:
        if away != folder:
            shutil.rmtree(away, ignore_errors=True)
            folder.rename(away)
    except OSError:
        return False
    finally:
        if lock is not None:
            lock.close()
    shutil.rmtree(away, ignore_errors=True)
    return True


def make_room(needed: int = 0, *, limit: int | None = None) -> bool:
    """Remove the caches used longest ago until ``needed`` more bytes fit in the limit; return whether they do.

    Caches in use stay. What killed writers left goes in any case.
    """
    most = limit_bytes() if limit is None else limit
    for folder in _folders():
        if folder.name.startswith((FRESH, GONE)) and _old_enough(folder):
            remove(folder)
    entries = sorted(entries_of(), key=lambda entry: entry["used"])
    total = sum(entry["bytes"] for entry in entries)
    for entry in entries:
        if total + needed <= most:
            break
        if remove(root() / entry["digest"]):
            total -= entry["bytes"]
    return bool(total + needed <= most)


def entries_of() -> list[dict[str, Any]]:
    """Return every cache: ``digest``, ``title``, ``shape``, ``bytes``, ``used`` (seconds since 1970), ``bad`` count."""
    found = []
    for folder in _folders():
        try:
            about = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            used = (folder / "manifest.json").stat().st_mtime
            size = sum(file.stat().st_size for file in folder.iterdir())
            entry = {"title": str(about["title"]), "shape": list(about["shape"]), "bad": len(about["bad"])}
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if not folder.name.startswith((FRESH, GONE)):
            found.append({"digest": folder.name, **entry, "bytes": size, "used": used})
    return found


def _folders() -> list[Path]:
    return sorted(path for path in root().iterdir() if path.is_dir())


def _old_enough(folder: Path) -> bool:
    """Whether a folder is past the moment between its making and its lock."""
    try:
        return (folder / "lock").exists() or time.time() - folder.stat().st_mtime > 60
    except OSError:
        return False
