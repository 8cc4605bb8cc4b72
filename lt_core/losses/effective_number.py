"""The effective number of images: how much there is to see in n of them (Cui et al., 2019)."""

from __future__ import annotations

import torch
from torch import Tensor

from lt_core.losses.stable import Knob

LOG_OF_ZERO = -1e9
"""Stands for log 0: finite, and e^(n log 0) is 0 for any count n."""


def inverse_effective_number(counts: Tensor, beta: Knob) -> Tensor:
    """Return (1 - beta) / (1 - beta^n) for ``counts`` n >= 1, in (0, 1], in their shape; ``beta`` in [0, 1).

    1 - beta^n is -expm1(n log1p(beta - 1)): nothing cancels for beta close to 1, and single precision is enough.
    """
    rest = counts.new_ones(()) * (1 - beta)
    some = rest < 1
    log_beta = torch.where(some, torch.log1p(-torch.where(some, rest, 0.5)), LOG_OF_ZERO)
    return -rest / torch.expm1(counts * log_beta)
