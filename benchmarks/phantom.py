"""How long the chest phantom takes: `python -m benchmarks.phantom`. The bound is 15 s for 6,000 images on two cores."""

from __future__ import annotations

import time

from lt_core.datasets.phantom import FINDINGS, VAL_AND_TEST
from lt_core.datasets.phantom.store import make


def main() -> None:
    """Print wall and processor seconds for the default 6,000 images, 64 and 128 pixels wide, nothing cached."""
    counts = {"train": 4000, **VAL_AND_TEST}
    for size in (64, 128):
        wall, cpu = time.perf_counter(), time.process_time()
        made = make(0, counts, size)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        what = f"{len(made.images):,} images of {size} px, {len(made.masks.bits):,} masks of {len(FINDINGS)} findings"
        print(f"{what}: {wall:.1f} s wall, {cpu:.1f} s processor")


if __name__ == "__main__":
    main()
