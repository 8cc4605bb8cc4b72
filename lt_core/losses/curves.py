"""A loss as curves over one logit: value and gradient for y = 1 and y = 0, by autograd of the very loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from lt_core.losses.scene import along, scene
from lt_core.losses.spec import LossSpec
from lt_core.params import Value
from lt_core.problems import Invalid, Unknown
from lt_core.stats.prior import ClassPrior

AXES = {"logit": "logit z of the class", "probability": "predicted probability p of the class"}


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

    A random loss is the mean over its draws; one with a memory has the state its ``sketch`` gives.
    """
    if axis not in AXES:
        raise Unknown.of("axis", axis, list(AXES))
    _check(limit, points)
    given: dict[str, Any] = dict(values)
    bound = spec.bind(prior, **given)
    frames = []
    for y in (1, 0):
        image = scene(spec, prior, class_index=class_index, y=y, present=present, whole=True)
        shift = 0.0 if spec.labels == "multi" else float(np.log(max(len(image.columns) - 1, 1)))
        logit, probability = _grid(axis, limit, points, shift)
        value, gradient = along(image, bound.values, logit)
        columns = {"logit": logit, "probability": probability, "y": y, "value": value, "gradient": gradient}
        frames.append(pd.DataFrame({"x": columns[axis]} | columns))
    return pd.concat(frames, ignore_index=True)


def _check(limit: float, points: int) -> None:
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
