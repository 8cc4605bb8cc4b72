"""Head, medium and tail: which classes have many training images and which have few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Unknown

Group = Literal["head", "medium", "tail"]
Scheme = Literal["relative", "absolute", "quantile"]
GROUPS: tuple[Group, ...] = get_args(Group)
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


def groups_of(
    positives: Sequence[float] | NDArray[np.floating] | NDArray[np.integer], *, scheme: str = "relative"
) -> tuple[Group, ...]:
    """Return "head", "medium" or "tail" for each class, from its number of training positives, (C,).

    ``relative``: head n >= n_max / 5, tail n < n_max / 20. ``absolute``: head n > 100, tail n < 20, the cut-offs
    of distribution-balanced loss (Wu et al., ECCV 2020). ``quantile``: head n >= the upper tercile of the counts,
    tail n < the lower one, so classes with equal counts stay together. A class without positives is always tail.
    Raises ``Unknown`` for another scheme.
    """
    counts = np.asarray(positives, dtype=np.float64)
    if not counts.size:
        return ()
    match scheme:
        case "relative":
            head, tail = counts >= counts.max() / 5, counts < counts.max() / 20
        case "absolute":
            head, tail = counts > 100, counts < 20
        case "quantile":
            low, high = np.quantile(counts, (1 / 3, 2 / 3))
            head, tail = counts >= high, counts < low
        case _:
            raise Unknown.of("grouping", scheme, list(SCHEMES))
    tail = tail | (counts == 0)
    names: list[Group] = ["tail" if few else "head" if many else "medium" for many, few in zip(head, tail, strict=True)]
    return tuple(names)
