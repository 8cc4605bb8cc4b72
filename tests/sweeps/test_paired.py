"""Intervals and tests over seeds are those of the textbook, held against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from lt_core.problems import Invalid
from lt_core.sweeps.paired import difference_of, holm, mean_of, sign_flip, verdict

NAN = math.nan


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_means_and_differences_are_those_of_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(20):
        a, b = rng.normal(0.5, 0.1, n), rng.normal(0.45, 0.1, n)
        test = stats.ttest_rel(a, b)
        low, high = test.confidence_interval(0.95)
        found = difference_of(a.tolist(), b.tolist())
        assert (found.n, found.mean) == (n, pytest.approx((a - b).mean()))
        assert (found.p_t, found.low, found.high) == pytest.approx((test.pvalue, low, high))
        mean = mean_of(a)
        ends = stats.t.interval(0.95, n - 1, loc=a.mean(), scale=stats.sem(a))
        assert (mean.mean, mean.low, mean.high) == pytest.approx((a.mean(), *ends))


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_the_exact_test_is_the_permutation_test_of_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    for digits in (3, 1):  # with one digit there are ties
        gaps = rng.normal(0.1, 0.2, n).round(digits)
        exact = stats.permutation_test(
            (gaps,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
        )
        assert sign_flip(gaps) == pytest.approx(float(exact.pvalue))


def test_the_exact_test_tells_how_little_few_seeds_can_say() -> None:
    assert difference_of([0.5] * 5, [0.1, 0.2, 0.15, 0.1, 0.3]).p_exact == 2 / 2**5
    assert difference_of([0.5] * 3, [0.1, 0.2, 0.3]).p_exact == 2 / 2**3
    with pytest.raises(Invalid):
        sign_flip(np.ones(21))


def test_few_or_equal_values_are_said_to_be_what_they_are() -> None:
    assert mean_of([]).n == 0
    one = mean_of([0.4, NAN])
    assert (one.n, one.mean) == (1, 0.4)
    assert math.isnan(one.low)
    assert math.isnan(difference_of([0.4, NAN], [0.3, 0.1]).p_t)
    same = difference_of([0.4, 0.5], [0.4, 0.5])
    assert (same.p_t, same.p_exact, verdict(same.mean, same.p_t)) == (1.0, 1.0, "cannot tell")
    assert (same.low, same.high) == (0.0, 0.0)
    with pytest.raises(Invalid, match="as many as"):
        difference_of([0.1], [0.1, 0.2])


@pytest.mark.parametrize(("n", "word"), [(3, "cannot tell"), (5, "cannot tell"), (6, "better")])
def test_the_same_difference_in_every_seed_is_no_proof_by_itself(n: int, word: str) -> None:
    """Two more of 62 positives found in each seed: their scatter is below what can be seen, not 0."""
    reference = np.arange(n) / 62
    found = difference_of((reference + 2 / 62).tolist(), reference.tolist())
    assert found.p_t == found.p_exact == 2 / 2**n
    assert verdict(found.mean, found.p_t) == word
    assert math.isnan(found.low)
    assert math.isnan(mean_of([2 / 62] * n).low)


def test_pairs_are_pairs_and_not_two_heaps() -> None:
    base = [0.1, 0.5, 0.9, 0.3, 0.7]
    found = difference_of([value + gap for value, gap in zip(base, (0.01, 0.02, 0.015, 0.01, 0.02), strict=True)], base)
    assert found.p_t < 0.01, "seeds differ by far more than the losses, and all the same way"


def test_holm_is_worked_out_by_hand() -> None:
    # sorted 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1, then never falling
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    adjusted = holm([NAN, 0.02])
    assert math.isnan(adjusted[0])
    assert adjusted[1] == 0.02


def test_holm_keeps_false_alarms_rare() -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(600):
        gaps = rng.normal(0, 1, (6, 5))  # six losses that are no different, five seeds
        p = [difference_of(row.tolist(), [0.0] * 5).p_t for row in gaps]
        alarms += any(value < 0.05 for value in holm(p))
    assert alarms / 600 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


@pytest.mark.parametrize(
    ("gap", "p", "word"),
    [(0.1, 0.01, "better"), (-0.1, 0.01, "worse"), (0.1, 0.05, "cannot tell"), (0.1, NAN, "cannot tell")],
)
def test_the_word_follows_the_adjusted_p(gap: float, p: float, word: str) -> None:
    assert verdict(gap, p) == word
