"""Sentences about a data set that more than one part of the code says, so that they are said in the same words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def some(names: Sequence[str], limit: int = 5) -> str:
    """Return the names in a list, the first ``limit`` of them and how many more."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit:,} more" if len(names) > limit else "")


def without_positives(class_names: Sequence[str], positives: NDArray[np.integer]) -> list[str]:
    """Return one sentence naming the classes whose count in ``positives`` (C,) is 0, or none."""
    empty = [class_names[c] for c in np.flatnonzero(positives == 0).tolist()]
    if not empty:
        return []
    return [f"no positive example of {some(empty, 10)}: nothing can be learned or measured for it"]
