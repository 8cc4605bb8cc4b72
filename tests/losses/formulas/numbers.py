"""What the formulas share."""

from __future__ import annotations

from typing import Any

import mpmath as mp


def sigma(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z))


def focusing(base: Any, gamma: float) -> Any:
    return mp.mpf(1) if gamma == 0 else base**gamma
