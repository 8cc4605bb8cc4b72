"""Which of this machine's GPUs a run from the queue gets. Asks no library: the dispatcher must not load torch."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
GIVEN = "LONGTAIL_LAB_GPUS"
"""What the dispatcher tells a worker it got, so that the worker's record says so."""


def visible() -> tuple[str, ...]:
    """Return the names of the GPUs that this process may use: what the environment lists, else all there are."""
    listed = os.environ.get(VISIBLE)
    if listed is not None:
        names = [name.strip() for name in listed.split(",")]
        return tuple(name for name in names if name and name != "-1")
    numbers = [file.name.removeprefix("nvidia") for file in Path("/dev").glob("nvidia[0-9]*")]
    return tuple(sorted((n for n in numbers if n.isdecimal()), key=int))


def chosen(names: Sequence[str], taken: Mapping[str, int], wanted: int) -> tuple[str, ...]:
    """Return the ``wanted`` GPUs of ``names`` that the fewest runs have, in the order of ``names`` among equals."""
    order = sorted(range(len(names)), key=lambda k: (taken.get(names[k], 0), k))
    return tuple(names[k] for k in sorted(order[:wanted]))


def environment(names: Sequence[str]) -> dict[str, str]:
    """Return the variables that keep a process to these GPUs; none where there are none."""
    said = ",".join(names)
    return {VISIBLE: said, GIVEN: said} if said else {}


def counted(said: Sequence[str]) -> Counter[str]:
    """Return how many runs have each GPU, from what their records say ("0,1")."""
    return Counter(name for entry in said for name in entry.split(",") if name)
