"""A softmax loss over the plane of two logits: where it sends an image that could be either of two classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lt_core.losses.scene import scene
from lt_core.losses.spec import LossSpec
from lt_core.params import Value
from lt_core.problems import Invalid
from lt_core.stats.prior import ClassPrior


def plane(
    spec: LossSpec,
    values: Mapping[str, Value],
    prior: ClassPrior,
    *,
    right: int,
    other: int,
    limit: float = 6.0,
    points: int = 25,
) -> pd.DataFrame:
    """Return columns z_right, z_other, value, pull_right, pull_other: ``points`` x ``points`` rows, float64.

    The image is of class ``right``; its logits of the two classes run over [-limit, limit], all others are 0. The
    pulls are the negative gradient, the way a step goes: pull_right along the logit of the right class. In a weighted
    mean the rest of the batch is large and has the class shares of ``prior``. Raises ``Invalid`` for a sigmoid loss,
    whose cells know nothing of each other, and where both classes are one.
    """
    if spec.labels != "single":
        raise Invalid(f"{spec.key} answers each class apart: a plane of two logits is for softmax losses")
    if right == other:
        raise Invalid("the plane needs two different classes")
    image = scene(spec, prior, class_index=right, y=1, present=(other,))
    a, b = image.columns.index(right), image.columns.index(other)
    targets, rest = torch.as_tensor(image.targets), torch.as_tensor(image.logits)
    data = {k: torch.as_tensor(v, dtype=torch.float64) for k, v in image.data.items()}
    given: dict[str, Any] = dict(values)

    def loss(pair: Tensor) -> Tensor:
        row = rest[0] + pair[0] * _unit(rest.shape[1], a) + pair[1] * _unit(rest.shape[1], b)
        return spec.function(torch.cat([row[None], rest[1:]]), targets, **data, **given)[0]

    axis = np.linspace(-limit, limit, points)
    pairs = torch.as_tensor(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))
    slope, value = torch.func.vmap(torch.func.grad_and_value(loss))(pairs)
    columns = {"z_right": pairs[:, 0], "z_other": pairs[:, 1], "value": value}
    columns |= {"pull_right": -slope[:, 0], "pull_other": -slope[:, 1]}
    return pd.DataFrame({name: column.detach().numpy() + 0.0 for name, column in columns.items()})


def _unit(size: int, at: int) -> Tensor:
    """Return the unit vector (size,) along ``at``."""
    return torch.nn.functional.one_hot(torch.tensor(at), size).double()
