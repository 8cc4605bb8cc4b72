"""How the learning rate goes over a run."""

from __future__ import annotations

import math


def warmup_cosine(step: int, steps: int, *, warmup: float = 0.05) -> float:
    """Return the factor of the learning rate at ``step`` of ``steps``, in (0, 1].

    A linear rise over the first ``warmup`` share of the steps (at least one), then half a cosine to zero
    (Loshchilov and Hutter, SGDR, 2017, without restarts).
    """
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))
