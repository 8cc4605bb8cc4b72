"""Losses that look across a row or a batch, and unknown labels in them; class thresholds; brute force and timm."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lt_core.losses import get_loss
from lt_core.params import Value
from lt_core.stats import ClassPrior

Make = Callable[..., tuple[Tensor, Tensor]]
ACROSS_A_ROW = ["zlpr", "multilabel_logistic"]


def with_gradient(key: str, logits: Tensor, targets: Tensor, **values: Value) -> tuple[Tensor, Tensor]:
    leaf = logits.clone().requires_grad_()
    loss = get_loss(key).criterion(**values)(leaf, targets)
    return loss.detach(), *torch.autograd.grad(loss, leaf)


@pytest.mark.parametrize("key", ["zlpr", "two_way"])
def test_agrees_with_timm(key: str, batch: Make) -> None:
    timm_loss = pytest.importorskip("timm.loss")
    theirs = timm_loss.ZlprLoss() if key == "zlpr" else timm_loss.TwoWayLoss(tp=3.0, tn=0.7)
    values: dict[str, Value] = {} if key == "zlpr" else {"pos_temperature": 3.0, "neg_temperature": 0.7}
    logits, targets = batch("multi", spread=5.0)
    targets[3] = 1  # an image with every finding
    leaf = logits.float().requires_grad_()
    wanted = theirs(leaf, targets)
    loss, gradient = with_gradient(key, logits.float(), targets, **values)
    torch.testing.assert_close(loss, wanted.detach(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient, *torch.autograd.grad(wanted, leaf), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_multilabel_logistic_is_the_double_sum_over_all_label_vectors(length: int) -> None:
    """Exactly: there is no constant between the two."""
    z = 2 * np.random.default_rng(length).standard_normal(length)
    vectors = np.array(list(itertools.product((-1, 1), repeat=length)))
    for y in vectors:
        agreement = (vectors == y).mean(axis=1)
        logs = np.log(np.exp((vectors[None] - vectors[:, None]) @ z).sum(axis=1))
        row = get_loss("multilabel_logistic").bind()(torch.tensor(z[None]), torch.tensor((y[None] + 1) / 2))
        np.testing.assert_allclose(row.item(), (agreement * logs).sum() / 2 ** (length - 1), rtol=1e-12)


def test_multilabel_logistic_shrinks_towards_zero() -> None:
    """With every image alike the best logit of a label has tanh z = y / l."""
    targets = torch.tensor([[1.0, 0.0, 1.0, 0.0]], dtype=torch.float64)
    best = torch.atanh((2 * targets - 1) / 4)
    _, gradient = with_gradient("multilabel_logistic", best, targets)
    torch.testing.assert_close(gradient, torch.zeros_like(best), rtol=0, atol=1e-15)


@pytest.mark.parametrize("key", ACROSS_A_ROW)
def test_a_row_is_the_loss_of_its_known_labels(key: str, batch: Make) -> None:
    logits, targets = batch("multi")
    targets[1, 2] = targets[2, :5] = targets[4] = torch.nan
    rows = get_loss(key).bind()(logits, targets)
    for row, z, y in zip(rows, logits, targets, strict=True):
        known = ~y.isnan()
        alone = get_loss(key).bind()(z[None, known], y[None, known])[0] if known.any() else torch.tensor(0.0).double()
        torch.testing.assert_close(row, alone)
    loss, gradient = with_gradient(key, logits, targets)
    torch.testing.assert_close(loss, rows.sum() / 6)  # one of the seven rows is unknown throughout
    assert (gradient[targets.isnan()] == 0).all()
    assert (gradient[~targets.isnan()] != 0).all()


def two_way_by_loops(z: Any, y: Any, t_pos: float, t_neg: float) -> float:
    """Return the two-way loss of arrays with NaN for unknown labels, from sums of plain exponentials."""
    total = 0.0
    for lines, marks in ((z, y), (z.T, y.T)):
        terms = [
            np.log1p(np.exp(a[b == 0] / t_neg).sum() ** t_neg * np.exp(-a[b == 1] / t_pos).sum() ** t_pos)
            for a, b in zip(lines, marks, strict=True)
            if (b == 1).any()
        ]
        total += float(np.mean(terms))
    return total


def test_two_way_leaves_out_unknown_labels(batch: Make) -> None:
    logits, targets = batch("multi")
    targets[1, 2] = targets[4] = targets[:, 3] = torch.nan
    targets[5, 5] = targets[2, 0] = torch.nan
    loss, gradient = with_gradient("two_way", logits, targets, pos_temperature=2.0, neg_temperature=0.8)
    np.testing.assert_allclose(loss.item(), two_way_by_loops(logits.numpy(), targets.numpy(), 2.0, 0.8), rtol=1e-12)
    assert (gradient[targets.isnan()] == 0).all()
    rows, columns = [0, 1, 2, 3, 5, 6], [0, 1, 2, 4, 5]
    fewer = logits[rows][:, columns], targets[rows][:, columns]
    torch.testing.assert_close(loss, with_gradient("two_way", *fewer, pos_temperature=2.0, neg_temperature=0.8)[0])


def test_two_way_of_a_batch_without_positives_is_nothing(batch: Make) -> None:
    loss, gradient = with_gradient("two_way", batch("multi")[0], torch.zeros(7, 6))
    assert loss == 0
    assert (gradient == 0).all()


def test_two_way_of_a_row_of_all_findings_is_the_limit_of_a_very_low_negative() -> None:
    """Nothing to rank against costs nothing, yet the row counts in the mean."""
    logits = torch.tensor([[2.0, -1.0, 0.5], [1.0, 0.0, -3.0]], dtype=torch.float64)
    full = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    almost = torch.cat([logits, torch.full((2, 1), -90.0)], dim=1), torch.cat([full, torch.zeros(2, 1)], dim=1)
    torch.testing.assert_close(get_loss("two_way").bind()(logits, full), get_loss("two_way").bind()(*almost))


@pytest.mark.parametrize("key", ["zlpr", "two_way"])
def test_the_worst_mistakes_take_all_of_the_gradient(key: str) -> None:
    logits = torch.tensor([[-100.0, 60.0, -2.0, 2.0]])
    _, gradient = with_gradient(key, logits, torch.tensor([[1.0, 0.0, 1.0, 0.0]]))
    wanted = torch.tensor([[-1.0, 1.0, 0.0, 0.0]])
    torch.testing.assert_close(gradient, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("key", ["equalization", "droploss"])
def test_a_finding_elsewhere_spares_rare_classes_their_negatives(key: str, prior: ClassPrior) -> None:
    logits = torch.zeros(2, 6, dtype=torch.float64)
    targets = torch.tensor([[1.0, 0, 0, 0, 0, 1.0], [0, 0, 0, 0, 0, 0]])
    cells = get_loss(key).bind(prior, threshold=0.12)(logits, targets) / np.log(2)
    background = [1.0] * 6 if key == "equalization" else [1, 1, 1, 0.5, 0.5, 0.5]  # one of the two labels is rare
    np.testing.assert_allclose(cells, [[1, 1, 1, 0, 0, 1], background], rtol=1e-12)


def test_droploss_drops_nothing_from_a_batch_without_findings(prior: ClassPrior, batch: Make) -> None:
    data = batch("multi")[0], torch.zeros(7, 6)
    generator = torch.Generator().manual_seed(0)
    cells = get_loss("droploss").bind(prior, expected=False, threshold=0.5)(*data, generator=generator)
    torch.testing.assert_close(cells, get_loss("bce").bind()(*data))


FORMS = itertools.product(["uniform", "prior"], ["constant", "importance", "relative"], [(3, 0.0), (25, 1.3)])


@pytest.mark.parametrize(("sampling", "weighting", "numbers"), list(FORMS), ids=str)
def test_every_form_of_sampled_bce(
    sampling: str, weighting: str, numbers: tuple[int, float], prior: ClassPrior, batch: Make, reference: Any
) -> None:
    values = {"sampling": sampling, "weighting": weighting, "m": numbers[0], "tau": numbers[1]}
    logits, targets = batch("multi", rows=4)
    given = logits.numpy(), targets.numpy(), prior.positives, prior.n_samples
    wanted = reference("sampled_bce", values, *given)
    leaf = logits.clone().requires_grad_()
    loss = get_loss("sampled_bce").criterion(prior, **values)(leaf, targets)
    np.testing.assert_allclose(loss.item(), wanted[0], rtol=1e-12)
    np.testing.assert_allclose(torch.autograd.grad(loss, leaf)[0].numpy(), wanted[1], rtol=1e-10)
