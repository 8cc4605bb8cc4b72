"""The bootstrap: draws equal to a loop over resampled rows, intervals equal to SciPy's given the same resamples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics as reference
from numpy.typing import NDArray
from scipy import stats

from lt_core.evaluation.uncertainty import METRICS, draw, evaluate
from lt_core.evaluation.uncertainty.answering import answers, standard_error
from lt_core.evaluation.uncertainty.by_image import by_image, of_images
from lt_core.evaluation.uncertainty.cells import cells_of
from lt_core.evaluation.uncertainty.evaluating import point_values
from lt_core.evaluation.uncertainty.faster import Ranker
from lt_core.evaluation.uncertainty.ordered import Order
from lt_core.evaluation.uncertainty.resampled import bca, correlations, expanded, percentile, two_sided
from lt_core.evaluation.uncertainty.weights import PART, ahead, blocks
from tests.evaluation.test_point_values import made, scored


def test_a_draw_takes_as_many_patients_as_there_are() -> None:
    units = np.array([0, 0, 1, 2, 2, 2, 3])
    parts = list(blocks(units, 4, 40, 7, block_bytes=4 * 7 * 9))
    assert [(part.start, part.stop) for part, _ in parts] == [(0, 9), (9, 18), (18, 27), (27, 36), (36, 40)]
    weights = np.concatenate([w for _, w in parts], axis=1)
    assert (weights[[0, 2, 3, 6]].sum(axis=0) == 4).all()
    assert (weights[0] == weights[1]).all()
    assert (weights[3] == weights[5]).all()
    again = np.concatenate([w for _, w in blocks(units, 4, 40, 7)], axis=1)
    assert (weights == again).all()  # the block size is a matter of memory alone
    assert not (weights == np.concatenate([w for _, w in blocks(units, 4, 40, 8)], axis=1)).all()
    early = list(ahead(blocks(units, 4, 40, 7, block_bytes=4 * 7 * 9)))
    assert [part for part, _ in early] == [part for part, _ in parts]
    assert (np.concatenate([w for _, w in early], axis=1) == weights).all()


def test_weights_are_multinomial() -> None:
    """Mean 1, variance 1 - 1/n, and as many patients left out as Poisson would, in one part and in many."""
    for n in (50, 4 * PART + 17):
        draws = 4000 if n == 50 else 3
        weights = np.concatenate([w for _, w in blocks(np.arange(n), n, draws, 0)], axis=1)
        assert (weights.sum(axis=0) == n).all()
        assert weights.var() == pytest.approx(1 - 1 / n, abs=0.02)
        assert (weights == 0).mean() == pytest.approx((1 - 1 / n) ** n, abs=0.01)


@pytest.mark.parametrize("unknown", [0.0, 0.15])
def test_draws_equal_a_loop_over_resampled_rows(unknown: float) -> None:
    given = made(1, n=90, c=3, unknown=unknown)
    patients = np.random.default_rng(2).integers(0, 40, 90)
    given = scored(given.scores, given.targets, patients=patients)
    cells = cells_of(given, 0.4)
    found = draw(cells, n_draws=12, seed=3, images=of_images(cells))
    weights = np.concatenate([w for _, w in blocks(cells.units, cells.n_units, 12, 3)], axis=1).astype(int)
    for b in range(12):
        rows = np.repeat(np.arange(90), weights[:, b])
        resampled = cells_of(given.only(rows), 0.4)
        for name, values in point_values(resampled).items():
            assert found.classes[name][b] == pytest.approx(values, abs=1e-6, nan_ok=True), name
        whole = evaluate(given.only(rows), thresholds=0.4, draws=0)
        assert found.micro["ap"][b] == pytest.approx(whole.micro["ap"].value, abs=1e-6)
        assert found.micro["auroc"][b] == pytest.approx(whole.micro["auroc"].value, abs=1e-6)
        assert found.mean("f1")[b] == pytest.approx(whole.macro["f1"].value, abs=1e-6)
        assert found.weighted("ap")[b] == pytest.approx(whole.weighted["ap"].value, abs=1e-6)
        for name, values in by_image(resampled).items():
            assert found.whole[name][b] == pytest.approx(np.nanmean(values), abs=1e-5), name


def _ap(y: NDArray[np.int64], s: NDArray[np.float64]) -> float:
    return float(reference.average_precision_score(y, s))


def _auroc(y: NDArray[np.int64], s: NDArray[np.float64]) -> float:
    gaps = s[y == 1][:, None] - s[y == 0][None, :]
    return float((gaps > 0).mean() + (gaps == 0).mean() / 2)


def _f1(y: NDArray[np.int64], s: NDArray[np.float64]) -> float:
    called = s >= 0.5
    return float(2 * y[called].sum() / (y.sum() + called.sum()))


@pytest.mark.parametrize(("name", "measure"), [("ap", _ap), ("auroc", _auroc), ("f1", _f1)])
@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_intervals_equal_scipy_given_the_same_resamples(
    name: str, measure: Callable[[NDArray[np.int64], NDArray[np.float64]], float], method: str
) -> None:
    random = np.random.default_rng(4)
    y = (np.arange(60) < 25).astype(np.int64)
    s = np.round(1 / (1 + np.exp(-(random.normal(size=60) + 2 * y - 1))), 1)
    seen: list[NDArray[np.int64]] = []

    def statistic(rows: NDArray[np.int64]) -> float:
        seen.append(np.bincount(rows, minlength=60))
        return measure(y[rows], s[rows])

    theirs = stats.bootstrap(
        (np.arange(60),), statistic, n_resamples=99, vectorized=False, method=method, rng=np.random.default_rng(5)
    )
    weights = np.stack([w for w in seen if w.sum() == 60][:99], axis=1)
    cells = cells_of(scored(s[:, None], y[:, None]))
    if name == "f1":
        draws = np.array([measure(np.repeat(y, w), np.repeat(s, w)) for w in weights.T])
    else:
        draws = Order.of(s, y == 1, np.ones(60, np.bool_)).measures(weights.astype(float))[name == "auroc"]
    assert np.sort(draws) == pytest.approx(np.sort(theirs.bootstrap_distribution), abs=1e-12)
    without = np.array([measure(np.delete(y, i), np.delete(s, i)) for i in range(60)])
    value = point_values(cells)[name]
    ends = percentile(draws[:, None]) if method == "percentile" else bca(draws[:, None], value, -without[:, None])
    assert ends[0][0] == pytest.approx(theirs.confidence_interval.low, abs=1e-12)
    assert ends[1][0] == pytest.approx(theirs.confidence_interval.high, abs=1e-12)


def test_influence_is_the_derivative_and_close_to_the_jackknife() -> None:
    given = made(6, n=200, c=2, unknown=0.1)
    order = Order.of(given.scores[:, 0], given.targets[:, 0] == 1, ~np.isnan(given.targets[:, 0]))
    influence = order.influence()
    for row in range(0, 200, 17):
        nudged = np.ones((200, 2))
        nudged[row] += [1e-5, -1e-5]
        for mine, measured in zip(influence, order.measures(nudged), strict=True):
            assert mine[row] == pytest.approx((measured[0] - measured[1]) / 2e-5, abs=1e-8)
    without = 1.0 - np.eye(200)
    for mine, left_out in zip(influence, order.measures(without), strict=True):
        assert mine.sum() == pytest.approx(0.0, abs=1e-12)
        jackknife = np.sqrt(199 / 200 * ((left_out - left_out.mean()) ** 2).sum())
        assert standard_error(mine[:, None])[0] == pytest.approx(jackknife, rel=0.03)


def test_answers_of_counts_are_the_jackknife_by_patient() -> None:
    given = made(7, n=80, c=2)
    given = scored(given.scores, given.targets, patients=np.arange(80) // 2)
    moved = answers(cells_of(given), METRICS)
    whole = point_values(cells_of(given))
    left = point_values(cells_of(given.only(np.arange(80) // 2 != 11)))
    for name in ("f1", "mcc", "npv", "f_beta"):
        assert moved[name][11] == pytest.approx(whole[name] - left[name], abs=1e-12)
    for name in ("brier", "ap", "auroc", "ece"):
        assert moved[name][11] == pytest.approx(whole[name] - left[name], abs=0.01)


def test_the_faster_form_agrees_with_the_plain_one_draw_by_draw() -> None:
    n, random = 20_000, np.random.default_rng(8)
    weights = np.concatenate([w for _, w in blocks(np.arange(n), n, 60, 0)], axis=1)
    # the straight line alone is for many positives, where what it leaves out is small beside the spread
    for rate, limits, close in ((0.02, {"top": 2000}, 0.03), (0.4, {"many": 100}, 0.1)):
        y = random.random(n) < rate
        order = Order.of(np.round(random.normal(size=n) + 1.5 * y, 3), y, np.ones(n, np.bool_))
        plain = Ranker.of(order, exact=True).measures(weights, np.zeros((60, 0)))
        fast = Ranker.of(order, exact=False, **limits)
        found = fast.measures(weights, (weights.T @ fast.columns).astype(np.float64))
        for mine, exact in zip(found, plain, strict=True):
            assert np.abs(mine - exact).max() < close * exact.std(), limits


def test_draws_in_which_a_class_has_no_positive_are_left_out() -> None:
    given = scored(np.linspace(0, 1, 20)[:, None], np.r_[np.zeros(18), 1.0, 1.0][:, None])
    draws = draw(cells_of(given), n_draws=500, seed=0).classes["ap"]
    assert 0.05 < np.isnan(draws).mean() < 0.25
    low, high = percentile(draws)
    assert np.isfinite([low[0], high[0]]).all()
    assert (low <= np.nanmedian(draws)).all()


def test_levels_widen_as_positives_get_few() -> None:
    """Hesterberg 2015: at n = 10 a 95 % interval takes the percentiles 0.86 and 99.14."""
    levels = expanded(np.array([1.0, 2.0, 10.0, 1e6]))
    assert np.isnan(levels[0])
    expected = 2 * stats.norm.cdf(-stats.t.ppf(0.975, 9) * np.sqrt(10 / 9))
    assert levels[2] == pytest.approx(expected, abs=1e-12)
    assert levels[1] < levels[2] < levels[3]
    assert levels[3] == pytest.approx(0.05, abs=1e-5)


def test_p_values_and_correlations_of_draws() -> None:
    draws = np.array([[-1.0, 1.0, 0.0], [1.0, 2.0, 0.0], [2.0, 3.0, 0.0], [3.0, np.nan, 0.0]])
    assert two_sided(draws).tolist() == pytest.approx([2 * 2 / 5, 2 * 1 / 4, 1.0])
    random = np.random.default_rng(9).normal(size=(500, 3))
    random[:, 2] = 0.25
    found = correlations(random)
    assert found[:2, :2] == pytest.approx(np.corrcoef(random[:, :2].T), abs=1e-12)
    assert found[2].tolist() == [0.0, 0.0, 1.0]
