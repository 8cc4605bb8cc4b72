"""A loss as curves over one logit: value and gradient for y = 1 and y = 0, by autograd of the very loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lt_core.losses.bound import BoundLoss
from lt_core.losses.spec import LossSpec
from lt_core.params import Value
from lt_core.problems import Invalid, Unknown
from lt_core.stats.prior import ClassPrior

AXES = {"logit": "logit z of the class", "probability": "predicted probability p of the class"}
WHOLE_BATCH = 1e12
"""How many images stand behind the curve in a weighted mean: so many that the drawn one does not change it."""


def loss_curves(
    spec: LossSpec,
    values: Mapping[str, Value],
    *,
    prior: ClassPrior | None = None,
    class_index: int = 0,
    axis: str = "logit",
    limit: float = 8.0,
    points: int = 321,
    present: tuple[int, ...] | None = None,
) -> pd.DataFrame:
    """Return columns x, logit, probability, y, value, gradient: ``points`` rows for y = 1, then as many for y = 0.

    ``value`` is the unreduced loss of one image, ``gradient`` its derivative by the logit of ``class_index``, on
    either axis; logits run over [-limit, limit], evenly spaced in ``axis``. float64.

    Sigmoid losses: the cell of ``class_index``. Where it depends on the other labels of the image (DB), ``present``
    says which other classes the image has; by default none for y = 1 and the most frequent other one for y = 0.

    Softmax losses: the loss of the image, all other logits 0. For y = 1 the class is the right one, for y = 0 the
    most frequent other one is (or the first of ``present``). Without ``prior`` there are two classes. In a weighted
    mean (LMF) the rest of the batch is very large and has the class shares of ``prior``.
    """
    if axis not in AXES:
        raise Unknown.of("axis", axis, list(AXES))
    n_classes = prior.n_classes if prior else max(2, class_index + 1)
    others = _others(prior, class_index, n_classes) if present is None else present
    _check(spec, n_classes, class_index, others, limit, points)
    shift = 0.0 if spec.labels == "multi" else float(np.log(max(n_classes - 1, 1)))
    logit, probability = _grid(axis, limit, points, shift)
    given: dict[str, Any] = dict(values)
    bound = spec.bind(prior, **given)
    frames = []
    for y in (1, 0):
        row = _labels(spec, n_classes, class_index, y, others if y == 0 or present is not None else ())
        value, gradient = _along(bound, row, class_index, torch.as_tensor(logit), prior)
        columns = {"logit": logit, "probability": probability, "y": y, "value": value, "gradient": gradient}
        frames.append(pd.DataFrame({"x": columns[axis]} | columns))
    return pd.concat(frames, ignore_index=True)


def _labels(spec: LossSpec, n_classes: int, class_index: int, y: int, others: tuple[int, ...]) -> Tensor:
    """Return the target row of an image: ``y`` for the class drawn, and the other classes it has."""
    row = torch.zeros(n_classes, dtype=torch.float64)
    if spec.labels == "single":
        row[class_index if y == 1 else others[0]] = 1.0
    else:
        row[list(others)] = 1.0
        row[class_index] = y
    return row


def _others(prior: ClassPrior | None, class_index: int, n_classes: int) -> tuple[int, ...]:
    """Return the most frequent class other than ``class_index``; none where there is no other."""
    counts = prior.positives if prior else np.ones(n_classes)
    order = [int(c) for c in np.argsort(-counts, kind="stable") if c != class_index]
    return tuple(order[:1])


def _check(
    spec: LossSpec, n_classes: int, class_index: int, others: tuple[int, ...], limit: float, points: int
) -> None:
    if not 0 <= class_index < n_classes:
        raise Invalid(f"class_index must be in 0..{n_classes - 1}, got {class_index}")
    if any(not 0 <= c < n_classes or c == class_index for c in others):
        raise Invalid(f"present must name other classes in 0..{n_classes - 1} than {class_index}, got {others}")
    if spec.labels == "single" and not others:
        raise Invalid(f"present must name the right class for y = 0: {spec.key} is for one class an image")
    if limit <= 0:
        raise Invalid(f"limit must be positive, got {limit:g}")
    if points < 2:
        raise Invalid(f"points must be at least 2, got {points}")


def _grid(axis: str, limit: float, points: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and probabilities, p = sigma(logit - shift): one against C - 1 zeros in a softmax."""
    if axis == "logit":
        logit = np.linspace(-limit, limit, points)
        return logit, 1 / (1 + np.exp(shift - logit))
    ends = 1 / (1 + np.exp(np.array([limit, -limit])))
    probability = np.linspace(ends[0], ends[1], points)
    return np.log(probability / (1 - probability)) + shift, probability


def _along(
    bound: BoundLoss, row: Tensor, class_index: int, logit: Tensor, prior: ClassPrior | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return value and gradient of the image with the labels ``row`` as its logit of ``class_index`` runs."""
    n = len(logit)
    logits = torch.zeros(n + 1, len(row), dtype=torch.float64)
    logits[:n, class_index] = logit
    logits.requires_grad_()
    targets = row.repeat(n + 1, 1)
    if bound.spec.labels == "single" and prior is not None:  # one row of this weight stands for the rest of a batch
        targets[n] = WHOLE_BATCH * torch.as_tensor(prior.counts / prior.counts.sum())
    losses = bound.body(logits, targets)[:n]
    shown = losses[:, class_index] if losses.ndim == 2 else losses
    (slope,) = torch.autograd.grad(shown.sum(), logits)
    return shown.detach().numpy() + 0.0, slope[:n, class_index].numpy() + 0.0  # + 0 makes -0 a 0
