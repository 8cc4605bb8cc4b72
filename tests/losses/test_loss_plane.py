"""The two-class plane is the loss itself, its arrows the way down."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lt_core.charts.plane import loss_plane
from lt_core.losses import get_loss
from lt_core.losses.plane import plane
from lt_core.problems import Invalid
from lt_core.stats import ClassPrior


def test_cross_entropy_by_hand(prior: ClassPrior) -> None:
    points = plane(get_loss("ce"), {}, prior, right=2, other=0, limit=3.0, points=7)
    rows = np.zeros((len(points), 6))
    rows[:, 2], rows[:, 0] = points["z_right"], points["z_other"]
    p = np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(points["value"], -np.log(p[:, 2]), rtol=1e-12)
    np.testing.assert_allclose(points["pull_right"], 1 - p[:, 2], rtol=1e-10)
    np.testing.assert_allclose(points["pull_other"], -p[:, 0], rtol=1e-10)


@pytest.mark.parametrize("key", ["ldam", "seesaw", "balanced_softmax", "lmf"])
def test_every_point_is_the_bound_loss_in_a_large_batch(key: str, prior: ClassPrior) -> None:
    """A batch of a million images with the class shares of the training part, and the one drawn."""
    points = plane(get_loss(key), get_loss(key).defaults, prior, right=5, other=0, limit=2.0, points=3)
    for point in points.itertuples():
        logits = torch.zeros(7, 6, dtype=torch.float64)
        logits[0, 5], logits[0, 0] = point.z_right, point.z_other
        logits.requires_grad_()
        weight = 1e9 * torch.as_tensor(prior.counts / prior.counts.sum())
        hot = torch.cat([torch.eye(6)[5:6].double(), torch.diag(weight)])
        rows = get_loss(key).bind(prior).body(logits, hot)
        assert rows[0].item() == pytest.approx(point.value, rel=1e-6)
        (slope,) = torch.autograd.grad(rows[0], logits)
        assert -slope[0, 5].item() == pytest.approx(point.pull_right, rel=1e-6, abs=1e-12)


def test_what_has_no_plane_says_so(prior: ClassPrior) -> None:
    with pytest.raises(Invalid, match="bce answers each class apart"):
        plane(get_loss("bce"), {}, prior, right=0, other=1)
    with pytest.raises(Invalid, match="two different classes"):
        plane(get_loss("ce"), {}, prior, right=1, other=1)


def test_arrows_point_down_the_slope(prior: ClassPrior) -> None:
    points = plane(get_loss("ce"), {}, prior, right=2, other=0, points=9)
    chart = loss_plane(points, right="Mass", other="Nodule").to_dict()
    heat, _, shafts, heads = chart["layer"]
    assert "Mass" in heat["encoding"]["x"]["title"]
    rows = next(rows for rows in chart["datasets"].values() if "to_right" in rows[0])
    assert all(row["to_right"] >= row["z_right"] and row["to_other"] <= row["z_other"] for row in rows)
    assert shafts["mark"]["type"] == "rule"
    assert heads["mark"]["type"] == "point"
