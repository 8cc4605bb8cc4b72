"""The interval of the lift covers what it promises, and the tests of independence are those of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import binomtest, chi2, chi2_contingency, false_discovery_control, hypergeom

from lt_core.stats.intervals import Z95
from lt_core.stats.pair_intervals import false_discovery_rate, independence_p, lift_interval
from lt_core.stats.pairs import TERMS


@pytest.mark.parametrize(
    ("n", "p_a", "p_b", "lift"),
    [
        (2000, 0.05, 0.05, 1.0),
        (2000, 0.05, 0.05, 4.0),
        (2000, 0.01, 0.02, 10.0),
        (3000, 0.02, 0.02, 25.0),
        (500, 0.1, 0.3, 3.3),
        (500, 0.3, 0.4, 0.2),
        (1000, 0.6, 0.7, 1.2),
        (500, 0.02, 0.3, 1 / 0.3),  # every a is a b
    ],
)
def test_95_of_100_intervals_hold_the_true_lift(n: int, p_a: float, p_b: float, lift: float) -> None:
    both = lift * p_a * p_b
    cells = np.random.default_rng(5).multinomial(n, [both, p_a - both, p_b - both, 1 - p_a - p_b + both], size=8000)
    low, high = lift_interval(cells[:, 0], cells[:, :2].sum(axis=1), cells[:, [0, 2]].sum(axis=1), n)
    covered = np.mean(((low <= lift) & (lift <= high))[~np.isnan(low)])
    assert 0.94 < covered < 0.985


def test_a_pair_expected_less_than_once_is_covered_too() -> None:
    """Wald's interval on the log scale covers 76 to 84 of 100 here, and has no answer for a pair never seen."""
    for lift in (0.3, 1.0, 3.0):
        p_a, p_b, both = 0.01, 0.02, lift * 2e-4
        cells = np.random.default_rng(7).multinomial(3000, [both, p_a - both, p_b - both, 0.97 + both], size=8000)
        low, high = lift_interval(cells[:, 0], cells[:, :2].sum(axis=1), cells[:, [0, 2]].sum(axis=1), 3000)
        assert 0.9 < np.mean((low <= lift) & (lift <= high)) < 0.99


def likelihood_interval(both: int, n_a: int, n_b: int, n: int) -> tuple[float, float]:
    """The lifts whose profile likelihood is within chi-squared(1) of the best: another way, slow, for large counts."""
    counts = np.array([both, n_a - both, n_b - both, n - n_a - n_b + both])

    def best(log_lift: float) -> float:
        def lost(logs: np.ndarray) -> float:
            a, b = np.exp(logs)
            p = np.exp(log_lift) * a * b
            cells = np.array([p, a - p, b - p, 1 - a - b + p])
            return 1e9 if (cells <= 0).any() else -float(counts @ np.log(cells))

        return float(minimize(lost, np.log([n_a / n, n_b / n]), method="Nelder-Mead", tol=1e-10).fun)

    at = np.log(both * n / (n_a * n_b))
    limit = best(at) + chi2.ppf(0.95, 1) / 2
    ends = []
    for sign in (-1, 1):
        inside, outside = 0.0, 1.5
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if best(at + sign * middle) < limit else (inside, middle)
        ends.append(float(np.exp(at + sign * inside)))
    return ends[0], ends[1]


@pytest.mark.parametrize("table", [(400, 1989, 1332, 11212), (60, 300, 250, 2000), (150, 200, 900, 3000)])
def test_close_to_the_profile_likelihood_interval_where_counts_are_large(table: tuple[int, int, int, int]) -> None:
    low, high = lift_interval(*table)
    expected = likelihood_interval(*table)
    lift = table[0] * table[3] / (table[1] * table[2])
    assert float(low) == pytest.approx(expected[0], abs=0.03 * lift)
    assert float(high) == pytest.approx(expected[1], abs=0.03 * lift)


