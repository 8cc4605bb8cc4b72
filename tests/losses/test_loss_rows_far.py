"""The single-label losses away from their defaults: high-precision formulas, and what RAL and Seesaw do by rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from lt_core.losses import get_loss
from lt_core.stats import ClassPrior
from tests.losses.agreement import assert_same, with_gradient

Make = Callable[..., tuple[Tensor, Tensor]]
UNEVEN = ClassPrior([1000, 5, 0, 1, 40, 2], 1000)
"""A class every image has, and one that no image has."""

OFF = [
    ("balanced_ce", {}),
    ("focal_ce", {"gamma": 0.5}),
    ("class_balanced_ce", {"beta": 0.7}),
    ("class_balanced_ce", {"beta": 0.99999}),
    ("balanced_softmax", {}),
    ("logit_adjusted_ce", {"tau": 2.7}),
    ("poly1_ce", {"epsilon": -0.6}),
    ("asl_single", {"gamma_pos": 0.5, "gamma_neg": 1.5, "smoothing": 0.25}),
    ("ral_single", {"gamma_pos": 0.7, "gamma_neg": 2.5, "smoothing": 0.23, "eps_neg": -0.2, "lamb": 1.2}),
    ("ral_single", {"gamma_pos": 1.0, "smoothing": 0.0, "eps_pos": 0.3}),
    ("ral_single", {"gamma_pos": 3.0, "gamma_neg": 5.0, "eps_pos": -2.0, "eps_pos_pow": -5.0, "eps_neg": -1.0}),
    ("ral_single", {"gamma_pos": 1.3, "gamma_neg": 2.4, "eps_pos": -2.0, "eps_pos_pow": -5.0, "lamb": 3.0}),
    ("seesaw", {"p": 0.3, "q": 3.0}),
    ("seesaw", {"p": 2.0, "q": 0.0}),
]
"""Values away from the defaults; in the last two of RAL the base of the power is negative for some cells."""


@pytest.mark.parametrize("spread", [2.0, 60.0])
@pytest.mark.parametrize(("key", "values"), OFF)
def test_equals_its_formula_away_from_the_defaults(
    key: str, values: dict[str, float], spread: float, batch: Make, reference: Callable[..., Any]
) -> None:
    spec = get_loss(key)
    logits, targets = batch("single", rows=5, spread=spread)
    wanted = reference(key, spec.defaults | values, logits.numpy(), targets.numpy(), UNEVEN.positives, 1000)
    value, gradient = with_gradient(lambda z: spec.criterion(UNEVEN, **values)(z, targets), logits)
    np.testing.assert_allclose(value.item(), wanted[0], rtol=1e-12)
    np.testing.assert_allclose(gradient.numpy(), wanted[1].astype(float), rtol=1e-9, atol=1e-15)


def test_ral_single_meets_its_limits() -> None:
    """No smoothing is the limit of little; a whole exponent that of those beside it, with a negative base too."""
    logits = torch.tensor([[2.0, -1.0, 0.0], [60.0, 0.0, 30.0]], dtype=torch.float64)
    targets = torch.tensor([2, 0])
    bind = get_loss("ral_single").bind
    torch.testing.assert_close(bind(smoothing=0.0)(logits, targets), bind(smoothing=1e-13)(logits, targets))
    negative = {"gamma_neg": 4.0, "eps_pos": -2.0, "eps_pos_pow": -5.0, "eps_neg": -1.0, "lamb": 3.0}
    whole, beside = (bind(**negative, gamma_pos=g)(logits, targets) for g in (3.0, 3.0 - 1e-10))
    torch.testing.assert_close(whole, beside, rtol=1e-8, atol=0)


@pytest.mark.parametrize("gamma_pos", [1.0, 2.0, 3.0])
def test_ral_single_is_the_plain_formula_for_whole_exponents(gamma_pos: float, batch: Make) -> None:
    """As the formula reads, with numpy's own power: odd ones keep the sign of a negative base."""
    logits, targets = batch("single", rows=40)
    z, hot = logits.numpy(), one_hot(targets, 6).numpy()
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    p_e, u_e = np.maximum(p, 0.1), np.maximum(1 - p, 0.1)
    a = p * (np.log(p_e) - 2.0 * (1 - p_e) - 2.5 * (1 - p_e) ** 2) * np.log(p)
    b = (1 - a) * (np.log(u_e) - u_e) * -(3.0 - (1 - p)) * (1 - p) ** 2
    assert (1 - a - b < -0.1).any()
    weight = np.where(hot == 1, (1 - a - b) ** gamma_pos, (1 - a - b) ** 4)
    wanted = -((0.9 * hot + 0.1 / 6) * weight * np.log(p)).sum(axis=1)
    knobs = {"gamma_pos": gamma_pos, "eps_pos": -2.0, "eps_pos_pow": -5.0, "eps_neg": -1.0, "lamb": 3.0}
    np.testing.assert_allclose(get_loss("ral_single").bind(**knobs)(logits, targets).numpy(), wanted, rtol=1e-10)


