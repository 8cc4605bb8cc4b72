"""Log-sum-exp over the labels an image has, or has not: what losses that look across a row are made of."""

from __future__ import annotations

import torch
from torch import Tensor

FAR = 1e30
"""Stands for infinity in a log-sum-exp: its exponential is 0, and unlike infinity it leaves no NaN in a gradient."""


def sides(targets: Tensor, known: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return which labels are there and which are not, both (B, C) bool; an unknown one is neither.

    ``targets`` (B, C) in {0, 1}; ``known`` (B, C) is 1 where a label is known, and None where all are.
    """
    positive, negative = targets > 0, targets <= 0
    if known is None:
        return positive, negative
    return positive & (known > 0), negative & (known > 0)


def log_sum_exp(values: Tensor, members: Tensor, dim: int) -> Tensor:
    """Return the log of the sum of ``exp(values)`` over ``members`` along ``dim``; about -1e30 where there are none."""
    return torch.logsumexp(torch.where(members, values, -FAR), dim=dim)
