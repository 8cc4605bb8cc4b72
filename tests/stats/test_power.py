"""The power hint against simulation, against the intervals that results are shown with, and its own limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lt_core.evaluation import f1_interval, wilson
from lt_core.problems import Invalid
from lt_core.stats.power import (
    ap_width,
    f1_deviation,
    f1_difference,
    f1_of,
    f1_width,
    positives_needed,
    power_table,
    recall_width,
    simulated_f1,
)

POINTS = [(0.5, 0.5), (0.9, 0.3), (0.3, 0.9), (0.8, 0.8)]


def draws(n: int, precision: float, recall: float, size: int, seed: int) -> np.ndarray:
    """F1 of ``size`` test sets, drawn image by image: n positives found or not, 100,000 negatives alarmed or not."""
    rng = np.random.default_rng(seed)
    tp = (rng.random((size, n)) < recall).sum(axis=1)
    fp = rng.binomial(100_000, n * recall * (1 - precision) / precision / 100_000, size)
    return np.asarray(2 * tp / (2 * tp + fp + (n - tp)))


@pytest.mark.parametrize(("precision", "recall"), POINTS)
@pytest.mark.parametrize("n", [30, 300])
def test_the_deviation_is_that_of_simulated_test_sets(n: int, precision: float, recall: float) -> None:
    seen = draws(n, precision, recall, 8_000, 0).std()
    assert f1_deviation(n, precision=precision, recall=recall) == pytest.approx(seen, rel=0.06)


@pytest.mark.parametrize(("precision", "recall"), POINTS)
def test_the_simulation_is_the_spread_of_test_sets(precision: float, recall: float) -> None:
    low, high = simulated_f1(40, precision=precision, recall=recall, seed=1)
    seen = np.quantile(draws(40, precision, recall, 8_000, 2), (0.025, 0.975))
    np.testing.assert_allclose((low, high), seen, atol=0.015)


@pytest.mark.parametrize(("precision", "recall"), POINTS)
def test_the_width_is_that_of_the_interval_shown_with_results(precision: float, recall: float) -> None:
    n = np.array([10, 100, 1000])
    tp = n * recall
    low, high = f1_interval(tp, tp * (1 - precision) / precision, n - tp)
    np.testing.assert_allclose(f1_width(n, precision=precision, recall=recall), high - low, rtol=1e-12)
    ends = wilson(tp, n)
    np.testing.assert_allclose(recall_width(n, recall=recall), ends[1] - ends[0], rtol=1e-12)


def test_for_many_positives_the_width_is_about_four_deviations() -> None:
    """Wilson indirect takes TP + FP + FN as given, not n: never narrower, and wider the more of it is false alarms."""
    for precision, recall in POINTS:
        width = float(f1_width(10_000, precision=precision, recall=recall))
        plain = 2 * 1.96 * float(f1_deviation(10_000, precision=precision, recall=recall))
        assert 0.99 * plain < width < 1.6 * plain


def test_perfect_models_leave_only_the_intervals_floor() -> None:
    assert f1_deviation(50, precision=1.0, recall=1.0) == 0
    assert 0 < f1_width(50, precision=1.0, recall=1.0) < 0.06
    assert f1_of(precision=1.0, recall=1.0) == 1


def test_a_difference_so_large_is_found_four_times_in_five() -> None:
    """Two models of independent errors: z tests of the difference, drawn at the difference the formula gives."""
    n, precision, recall = 400, 0.6, 0.6
    gap = float(f1_difference(n, precision=precision, recall=recall, correlation=0.0))
    one, other = draws(n, precision, recall, 8_000, 0), draws(n, precision, recall, 8_000, 1) + gap
    deviation = math.sqrt(2) * float(f1_deviation(n, precision=precision, recall=recall))
    assert (np.abs(other - one) > 1.96 * deviation).mean() == pytest.approx(0.8, abs=0.03)
    halved = f1_difference(n, precision=precision, recall=recall, correlation=0.75)
    assert float(halved) == pytest.approx(gap / 2)


def test_the_interval_of_ap_is_the_logit_one() -> None:
    n, ap = 25, 0.2
    centre, step = math.log(0.2 / 0.8), 1.959964 / math.sqrt(25 * 0.2 * 0.8)
    ends = [1 / (1 + math.exp(-(centre + sign * step))) for sign in (-1, 1)]
    assert ap_width(n, ap=ap) == pytest.approx(ends[1] - ends[0], rel=1e-6)


@pytest.mark.parametrize("width", [0.5, 0.1, 0.02])
@pytest.mark.parametrize(("precision", "recall"), POINTS)
def test_needed_is_the_first_that_suffices(width: float, precision: float, recall: float) -> None:
    n = positives_needed(width, precision=precision, recall=recall)
    assert f1_width(n, precision=precision, recall=recall) <= width
    assert n == 1 or f1_width(n - 1, precision=precision, recall=recall) > width


def test_more_positives_are_never_less_sure() -> None:
    table = power_table(np.arange(1, 3000), precision=0.4, recall=0.7)
    assert (table.drop(columns="n").diff().iloc[1:] <= 0).all(axis=None)


def test_without_a_positive_nothing_is_defined() -> None:
    assert power_table([0], precision=0.5, recall=0.5).drop(columns="n").isna().all(axis=None)
    assert np.isnan(simulated_f1(0, precision=0.5, recall=0.5)).all()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(Invalid, match=r"recall must be in \(0, 1\], got 0"):
        f1_width(5, precision=0.5, recall=0.0)
    with pytest.raises(Invalid, match="precision must be in"):
        f1_deviation(5, precision=1.5, recall=0.5)
    with pytest.raises(Invalid, match="correlation must be in"):
        f1_difference(5, precision=0.5, recall=0.5, correlation=1.0)
    with pytest.raises(Invalid, match="width must be in"):
        positives_needed(0.0, precision=0.5, recall=0.5)
