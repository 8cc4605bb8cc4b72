"""Losses that contain each other agree where they meet, and with other people's code and plain numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lt_core.losses import LossSpec, ReducesTo, all_losses, get_loss
from lt_core.params import Choice, Integer, Real, Value
from lt_core.stats import ClassPrior

Make = Callable[..., tuple[Tensor, Tensor]]
PAIRS = [(spec, other) for spec in all_losses() for other in spec.reduces_to]


def value_and_gradient(spec: LossSpec, prior: ClassPrior, batch: Any, **values: Value) -> tuple[Tensor, Tensor]:
    logits = batch[0].clone().requires_grad_()
    losses = spec.bind(prior, **values)(logits, batch[1])
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    return losses, gradient


def shared_values(spec: LossSpec, identity: ReducesTo) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return the fixed values of both sides, and every knob they share away from its default."""
    at, to = dict(identity.at), dict(identity.to)
    for param in get_loss(identity.key).params:
        if param.name in to:
            continue
        if param.name in at:
            to[param.name] = at[param.name]
        elif param.name in spec.defaults:
            match param.domain:
                case Real(low, high) | Integer(low, high):
                    at[param.name] = to[param.name] = 0.6 * low + 0.4 * high
                case Choice(options):
                    at[param.name] = to[param.name] = options[-1]
                case _:
                    at[param.name] = to[param.name] = True
    return at, to


@pytest.mark.parametrize(("spec", "identity"), PAIRS, ids=[f"{s.key}-{i.key}" for s, i in PAIRS])
def test_declared_identities_hold(spec: LossSpec, identity: ReducesTo, prior: ClassPrior, batch: Make) -> None:
    at, to = shared_values(spec, identity)
    data = batch(spec.labels, spread=4.0)
    here = value_and_gradient(spec, prior, data, **at)
    there = value_and_gradient(get_loss(identity.key), prior, data, **to)
    torch.testing.assert_close(here, there, rtol=1e-12, atol=1e-14)


def test_the_identities_of_the_first_issue_are_declared() -> None:
    pairs = {(spec.key, identity.key) for spec, identity in PAIRS}
    assert {("asl", "bce"), ("focal", "bce"), ("db", "bce"), ("ldam", "ce"), ("ral", "asl")} <= pairs


def relative_margins(counts: np.ndarray) -> np.ndarray:
    return counts**-0.25 / (counts**-0.25).max()


def test_lmf_without_its_focal_part_is_weighted_ldam(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("single")
    rows = get_loss("ldam").bind(prior, max_margin=0.4, scale=7.0)(logits, targets).numpy()
    weights = relative_margins(prior.counts)[targets.numpy()]
    loss = get_loss("lmf").criterion(prior, alpha=1.7, beta=0.0, max_margin=0.4, scale=7.0)(logits, targets)
    np.testing.assert_allclose(loss.item(), 1.7 * (weights * rows).sum() / weights.sum(), rtol=1e-12)


def test_lmf_without_its_margin_part_is_weighted_focal(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("single")
    z, t = logits.numpy(), targets.numpy()
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    p_t = p[np.arange(len(t)), t]
    wanted = 0.4 * relative_margins(prior.counts)[t] * (1 - p_t) ** 1.5 * -np.log(p_t)
    rows = get_loss("lmf").bind(prior, alpha=0.0, beta=1.0, max_margin=0.4)(logits, targets)
    np.testing.assert_allclose(rows.numpy(), wanted, rtol=1e-12)


def test_lmf_at_margin_zero_is_the_limit_of_small_margins(prior: ClassPrior, batch: Make) -> None:
    data = batch("single")
    zero, small = (get_loss("lmf").criterion(prior, max_margin=m)(*data) for m in (0.0, 1e-9))
    torch.testing.assert_close(zero, small, rtol=1e-6, atol=0)


def test_ce_is_torch_cross_entropy(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("single")
    torch.testing.assert_close(
        get_loss("ce").criterion()(logits, targets), torch.nn.functional.cross_entropy(logits, targets)
    )


@pytest.mark.parametrize("rows", [[], [0], [0, 3]])
def test_db_weights_are_those_of_the_paper(rows: list[int], prior: ClassPrior) -> None:
    """s = alpha + sigma(beta (r - mu)); an image without positives gets the largest weight."""
    targets = np.zeros(6)
    targets[rows] = 1
    with np.errstate(divide="ignore"):
        ratio = (1 / prior.counts) / (targets / prior.counts).sum()
    wanted = 0.1 + 1 / (1 + np.exp(-10 * (ratio - 0.2)))
    logits, hot = torch.zeros(1, 6, dtype=torch.float64), torch.from_numpy(targets)[None]
    values: dict[str, Value] = {"focal": False, "neg_scale": 1.0, "init_bias": 0.0}
    cells = get_loss("db").bind(prior, **values)(logits, hot) / np.log(2)
    np.testing.assert_allclose(cells[0].numpy(), wanted, rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("alpha", [-1.0, 0.25, 0.8])
def test_focal_agrees_with_torchvision(gamma: float, alpha: float, batch: Make) -> None:
    ops = pytest.importorskip("torchvision.ops")
    logits, targets = batch("multi")
    cells = get_loss("focal").bind(gamma=gamma, alpha=abs(alpha), use_alpha=alpha >= 0)(logits, targets)
    torch.testing.assert_close(cells, ops.sigmoid_focal_loss(logits, targets, alpha=alpha, gamma=gamma))


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize(("gamma_neg", "gamma_pos", "clip"), [(4.0, 1.0, 0.05), (2.0, 0.0, 0.2), (0.0, 0.0, 0.0)])
def test_asl_agrees_with_timm(gamma_neg: float, gamma_pos: float, clip: float, detach: bool, batch: Make) -> None:
    timm_loss = pytest.importorskip("timm.loss")
    theirs = timm_loss.AsymmetricLossMultiLabel(
        gamma_neg, gamma_pos, clip, disable_torch_grad_focal_loss=detach, reduction="none"
    )
    logits, targets = batch("multi")
    leaf = logits.float().requires_grad_()
    wanted = theirs(leaf, targets)
    ours = get_loss("asl").bind(gamma_neg=gamma_neg, gamma_pos=gamma_pos, clip=clip, detach_focus=detach)(leaf, targets)
    torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-6)
    slopes = (torch.autograd.grad(cells.sum(), leaf)[0] for cells in (ours, wanted))
    torch.testing.assert_close(*slopes, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_db_agrees_with_timm(gamma: float, prior: ClassPrior, batch: Make) -> None:
    timm_loss = pytest.importorskip("timm.loss.distribution_balanced_loss")
    theirs = timm_loss.DistributionBalancedLoss(
        prior.positives.tolist(), prior.n_samples, map_mu=0.3, neg_scale=5.0, focal_gamma=gamma, reduction="none"
    )
    logits, targets = batch("multi")
    cells = get_loss("db").bind(prior, mu=0.3, neg_scale=5.0, gamma=gamma, focal=gamma > 0)(logits, targets)
    torch.testing.assert_close(cells.float(), theirs(logits, targets), rtol=1e-5, atol=1e-6)