def seesaw_logits(z: np.ndarray, t: np.ndarray, counts: np.ndarray, p: float, q: float) -> np.ndarray:
    """Return z + log S, loop by loop."""
    soft = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    shifted = z.copy()
    for b, right in enumerate(t):
        for j in range(z.shape[1]):
            if j != right:
                mitigation = (counts[j] / counts[right]) ** p if counts[j] < counts[right] else 1.0
                ratio = soft[b, j] / max(soft[b, right], 0.01)
                shifted[b, j] += np.log(mitigation * (ratio**q if ratio > 1 else 1.0))
    return shifted


@pytest.mark.parametrize(("p", "q"), [(0.8, 2.0), (0.0, 1.0), (2.0, 0.0)])
def test_seesaw_is_torch_cross_entropy_of_shifted_logits(p: float, q: float, batch: Make) -> None:
    """In the gradient too: mitigation and compensation are constants there."""
    logits, targets = batch("single")
    targets[3] = -1
    known = targets >= 0
    counts = np.maximum(UNEVEN.positives + np.bincount(targets[known].numpy(), minlength=6), 1)
    shift = torch.from_numpy(seesaw_logits(logits.numpy(), targets.numpy(), counts, p, q)) - logits
    criterion = get_loss("seesaw").criterion(UNEVEN, p=p, q=q)
    assert_same(lambda z: criterion(z, targets), lambda z: cross_entropy(z + shift, targets, ignore_index=-1), logits)


def test_seesaw_spares_rarer_classes_and_only_those() -> None:
    """A hundred images among a million: their class is pushed 10^-3.2 as much, and pushes others in full."""
    prior, logits = ClassPrior([10**6, 10**6, 100], 3 * 10**6), torch.zeros(1, 3, dtype=torch.float64)
    bound = get_loss("seesaw").bind(prior, p=0.8)
    _, of_head = with_gradient(lambda z: bound(z, torch.tensor([0])), logits)
    np.testing.assert_allclose(of_head[0, 2] / of_head[0, 1], 10**-3.2, rtol=1e-5)
    of_tail = with_gradient(lambda z: bound(z, torch.tensor([2])), logits)
    torch.testing.assert_close(of_tail, with_gradient(lambda z: get_loss("ce").bind()(z, torch.tensor([2])), logits))


def test_seesaw_counts_the_batch() -> None:
    """An image of the batch is one more than the training images; a class that still has none counts as 1."""
    logits, targets = torch.zeros(2, 2, dtype=torch.float64), torch.tensor([0, 1])
    none, one = (get_loss("seesaw").bind(ClassPrior(n, 9))(logits, targets) for n in ([9, 0], [9, 1]))
    assert not torch.allclose(none, one)
    lone = targets[:1]
    none, one = (get_loss("seesaw").bind(ClassPrior(n, 9))(logits[:1], lone) for n in ([9, 0], [9, 1]))
    torch.testing.assert_close(none, one)


def test_the_mitigation_shown_is_that_of_the_loss() -> None:
    (reading,) = get_loss("seesaw").readings
    shown = reading.function(positives=torch.from_numpy(UNEVEN.positives), p=0.8).numpy()
    np.testing.assert_allclose(shown, (np.maximum(UNEVEN.positives, 1) / 1000) ** 0.8, rtol=1e-13)
