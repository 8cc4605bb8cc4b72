"""Images decoded side by side, in order, with few in memory at once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets import ImageStore, to_uint8_batch
from lt_core.datasets.files import FileImages
from lt_core.problems import Problem

TOGETHER = 8
"""Images a thread decodes before it takes the next: handing over costs as much as a tiny image."""
MOST_THREADS = 16

Decoded = NDArray[np.uint8] | Problem
"""One image (1, H, W, ch), or why it could not be read."""


def decode(
    images: ImageStore, rows: Sequence[int] | NDArray[np.integer], *, size: int | None, channels: int | None
) -> Generator[Decoded, None, None]:
    """Yield every image of ``rows`` in order, as ``to_uint8_batch`` makes it, or the ``Problem`` met on reading it.

    Files are decoded in as many threads as there are processors, at most 16 (Pillow lets go of the interpreter's
    lock); other stores in one, as a Parquet file must not be read from several. Two tasks a thread are under way.
    """
    threads = min(MOST_THREADS, processors()) if isinstance(images, FileImages) else 1

    def some(start: int) -> list[Decoded]:
        return [_one(images, int(row), size, channels) for row in rows[start : start + TOGETHER]]

    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    waiting: deque[Future[list[Decoded]]] = deque()
    try:
        for start in range(0, len(rows), TOGETHER):
            waiting.append(pool.submit(some, start))
            if len(waiting) >= 2 * threads:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _one(images: ImageStore, row: int, size: int | None, channels: int | None) -> Decoded:
    try:
        return to_uint8_batch(images, [row], size=size, channels=channels)
    except Problem as problem:
        return problem
