"""Building blocks that stay finite, in value and gradient, for any logit a network can give.

``log p = -softplus(-z)`` and ``log(1 - p) = -softplus(z)``: probabilities are never clamped, because a clamp takes
the gradient from exactly the badly wrong cells. All of them decompose to element-wise core ATen operations.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

Knob: TypeAlias = float | Tensor
"""A real or whole hyper-parameter inside a loss: a number, or a 0-dim tensor while the loss is traced."""


def softplus(x: Tensor) -> Tensor:
    """Return log(1 + e^x), exact to rounding in float32 and float64; slope 1/2 at 0.

    PyTorch's own threshold of 20 is off by 2e-9 there; above 40, log(1 + e^x) is x to the last bit.
    """
    return functional.softplus(x, threshold=40.0)


def power(base: Tensor, exponent: Knob) -> Tensor:
    """Return ``base ** exponent`` for base and exponent >= 0, with 0 ** 0 = 1 and the slope 0 at base 0.

    The true slope there is infinite for exponents below 1. Bases too small for a normal number are taken as 0.
    """
    positive = base > torch.finfo(base.dtype).tiny
    safe = torch.where(positive, base, 1.0)
    return torch.where(positive, safe**exponent, torch.zeros_like(base) ** exponent)


def log_add(a: Tensor, b: Tensor) -> Tensor:
    """Return log(e^a + e^b); ``b`` may be -inf. torch.logaddexp has no second derivative where a and b lie apart."""
    return torch.maximum(a, b) + softplus(-(a - b).abs())


def shifted_negative(logits: Tensor, clip: Knob) -> tuple[Tensor, Tensor]:
    """Return p_m = max(p - clip, 0) and log(1 - p_m), for the shifted negatives of ASL and its relatives.

    1 - p + clip = sigma(-z) + clip is a sum of positive numbers, so nothing cancels; its logarithm is taken as
    log(e^{-softplus(z)} + e^{log clip}), which is exactly -softplus(z) where clip is 0.
    """
    margin = clip if isinstance(clip, Tensor) else logits.new_full((), clip)
    some = margin > 0
    log_margin = torch.where(some, torch.log(torch.where(some, margin, 1.0)), -torch.inf)
    shifted = (torch.sigmoid(logits) - margin).clamp(min=0.0)
    return shifted, log_add(-softplus(logits), log_margin).clamp(max=0.0)


def log_softmax_of(logits: Tensor, one_hot: Tensor) -> Tensor:
    """Return log p_t (B,), the log-probability of the class that ``one_hot`` (B, C) marks; 0 for a row of zeros."""
    return (one_hot * torch.log_softmax(logits, dim=1)).sum(dim=1)


def log_softmax_of_others(logits: Tensor, one_hot: Tensor) -> Tensor:
    """Return log(1 - p_t) (B,) from the other classes' logits, without the cancellation of 1 - p_t."""
    others = torch.where(one_hot > 0, -1e30, logits)  # finite: -inf would make 0 * inf of gamma = 0
    return torch.logsumexp(others, dim=1) - torch.logsumexp(logits, dim=1)


def weighted_rows(rows: Tensor, weights: Tensor, one_hot: Tensor) -> Tensor:
    """Return ``rows`` (B,) times ``weights`` (B,), scaled so that their plain mean is the weighted mean.

    The weight of an unknown row (zeros in ``one_hot``) must be 0.
    """
    total = weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)
    return rows * weights * (one_hot.sum() / total)


def inverse_fourth_root(counts: Tensor) -> Tensor:
    """Return n_c^(-1/4) / max_j n_j^(-1/4) (C,), in (0, 1]: 1 for the rarest class (Cao et al., 2019, Eq. 13)."""
    roots = counts**-0.25
    return roots / roots.amax()
