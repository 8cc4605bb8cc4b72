"""The laws of the tail are found again in counts drawn from them, and the fit is the likelihood's maximum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import poisson

from lt_core.problems import Invalid
from lt_core.stats.tail_fit import LAWS, tail_fit


def drawn(shares: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    counts = np.random.default_rng(seed).multinomial(n, shares / shares.sum())
    return np.random.default_rng(seed + 1).permutation(counts)


@pytest.mark.parametrize("s", [0.4, 1.0, 1.7])
def test_a_power_law_is_found_again(s: float) -> None:
    fit = tail_fit(drawn(np.arange(1.0, 31) ** -s, 300_000))
    assert fit is not None
    assert fit.better.law == "power law"
    assert fit.power.parameter == pytest.approx(s, rel=0.02)
    assert fit.power.imbalance_ratio == pytest.approx(30**s, rel=0.06)
    assert fit.power.explained > 0.99
    assert "Closer to a power law" in fit.sentence()


@pytest.mark.parametrize("ratio", [5.0, 70.0, 1000.0])
def test_an_exponential_is_found_again(ratio: float) -> None:
    mu = ratio ** (-1 / 19)
    fit = tail_fit(drawn(mu ** np.arange(20.0), 200_000))
    assert fit is not None
    assert fit.better.law == "exponential"
    assert fit.exponential.parameter == pytest.approx(mu, rel=0.01)
    assert fit.exponential.imbalance_ratio == pytest.approx(ratio, rel=0.1)


def test_the_fit_is_the_largest_likelihood_and_its_aic() -> None:
    counts = np.array([900, 300, 250, 80, 40, 12, 3])
    ranks = np.arange(1.0, 8)
    fit = tail_fit(counts)
    assert fit is not None
    for law, steps in (("power law", np.log(ranks)), ("exponential", ranks)):
        ours = fit.power if law == "power law" else fit.exponential

        def minus(p: np.ndarray, steps: np.ndarray = steps) -> float:
            return -float(poisson.logpmf(counts, np.exp(p[0] - p[1] * steps)).sum())

        best = minimize(minus, x0=[6.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-10})
        slope = ours.parameter if law == "power law" else -np.log(ours.parameter)
        assert [np.log(ours.scale), slope] == pytest.approx(best.x, abs=1e-4)
        assert ours.aic == pytest.approx(4 + 2 * best.fun, abs=1e-6)
        assert ours.expected.sum() == pytest.approx(counts.sum())


def test_classes_without_positives_are_left_out_and_said() -> None:
    fit = tail_fit([100, 0, 40, 20, 0])
    assert fit is not None
    assert (fit.counts.tolist(), fit.classes.tolist(), fit.left_out) == ([100, 40, 20], [0, 2, 3], 2)
    assert fit.sentence().endswith("2 classes without positives are left out.")
    table = fit.table(list("abcde"))
    assert table["class"].tolist() == ["a", "c", "d"]
    assert list(table.columns) == ["rank", "class", "positives", *LAWS]


def test_where_there_is_no_tail() -> None:
    assert tail_fit([5, 2, 0]) is None
    assert tail_fit([]) is None
    same = tail_fit([7, 7, 7, 7])
    assert same is not None
    assert same.sentence() == "All 4 classes have as many positives: there is no tail to fit."
    assert same.exponential.parameter == 1
    assert np.isnan(same.power.explained)
    with pytest.raises(Invalid, match="must not be negative"):
        tail_fit([3, -1, 2])


def test_very_many_classes_and_very_steep_ones() -> None:
    fit = tail_fit(np.maximum(1, 1e6 * np.arange(1.0, 5001) ** -2).astype(int))
    assert fit is not None
    assert np.isfinite([fit.power.aic, fit.exponential.aic, fit.power.parameter]).all()
    steep = tail_fit([10**9, 1, 1])
    assert steep is not None
    assert not pd.isna(steep.table(list("abc"))).any(axis=None)
