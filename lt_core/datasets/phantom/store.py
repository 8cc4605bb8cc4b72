"""Making the whole set, and keeping it in the cache folder."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import PARTS, Part
from lt_core.datasets.phantom.labels import FINDINGS
from lt_core.datasets.phantom.patients import draw, grain
from lt_core.datasets.phantom.render import render
from lt_core.home import PRESETS, cache_dir

BATCH_PIXELS = 2**18
"""Pixels drawn at once: one field of a batch is 1 MiB, and fits the processor's cache."""


@dataclass(frozen=True, eq=False)
class PackedMasks:
    """Masks kept as bits, (m, ceil(S S / 8)) uint8; ``rows`` (N, 14) says which is whose, -1 = none."""

    bits: NDArray[np.uint8]
    rows: NDArray[np.int32]
    size: int

    def read(self, index: int, class_index: int) -> NDArray[np.bool_] | None:
        """Return the (S, S) mask of a finding, or None where the image does not have it."""
        row = self.rows[index, class_index]
        if row < 0:
            return None
        flat = np.unpackbits(self.bits[row], count=self.size * self.size)
        return flat.reshape(self.size, self.size).astype(np.bool_)


@dataclass(frozen=True, eq=False)
class Phantom:
    """The arrays of a made set: images (N, S, S), positive (N, 14), ap (N,), patient (N,), part (N,), and its masks."""

    images: NDArray[np.uint8]
    positive: NDArray[np.bool_]
    ap: NDArray[np.bool_]
    patient: NDArray[np.int64]
    part: NDArray[np.int8]
    masks: PackedMasks


def make_part(seed: int, part: Part, count: int, size: int) -> Phantom:
    """Return the first ``count`` images of ``part`` with their masks."""
    draws, step = draw(seed, part, count), max(BATCH_PIXELS // size**2, 1)

    def batch(first: int) -> tuple[NDArray[np.uint8], list[NDArray[np.uint8]]]:
        some = draws[first : first + step]
        images, masks = render(some, grain(seed, part, first, len(some), size))
        return images, [np.packbits(mask.reshape(len(mask), size * size), axis=1) for mask in masks]

    made = [batch(first) for first in range(0, count, step)]
    rows = np.full((count, len(FINDINGS)), -1, np.int32)
    bits, have = [], 0
    for c in range(len(FINDINGS)):
        bits += [masks[c] for _, masks in made]
        where = np.flatnonzero(draws.positive[:, c])
        rows[where, c] = have + np.arange(len(where))
        have += len(where)
    images = np.concatenate([some for some, _ in made])
    number = np.full(count, PARTS.index(part), np.int8)
    return Phantom(
        images, draws.positive, draws.ap, draws.patient, number, PackedMasks(np.concatenate(bits), rows, size)
    )


def make(seed: int, counts: Mapping[Part, int], size: int) -> Phantom:
    """Return the parts of a set one after the other."""
    parts = [make_part(seed, part, count, size) for part, count in counts.items()]
    offsets = np.cumsum([0] + [len(part.masks.bits) for part in parts])
    rows = [np.where(p.masks.rows < 0, -1, p.masks.rows + offset) for p, offset in zip(parts, offsets, strict=False)]
    masks = PackedMasks(
        np.concatenate([part.masks.bits for part in parts]), np.concatenate(rows).astype(np.int32), size
    )
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("images", "positive", "ap", "patient", "part")
    }
    return Phantom(masks=masks, **joined)


def cached(seed: int, counts: Mapping[Part, int], size: int) -> Phantom:
    """Return the set from the cache folder, made and kept there if it is missing, stale or damaged."""
    stem = f"chest-phantom-{size}px-{'-'.join(str(n) for n in counts.values())}-seed{seed}"
    path = cache_dir() / f"{stem}-{_fingerprint()}.npz"
    found = _read(path, sum(counts.values()), size)
    if found is not None:
        return found
    made = make(seed, counts, size)
    for stale in path.parent.glob(f"{stem}-*.npz"):
        stale.unlink(missing_ok=True)
    _write(path, made)
    return made


def _fingerprint() -> str:
    """Return a name for what decides the pixels: this package and the published counts it reads."""
    digest = hashlib.sha256()
    for file in [*sorted(Path(__file__).parent.glob("*.py")), *sorted(PRESETS.glob("nih*.csv"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _read(path: Path, count: int, size: int) -> Phantom | None:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        masks = PackedMasks(arrays.pop("mask_bits"), arrays.pop("mask_rows"), size)
        found = Phantom(masks=masks, **arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return found if found.images.shape == (count, size, size) else None


def _write(path: Path, made: Phantom) -> None:
    """Write beside ``path`` first, then move: a reader never sees half a file."""
    arrays = {name: getattr(made, name) for name in ("images", "positive", "ap", "patient", "part")}
    beside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        with beside.open("wb") as file:
            np.savez(file, allow_pickle=False, mask_bits=made.masks.bits, mask_rows=made.masks.rows, **arrays)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
