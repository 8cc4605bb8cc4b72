"""How soon a folder of 100,000 images opens: `python -m benchmarks.images`; nothing is decoded before it is shown."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from lt_core.datasets.files import FileImages, FolderIndex
from lt_core.datasets.near_duplicates import near_pairs
from lt_core.datasets.thumbnails import thumbnail

FILES = 100_000
SAMPLE = 2_000
LOOKED_AT = 24


def made(folder: Path, n: int) -> None:
    """Write ``n`` images of 16 different contents into folders of 1,000."""
    contents = []
    for k in range(16):
        file = folder / "content.png"
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (64, 64), dtype=np.uint8)).save(file)
        contents.append(file.read_bytes())
        file.unlink()
    for k in range(n):
        if k % 1_000 == 0:
            (folder / f"{k // 1_000:03}").mkdir()
        (folder / f"{k // 1_000:03}" / f"{k:06}.png").write_bytes(contents[k % 16])


def main() -> None:
    """Print wall seconds: open the set, look at a page of it, and the plain way (rglob, and Pillow on every file)."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made(folder, FILES)
        start = time.perf_counter()
        index = FolderIndex.of(folder)
        images = FileImages(index.root, [f"{k:06}.png" for k in range(FILES)], index)
        opened = time.perf_counter() - start
        start = time.perf_counter()
        for k in range(LOOKED_AT):
            thumbnail(images, k * 997)
        page = time.perf_counter() - start
        start = time.perf_counter()
        files = sorted(folder.rglob("*.png"))
        walked = time.perf_counter() - start
        start = time.perf_counter()
        for file in files[:SAMPLE]:
            with Image.open(file) as image:
                image.load()
        decoded = (time.perf_counter() - start) * FILES / SAMPLE
        plain = walked + decoded
        print(f"open {len(images):,} images by name: {opened:.2f} s; a page of {LOOKED_AT} thumbnails: {page:.2f} s")
        print(f"rglob: {walked:.2f} s; Pillow on all, from {SAMPLE:,}: {decoded:.0f} s; ratio {plain / opened:.0f}")
    values = np.random.default_rng(0).integers(1, 2**63, FILES, dtype=np.uint64)
    values[FILES // 2 :][:500] = values[:500] ^ np.uint64(0b1011)
    start = time.perf_counter()
    found = len(near_pairs(values)[0])
    near = time.perf_counter() - start
    start = time.perf_counter()
    for value in values[: SAMPLE // 10]:
        np.flatnonzero(np.bitwise_count(values ^ value) <= 4)
    every = (time.perf_counter() - start) * FILES / (SAMPLE // 10) / 2
    print(f"near pairs of {FILES:,} hashes: {near:.2f} s ({found}); comparing all, from {SAMPLE // 10}: {every:.0f} s; "
          f"ratio {every / near:.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
