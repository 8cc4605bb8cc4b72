"""The same work for many classes, on several processors: NumPy lets go of the interpreter while it sums."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST = 4
"""Threads at the same time: each holds the tables of its class, and a server has other visitors."""


def each(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return ``work`` of each of ``items``, in their order; the first exception is raised."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST)) as threads:
        return list(threads.map(work, items))
