"""How the learning rate goes over a run, or over a stage of it."""

from __future__ import annotations

import math

from lt_core.problems import Unknown

SCHEDULES = ("cosine", "constant", "step")
DROPS = (2 / 3, 8 / 9)
"""Shares of the steps at which ``step`` drops: Detectron's 1x schedule, 60,000 and 80,000 of 90,000 steps.

The detectors of the equalization losses, DropLoss and LVIS were trained with it. Papers differ: LDAM drops at 0.8 and
0.9, by a hundred each.
"""


def factor(kind: str, step: int, steps: int, warmup: float = 0.05) -> float:
    """Return the factor of the learning rate at ``step`` (from 0) of ``steps``, in (0, 1].

    All rise linearly over the first ``warmup`` share of the steps (Goyal et al., 2017, Sec. 2.2): at least one step,
    and the rise never takes the last. Then ``cosine`` is half a cosine to zero (Loshchilov and Hutter, SGDR, 2017, Eq.
    5, without restarts), ``constant`` is 1, and ``step`` is 1, 0.1 from 2/3 and 0.01 from 8/9 of the steps on.
    """
    if kind not in SCHEDULES:
        raise Unknown.of("schedule", kind, list(SCHEDULES))
    rise = max(1, min(steps - 1, round(steps * warmup)))
    if step < rise:
        return (step + 1) / rise
    if kind == "constant":
        return 1.0
    if kind == "step":
        return float(0.1 ** sum(step >= drop * steps for drop in DROPS))
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def warmup_cosine(step: int, steps: int, *, warmup: float = 0.05) -> float:
    """Return ``factor`` of the cosine."""
    return factor("cosine", step, steps, warmup)
