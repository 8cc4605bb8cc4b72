"""Missing labels: propensities against the published formula, and losses that are right on average."""

from __future__ import annotations

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
ESTIMATORS = ("unbiased", "upper_bound")


def propensities(prior: ClassPrior, key: str = "unbiased_bce", **values: Value) -> Any:
    """Return what the loss itself reads out as propensity, (C,)."""
    (reading,) = (r for r in get_loss(key).readings if r.name == "propensity")
    given = None if prior.propensities is None else torch.from_numpy(prior.propensities)
    n_samples = torch.tensor(float(prior.n_samples), dtype=torch.float64)
    knobs: dict[str, Any] = {"a": 0.55, "b": 1.5} | values
    counts = torch.from_numpy(prior.counts)
    return reading.function(counts=counts, n_samples=n_samples, propensities=given, **knobs).numpy()


def jain(counts: Any, n: int, a: float, b: float) -> Any:
    """Return 1 / (1 + K e^(-A log(n_c + B))), K = (log N - 1) (B + 1)^A (Jain et al., 2016)."""
    k = (np.log(n) - 1) * (b + 1) ** a
    return 1 / (1 + k * np.exp(-a * np.log(counts + b)))


@pytest.mark.parametrize("key", ["unbiased_bce", "propensity_bce"])
@pytest.mark.parametrize(("a", "b"), [(0.55, 1.5), (0.1, 0.0), (1.0, 5.0), (0.6, 2.6)])
def test_propensities_are_those_of_jain(key: str, a: float, b: float, prior: ClassPrior) -> None:
    rho = propensities(prior, key, a=a, b=b)
    np.testing.assert_allclose(rho, jain(prior.positives, 1000, a, b), rtol=1e-12)
    assert (np.diff(rho) < 0).all()  # the counts fall


@pytest.mark.parametrize("n_samples", [0, 1, 2, 3, 10**9])
@pytest.mark.parametrize(("a", "b"), [(0.1, 0.0), (1.0, 0.0), (1.0, 5.0)])
def test_propensities_stay_in_their_range(n_samples: int, a: float, b: float) -> None:
    """log N - 1 is below 0 up to two images: nothing is then taken to be missing."""
    rho = propensities(ClassPrior([0, min(n_samples, 1), n_samples], n_samples), a=a, b=b)
    assert ((rho > 0) & (rho <= 1)).all()
    assert (rho >= 1 / max(np.log(max(n_samples, 1)), 1) - 1e-12).all()
    if n_samples <= 2:
        assert (rho == 1).all()


def test_propensities_of_the_prior_come_first(prior: ClassPrior, batch: Make) -> None:
    own = ClassPrior(prior.positives, prior.n_samples, np.linspace(0.9, 0.2, 6))
    np.testing.assert_allclose(propensities(own, a=0.1), own.propensities, rtol=1e-15)
    logits, targets = batch("multi")
    for key in ("unbiased_bce", "propensity_bce"):
        first, second = (get_loss(key).bind(own, a=a, b=a)(logits, targets) for a in (0.1, 1.0))
        assert torch.equal(first, second)
        assert not torch.equal(first, get_loss(key).bind(prior)(logits, targets))


@pytest.mark.parametrize(
    ("key", "values"), [*(("unbiased_bce", {"estimator": e}) for e in ESTIMATORS), ("propensity_bce", {})]
)
def test_with_every_label_written_down_it_is_bce(key: str, values: Any, prior: ClassPrior, batch: Make) -> None:
    sure = ClassPrior(prior.positives, prior.n_samples, propensities=np.ones(6))
    logits, targets = batch("multi", spread=9.0)
    logits.requires_grad_()
    here, there = get_loss(key).bind(sure, **values)(logits, targets), get_loss("bce").bind()(logits, targets)
    torch.testing.assert_close(here, there, rtol=1e-14, atol=0)
    slopes = (torch.autograd.grad(cells.sum(), logits)[0] for cells in (here, there))
    torch.testing.assert_close(*slopes, rtol=1e-14, atol=0)


def on_average(rho: float, logits: Tensor, estimator: str) -> Tensor:
    """Return the loss of a true label, averaged over whether it was written down."""
    bound = get_loss("unbiased_bce").bind(ClassPrior([3], 10, [rho]), estimator=estimator)
    return rho * bound(logits, torch.ones_like(logits)) + (1 - rho) * bound(logits, torch.zeros_like(logits))


@pytest.mark.parametrize("rho", [0.05, 0.4, 1.0])
def test_unbiased_means_equal_to_bce_on_average(rho: float) -> None:
    """A true label is written down with the chance rho; an absent one is never written down."""
    logits = torch.linspace(-9, 9, 37, dtype=torch.float64)[:, None]
    complete = get_loss("bce").bind()(logits, torch.ones_like(logits))
    torch.testing.assert_close(on_average(rho, logits, "unbiased"), complete, rtol=1e-10, atol=1e-13)
    assert (on_average(rho, logits, "upper_bound") >= complete - 1e-12).all()
    absent = get_loss("unbiased_bce").bind(ClassPrior([3], 10, [rho]))(logits, torch.zeros_like(logits))
    torch.testing.assert_close(absent, get_loss("bce").bind()(logits, torch.zeros_like(logits)), rtol=0, atol=0)


def test_the_unbiased_loss_has_no_floor_and_its_upper_bound_is_convex() -> None:
    prior = ClassPrior([3], 10, [0.25])
    logits = torch.linspace(-30, 30, 61, dtype=torch.float64, requires_grad=True)
    unbiased, bound = (
        get_loss("unbiased_bce").bind(prior, estimator=e)(logits[:, None], torch.ones(61, 1)) for e in ESTIMATORS
    )
    assert unbiased.min() < -80
    assert (bound >= 0).all()
    (slope,) = torch.autograd.grad(bound.sum(), logits)
    assert (slope.diff() >= 0).all()


def test_a_positive_weighs_the_inverse_of_its_propensity(prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    cells = get_loss("propensity_bce").bind(prior)(logits, targets) / get_loss("bce").bind()(logits, targets)
    weights = np.where(targets > 0, 1 / jain(prior.positives, 1000, 0.55, 1.5), 1.0)
    np.testing.assert_allclose(cells, weights, rtol=1e-12)
