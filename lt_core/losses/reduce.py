"""Targets made uniform, unknown labels masked, losses reduced: once, for all losses.

Unknown is NaN in a multi-label matrix and -1 among class indices. It is replaced before the loss is computed, so
that it causes neither loss nor gradient, and it does not count in a mean.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lt_core.problems import Invalid

REDUCTIONS = ("authors", "mean", "batch", "sum", "none")
UNKNOWN_CLASS = -1


def float_logits(key: str, logits: Tensor) -> Tensor:
    """Return ``logits`` (B, C) in at least float32, the precision losses are computed and returned in."""
    if logits.ndim != 2:
        raise Invalid(f"{key}: logits must have the shape (images, classes), got {tuple(logits.shape)}")
    if not logits.is_floating_point():
        raise Invalid(f"{key}: logits must be floating-point numbers, got {logits.dtype}")
    return logits if logits.dtype in (torch.float32, torch.float64) else logits.float()


def target_matrix(key: str, labels: str, targets: Tensor, logits: Tensor) -> Tensor:
    """Return ``targets`` as a (B, C) matrix of the dtype of ``logits``: 0, 1, or NaN where unknown.

    Multi-label losses take such a matrix or class indices (B,); single-label losses take class indices.
    """
    shape = tuple(targets.shape)
    whole = not targets.is_floating_point() and targets.dtype != torch.bool
    if whole and shape == logits.shape[:1]:
        return _one_hot(key, targets, logits)
    if labels == "single":
        hint = "; for a one-hot matrix pass targets.argmax(1)" if shape == logits.shape else ""
        raise Invalid(
            f"{key} is for one class an image: targets must be class indices of the shape ({len(logits)},), "
            f"got {targets.dtype} of the shape {shape}{hint}"
        )
    if shape != logits.shape:
        raise Invalid(
            f"{key}: targets must have the shape {tuple(logits.shape)} of the logits, or be class indices of the "
            f"shape ({len(logits)},), got {targets.dtype} of the shape {shape}"
        )
    return targets.to(logits.dtype)


def _one_hot(key: str, indices: Tensor, logits: Tensor) -> Tensor:
    known = indices != UNKNOWN_CLASS
    safe = torch.where(known, indices, 0).long()
    try:
        hot = torch.zeros_like(logits).scatter(1, safe[:, None], 1.0)
    except (IndexError, RuntimeError) as error:  # on a GPU the check comes later, as a device-side assertion
        if "out of bounds" not in str(error):
            raise
        raise Invalid(
            f"{key}: class indices must be in 0..{logits.shape[1] - 1}, or {UNKNOWN_CLASS} for unknown: {error}"
        ) from None
    return torch.where(known[:, None], hot, torch.nan)


def masked(body: Callable[[Tensor, Tensor], Tensor], logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the losses of ``body`` with unknown ones set to 0, and which are known, in the same shape.

    An unknown label is taken as absent where a loss looks at the other labels of its row, unless the loss asks for
    ``known``. A row counts if any label of it is known.
    """
    known = ~targets.isnan()
    losses = body(logits, torch.where(known, targets, 0.0))
    if losses.ndim == 1:
        known = known.any(dim=1)
    if losses.ndim == 0:
        return losses, known.any()
    return torch.where(known, losses, 0.0), known


def reduced(losses: Tensor, known: Tensor, reduction: str, *, amounts: Tensor | None = None) -> Tensor:
    """Return ``losses`` reduced: mean over the known, batch (sum / images with a known label), sum, or none.

    ``amounts`` (B,) is what each row counts for in the mean, if not 1 (losses that are weighted already). Without any
    known label the result is 0, with gradient 0. A scalar loss has nothing to reduce.
    """
    if reduction == "none" or losses.ndim == 0:
        return losses
    total = losses.sum()
    if reduction == "sum":
        return total
    if reduction == "mean" and amounts is not None:
        counts = torch.where(known, amounts, 0.0).sum()
        return total / counts.clamp(min=torch.finfo(counts.dtype).tiny)
    counted = known if reduction == "mean" or known.ndim == 1 else known.any(dim=1)
    return total / counted.sum().clamp(min=1)
