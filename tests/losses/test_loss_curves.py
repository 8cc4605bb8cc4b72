"""The curves are the loss itself: its value, autograd's gradient, at the places they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lt_core.losses import LossSpec, all_losses, get_loss
from lt_core.losses.curves import AXES, loss_curves
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.stats import ClassPrior

KINKS = 4
"""At so many of the points a difference may straddle a kink of the loss."""

every = pytest.mark.parametrize("spec", all_losses(), ids=lambda spec: spec.key)


@every
@pytest.mark.parametrize("axis", AXES)
def test_columns_and_order(spec: LossSpec, axis: str, prior: ClassPrior) -> None:
    table = loss_curves(spec, spec.defaults, prior=prior, class_index=3, axis=axis, limit=6.0, points=41)
    assert list(table) == ["x", "logit", "probability", "y", "value", "gradient"]
    assert table["y"].tolist() == [1] * 41 + [0] * 41
    assert np.isfinite(table.to_numpy(dtype=float)).all()
    for _, curve in table.groupby("y"):
        assert np.allclose(np.diff(curve["x"]), np.diff(curve["x"])[0])
        assert (curve["x"] == curve[axis]).all()
        assert curve["probability"].between(0, 1).all()


@pytest.mark.parametrize("spec", [s for s in all_losses() if s.detaches is not True], ids=lambda spec: spec.key)
@pytest.mark.parametrize("class_index", [0, 5])
def test_the_gradient_is_the_slope_of_the_value(spec: LossSpec, class_index: int, prior: ClassPrior) -> None:
    values = {spec.detaches: False} if isinstance(spec.detaches, str) else {}
    table = loss_curves(spec, values, prior=prior, class_index=class_index, limit=4.0, points=16001)
    for _, curve in table.groupby("y"):
        slope = np.gradient(curve["value"], curve["logit"])[1:-1]
        wrong = ~np.isclose(slope, curve["gradient"].iloc[1:-1], rtol=1e-3, atol=2e-3)
        assert wrong.sum() <= KINKS, curve.iloc[1:-1][wrong]


def test_bce_is_known_in_closed_form() -> None:
    table = loss_curves(get_loss("bce"), {})
    p = 1 / (1 + np.exp(-table["logit"]))
    np.testing.assert_allclose(table["value"], -np.log(np.where(table["y"] == 1, p, 1 - p)), rtol=1e-10)
    np.testing.assert_allclose(table["gradient"], p - table["y"], rtol=1e-10, atol=1e-15)


def test_softmax_curves_have_the_other_logits_at_zero(prior: ClassPrior) -> None:
    table = loss_curves(get_loss("ce"), {}, prior=prior, class_index=2, axis="probability", points=11)
    p = np.exp(table["logit"]) / (np.exp(table["logit"]) + 5)
    np.testing.assert_allclose(table["probability"], p)
    ones = table["y"] == 1
    np.testing.assert_allclose(table["value"][ones], -np.log(p[ones]))
    np.testing.assert_allclose(table["value"][~ones], -np.log((1 - p[~ones]) / 5))
    np.testing.assert_allclose(table["gradient"], np.where(ones, p - 1, p))


@pytest.mark.parametrize("present", [None, (), (1,), (0, 3)])
def test_db_looks_at_the_other_labels(present: tuple[int, ...] | None, prior: ClassPrior) -> None:
    spec = get_loss("db")
    table = loss_curves(spec, {}, prior=prior, class_index=5, present=present, points=3, limit=2.0)
    for y in (1, 0):
        row = torch.zeros(1, 6, dtype=torch.float64)
        row[0, list((() if y else (0,)) if present is None else present)] = 1
        row[0, 5] = y
        for _, point in table[table["y"] == y].iterrows():
            logits = torch.zeros(1, 6, dtype=torch.float64)
            logits[0, 5] = point["logit"]
            assert math.isclose(spec.bind(prior)(logits, row)[0, 5].item(), point["value"], rel_tol=1e-12)


def test_lmf_weighs_classes_as_a_large_batch_does(prior: ClassPrior) -> None:
    """Batch of the training set's class shares: the weighted mean divides by the shares' mean weight."""
    spec = get_loss("lmf")
    table = loss_curves(spec, {}, prior=prior, class_index=5, points=3, limit=1.0)
    every_image = np.repeat(np.arange(6), prior.positives.astype(int))
    logits = torch.zeros(len(every_image), 6, dtype=torch.float64)
    logits[-1, 5] = -1.0
    rows = spec.bind(prior)(logits, torch.as_tensor(every_image))
    assert math.isclose(rows[-1].item(), table["value"][0], rel_tol=1e-9)


def test_what_cannot_be_drawn_is_refused(prior: ClassPrior) -> None:
    bce, db = get_loss("bce"), get_loss("db")
    with pytest.raises(Unknown, match="axis 'p'"):
        loss_curves(bce, {}, axis="p")
    with pytest.raises(Invalid, match="present must name the right class"):
        loss_curves(get_loss("ce"), {}, prior=prior, present=())
    for wrong in ({"class_index": 6}, {"present": (2, 2)}, {"limit": 0.0}, {"points": 1}):
        with pytest.raises(Invalid, match=f"{next(iter(wrong))}.*must"):
            loss_curves(db, {}, prior=prior, **({"class_index": 2} | wrong))
    with pytest.raises(Problem, match="db needs the class counts"):
        loss_curves(db, {})
    with pytest.raises(Problem, match=r"focal\.gamma must be in \[0, 5\], got 9"):
        loss_curves(get_loss("focal"), {"gamma": 9})