def test_one_is_inside_exactly_where_pearsons_test_does_not_reject() -> None:
    rng = np.random.default_rng(2)
    n = 300
    for _ in range(200):
        n_a, n_b = rng.integers(10, 200, 2)
        both = int(rng.hypergeometric(n_a, n - n_a, n_b)) + int(rng.integers(-3, 4))
        cells = np.array([[both, n_a - both], [n_b - both, n - n_a - n_b + both]])
        if (cells < 0).any():
            continue
        low, high = lift_interval(both, n_a, n_b, n)
        rejected = chi2_contingency(cells, correction=False).statistic > Z95**2
        assert (float(low) <= 1 <= float(high)) == (not rejected)


def test_where_every_a_is_b_the_upper_end_is_wilsons_of_b_inverted() -> None:
    _, high = lift_interval(30, 30, 120, 1000)
    wilson = binomtest(120, 1000).proportion_ci(0.95, "wilson")
    assert float(high) == pytest.approx(1 / wilson.low, rel=1e-6)


def test_swapping_the_classes_changes_nothing_and_the_estimate_is_inside() -> None:
    rng = np.random.default_rng(0)
    n_a, n_b = rng.integers(1, 500, (2, 300))
    both = rng.integers(0, np.minimum(n_a, n_b) + 1)
    low, high = lift_interval(both, n_a, n_b, 1000)
    back = lift_interval(both, n_b, n_a, 1000)
    np.testing.assert_allclose((low, high), back)
    lift = both * 1000 / (n_a * n_b)
    assert (low <= lift + 1e-9).all()
    assert (lift <= high + 1e-9).all()
    assert (low[both == 0] == 0).all()
    assert (high[both == 0] > 0).all()


def test_more_images_make_it_narrower() -> None:
    widths = [np.diff(lift_interval(3 * k, 20 * k, 30 * k, 400 * k)).item() for k in (1, 10, 100)]
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_without_positives_nothing_is_defined() -> None:
    low, high = lift_interval([0, 0], [0, 5], [5, 0], 10)
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    assert np.isnan(independence_p([0, 0], [0, 5], [5, 0], [10, 10])).all()


@pytest.mark.parametrize("n", [12, 200, 112_120])
def test_p_is_twice_the_smaller_hypergeometric_tail(n: int) -> None:
    rng = np.random.default_rng(n)
    n_a, n_b = rng.integers(1, n + 1, (2, 300))
    middle = n_a * n_b / n
    both = np.round(middle + rng.normal(0, 2, 300) * np.sqrt(middle)).astype(int)
    both = np.clip(both, np.maximum(0, n_a + n_b - n), np.minimum(n_a, n_b))
    tails = hypergeom(n, n_a, n_b)
    expected = np.minimum(1, 2 * np.minimum(tails.cdf(both), tails.sf(both - 1)))
    np.testing.assert_allclose(independence_p(both, n_a, n_b, np.full(300, n)), expected, rtol=1e-7, atol=1e-300)


def test_false_discovery_rate_is_benjamini_hochberg() -> None:
    p = np.random.default_rng(1).random(40) ** 3
    np.testing.assert_allclose(false_discovery_rate(p), false_discovery_control(p))
    with_others = false_discovery_control(np.concatenate((p, np.ones(60))))[:40]
    np.testing.assert_allclose(false_discovery_rate(p, n_tests=100), with_others)
    gap = false_discovery_rate(np.array([0.01, np.nan, 0.04]))
    np.testing.assert_allclose(gap[[0, 2]], false_discovery_control([0.01, 0.04]))
    assert np.isnan(gap[1])


def test_interval_and_p_are_two_tests_and_the_exact_one_asks_for_more() -> None:
    """NIH's 621 starter images, Infiltration (123) and Nodule (89), 25 with both: the two fall on either side."""
    both, n_a, n_b, n = 25, 123, 89, 621
    low, high = lift_interval(both, n_a, n_b, n)
    cells = [[both, n_a - both], [n_b - both, n - n_a - n_b + both]]
    pearson = chi2_contingency(cells, correction=False).pvalue
    law = hypergeom(n, n_a, n_b)
    exact = min(1.0, 2 * min(law.sf(both - 1), law.cdf(both)))
    assert float(independence_p(both, n_a, n_b, n)) == pytest.approx(exact)
    assert pearson < 0.05 <= exact
    assert not float(low) <= 1 <= float(high)
    assert "another test" in TERMS["lift"]
    assert "interval" in TERMS["p"]
