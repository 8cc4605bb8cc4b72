"""Bootstrap draws as weights: how often each patient was drawn."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Invalid

Weights = NDArray[np.float32]
Block = tuple[slice, Weights]
"""Which draws, and their weights (n images, b draws)."""
BLOCK_BYTES = 128 * 2**20
"""Draws are made in blocks of about this size, so that memory does not grow with their number."""
PART = 2**16
"""Patients counted at a time: their counters fit a core's cache, and two random bytes name one."""


def blocks(
    units: NDArray[np.int64], n_units: int, n_draws: int, seed: int, *, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Yield (which draws, weights (n images, b draws)); every image of a patient has the patient's weight.

    Each draw takes ``n_units`` patients with replacement (Efron 1979): the weights of the patients are multinomial and
    add up to ``n_units``. They depend on ``seed`` and ``n_units`` alone, so models of the same images get the same
    draws. float32 holds the counts exactly up to 2^24.
    """
    if n_draws < 1:
        raise Invalid(f"draws must be at least 1, got {n_draws}")
    random = np.random.default_rng(seed)
    width = int(np.clip(block_bytes // (4 * max(len(units), 1)), 1, n_draws))
    same = n_units == len(units) and bool((units == np.arange(len(units))).all())
    for start in range(0, n_draws, width):
        stop = min(start + width, n_draws)
        drawn = np.empty((stop - start, n_units), np.uint8)  # no patient is drawn 256 times, unless there are fewer
        for row in drawn:
            _draw(random, row)
        weights = np.empty((n_units, stop - start), np.float32)
        for at in range(0, n_units, 512):  # in tiles: turned over as a whole, every write would miss the cache
            weights[at : at + 512] = drawn[:, at : at + 512].T
        yield slice(start, stop), weights if same else weights[units]


def ahead(parts: Iterator[Block]) -> Iterator[Block]:
    """Yield the same blocks, the next one being drawn by a second thread while one is worked on."""
    with ThreadPoolExecutor(1) as second:
        coming = second.submit(next, parts, None)
        while (part := coming.result()) is not None:
            coming = second.submit(next, parts, None)
            yield part


def _draw(random: np.random.Generator, row: NDArray[np.uint8]) -> None:
    """Fill ``row`` (n,) with how often each of n was drawn in n draws with replacement."""
    n = len(row)
    if n <= PART:
        row[:] = np.bincount(random.integers(0, n, n, dtype=np.uint32), minlength=n)
        return
    sizes = np.append(np.full(n // PART, PART), [n % PART] if n % PART else []).astype(np.int64)
    # how many draws each part gets is multinomial, and so are the draws within a part
    at = 0
    for size, count in zip(sizes.tolist(), random.multinomial(n, sizes / n).tolist(), strict=True):
        named = _sixteen_bits(random, count) if size == PART else random.integers(0, size, count, dtype=np.uint32)
        row[at : at + size] = np.bincount(named, minlength=size)
        at += size


def _sixteen_bits(random: np.random.Generator, n: int) -> NDArray[np.uint16]:
    """Return n numbers from 0 to 65,535, all equally likely: the generator's own words cut in four."""
    words = np.asarray(random.bit_generator.random_raw(-(-n // 4)), dtype=np.uint64)
    return words.view(np.uint16)[:n]
