"""What a reduction does to a loss and to its gradient, that is, to the learning rate that fits.

With plain SGD a gradient k times larger wants a learning rate k times smaller for the same step. Adam divides by the
size of the gradient and hardly notices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.losses.reduce import reduced
from lt_core.losses.spec import LossSpec
from lt_core.params import Value
from lt_core.problems import Invalid
from lt_core.stats.prior import ClassPrior

SHOWN = ("authors", "mean", "batch", "sum")
Entry: TypeAlias = tuple[str, LossSpec, Mapping[str, Value]]
"""A name, a loss, its values."""


def start_batch(
    labels: str,
    prior: ClassPrior,
    *,
    batch_size: int = 64,
    matrix: NDArray[np.floating] | None = None,
    seed: int = 0,
) -> Tensor:
    """Return the targets of a typical batch, as a "multi" or "single" loss takes them: (B, C) in {0, 1, NaN} or (B,).

    Rows are drawn from the label ``matrix`` (N, C) with replacement, from those that have exactly one label where the
    loss is for one class an image. Without such rows, labels are drawn from the shares of ``prior``: each class
    apart, or one class an image. The same seed gives the same batch.
    """
    if batch_size < 1:
        raise Invalid(f"batch_size must be at least 1, got {batch_size}")
    random = np.random.default_rng(seed)
    if matrix is not None and len(matrix):
        usable = matrix if labels == "multi" else matrix[np.nansum(matrix == 1, axis=1) == 1]
        if len(usable):
            rows = usable[random.integers(len(usable), size=batch_size)]
            return torch.as_tensor(rows).double() if labels == "multi" else torch.as_tensor((rows == 1).argmax(axis=1))
    if labels == "single":
        shares = prior.counts / prior.counts.sum()
        return torch.as_tensor(random.choice(prior.n_classes, size=batch_size, p=shares))
    share = prior.positives / max(prior.n_samples, 1)
    return torch.as_tensor((random.random((batch_size, prior.n_classes)) < share).astype(np.float64))


def gradient_norm(
    spec: LossSpec, values: Mapping[str, Value], targets: Tensor, prior: ClassPrior, reduction: str = "authors"
) -> tuple[float, float]:
    """Return the loss at the start, all logits 0, and the Euclidean norm of its gradient by the logits (float64)."""
    settings: dict[str, Any] = dict(values)
    logits = torch.zeros(len(targets), prior.n_classes, dtype=torch.float64, requires_grad=True)
    losses, known = spec.bind(prior, **settings).losses(logits, targets, mean=True)
    loss = reduced(losses, known, spec.authors_reduction if reduction == "authors" else reduction)
    (gradient,) = torch.autograd.grad(loss, logits)
    return float(loss.detach()), float(gradient.norm())


def reductions(
    spec: LossSpec,
    values: Mapping[str, Value] | None = None,
    *,
    prior: ClassPrior,
    batch_size: int = 64,
    matrix: NDArray[np.floating] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Return columns reduction, loss, gradient, learning_rate: one row for authors, mean, batch and sum.

    ``loss`` is that of a typical batch (``start_batch``) at logits 0. ``gradient`` is how many times as large the
    gradient is as with the authors' reduction, ``learning_rate`` = 1 / gradient what to multiply theirs by to keep
    the step of plain SGD. With every label known, exactly: for cells sum = B C mean and batch = C mean, for rows
    sum = B mean and batch = mean. A scalar loss has nothing to reduce: all four are the same.
    """
    targets = start_batch(spec.labels, prior, batch_size=batch_size, matrix=matrix, seed=seed)
    factors = _factors(spec, targets, prior.n_classes)
    own = factors[spec.authors_reduction] if spec.gives != "scalar" else 1.0
    rows = []
    for reduction in SHOWN:
        factor = 1.0 if reduction == "authors" else factors[reduction] / own
        loss, _ = gradient_norm(spec, values or {}, targets, prior, reduction)
        rows.append({"reduction": reduction, "loss": loss, "gradient": factor, "learning_rate": 1 / factor})
    return pd.DataFrame(rows)


def _factors(spec: LossSpec, targets: Tensor, n_classes: int) -> dict[str, float]:
    """Return what each reduction is, as a multiple of the mean: by counting what is known, not by measuring."""
    if spec.gives == "scalar":
        return dict.fromkeys(("mean", "batch", "sum"), 1.0)
    known = (targets >= 0)[:, None].expand(-1, n_classes) if targets.ndim == 1 else ~targets.isnan()
    images = max(1, int(known.any(dim=1).sum()))
    counted = max(1, int(known.sum())) if spec.gives == "cells" else images
    return {"mean": 1.0, "batch": counted / images, "sum": float(counted)}


def step_ratios(
    entries: Sequence[Entry],
    *,
    prior: ClassPrior,
    batch_size: int = 64,
    matrix: NDArray[np.floating] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Return a table (from, to): how many times as large the gradient at the start gets by a change of the loss.

    Each loss with its authors' reduction, on one typical batch for all, logits 0, norm over all logits. NaN where the
    gradient to start from is 0.
    """
    norms = []
    for _, spec, values in entries:
        targets = start_batch(spec.labels, prior, batch_size=batch_size, matrix=matrix, seed=seed)
        norms.append(gradient_norm(spec, values, targets, prior)[1])
    names = [name for name, *_ in entries]
    sizes = np.array(norms)
    ratios = sizes[None, :] / np.where(sizes > 0, sizes, np.nan)[:, None]
    return pd.DataFrame(ratios, index=pd.Index(names, name="from"), columns=names)


def advice(start: LossSpec, goal: LossSpec, names: tuple[str, str], ratio: float) -> str:
    """Return what a change from the loss ``start`` to ``goal`` asks of the learning rate, in one sentence."""
    here, there = (_with_reduction(name, spec) for name, spec in zip(names, (start, goal), strict=True))
    if not np.isfinite(ratio) or ratio <= 0:
        return f"{here} or {there} has no gradient at the start: nothing to compare."
    if 1 / 1.1 < ratio < 1.1:
        return f"{there} pulls about as hard as {here}: keep the learning rate."
    times = _times(max(ratio, 1 / ratio))
    if ratio > 1:
        return f"{there} pulls {times} times as hard as {here}: divide the learning rate by {times}."
    return f"{here} pulls {times} times as hard as {there}: multiply the learning rate by {times}."


def _with_reduction(name: str, spec: LossSpec) -> str:
    return name if spec.gives == "scalar" else f"{name} with its {spec.authors_reduction}"


def _times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 10 else f"{float(f'{ratio:.2g}'):,.0f}"
