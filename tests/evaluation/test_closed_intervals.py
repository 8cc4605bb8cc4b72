"""Intervals in closed form: Wilson's of clusters, F's, DeLong's, ECE's by test inversion, and how they add up."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lt_core.evaluation.intervals import f1_interval
from lt_core.evaluation.uncertainty import evaluate
from lt_core.evaluation.uncertainty.cells import cells_of
from lt_core.evaluation.uncertainty.closed import (
    design_effect,
    f_interval,
    inflation,
    mean_of_two,
    proportion,
    square_and_add,
)
from lt_core.evaluation.uncertainty.delong import auroc_interval, placements, variance
from lt_core.evaluation.uncertainty.drawing import draw
from lt_core.evaluation.uncertainty.ece import ece_interval, gaps_of, normal_gaps
from tests.evaluation.test_point_values import made, scored


def test_proportions_of_single_images_are_wilson_of_scipy() -> None:
    given = made(1)
    table = evaluate(given, draws=0).classes
    for _, row in table.iterrows():
        expected = stats.binomtest(int(row["tp"]), int(row["tp"] + row["fn"])).proportion_ci(method="wilson")
        assert row["recall_low"] == pytest.approx(expected.low, abs=1e-9)
        assert row["recall_high"] == pytest.approx(expected.high, abs=1e-9)
        assert row["recall_method"] == "Wilson"


def test_copies_of_an_image_tell_nothing_new() -> None:
    """Three equal images a patient: the design effect is 3 (P / (P - 1) apart), the interval that of the patients."""
    hits = np.array([1.0, 0, 1, 1, 0, 1, 1, 1, 0, 1])[:, None]
    one = np.ones((10, 1))
    assert design_effect(hits, one) == pytest.approx(10 / 9)
    assert design_effect(3 * hits, 3 * one) == pytest.approx(3 * 10 / 9)
    for ends, expected in zip(proportion(3 * hits, 3 * one), proportion(hits, one), strict=True):
        assert ends == pytest.approx(expected, abs=1e-12)
    assert design_effect(0 * hits, one) == pytest.approx(1.0)


def test_a_design_effect_known_from_few_patients_is_not_believed() -> None:
    """Student's t with Satterthwaite's degrees of freedom, the variance of the effect by leaving out each patient."""
    random = np.random.default_rng(5)
    trials = random.integers(1, 6, size=(500, 1)).astype(float)
    hits = random.binomial(trials.astype(int), random.beta(0.1, 0.9, size=(500, 1))).astype(float)
    logs = np.log([design_effect(np.delete(hits, i, 0), np.delete(trials, i, 0))[0] for i in range(500)])
    freedom = 2 / (499 / 500 * ((logs - logs.mean()) ** 2).sum())
    expected = design_effect(hits, trials) * (stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975)) ** 2
    assert inflation(hits, trials) == pytest.approx(expected, rel=1e-3)
    assert inflation(hits[:25], trials[:25]) > 1.05 * design_effect(hits[:25], trials[:25])
    hits, one = (random.random((20, 1)) < 0.2).astype(float), np.ones((20, 1))
    for times in (1, 3):  # nothing is estimated where all images of a patient agree
        assert inflation(times * hits, times * one) == pytest.approx(design_effect(times * hits, times * one), rel=1e-6)


def test_few_patients_are_warned_of_where_they_have_several_images() -> None:
    given = made(2, n=200)
    patients = np.arange(200)
    patients[np.flatnonzero(given.targets[:, 0] == 1)] %= 15
    several = evaluate(scored(given.scores, given.targets, patients=patients), draws=0).classes["warning"][0]
    n = len(set(patients[given.targets[:, 0] == 1]))
    assert f"{n} patients with a positive: with fewer than 20 an interval may hold but 92 %" in several
    assert "patients" not in evaluate(given, draws=0).classes["warning"][0]


def test_patients_with_several_images_widen_what_is_said() -> None:
    given = made(2, n=200)
    doubled = scored(
        np.repeat(given.scores, 3, axis=0), np.repeat(given.targets, 3, axis=0), patients=np.repeat(np.arange(200), 3)
    )
    once, thrice = (evaluate(one, draws=200).classes for one in (given, doubled))
    for name in ("recall", "f1", "auroc", "ap", "mcc", "balanced_accuracy", "brier"):
        widths = [table[f"{name}_high"] - table[f"{name}_low"] for table in (once, thrice)]
        assert widths[1].to_numpy() == pytest.approx(widths[0].to_numpy(), rel=0.1), name
    assert "patients" in thrice["recall_method"][0]
    assert "Obuchowski" in thrice["auroc_method"][0]


def test_f_interval_of_beta_one_is_wilson_indirect() -> None:
    tp, fp, fn = np.array([0, 3, 7, 5, 0]), np.array([4, 2, 0, 9, 0]), np.array([5, 1, 0, 2, 0])
    for mine, known in zip(f_interval(tp, fp, fn), f1_interval(tp, fp, fn), strict=True):
        assert mine == pytest.approx(known, abs=1e-12, nan_ok=True)
    low, high = f_interval(tp, fp, fn, beta=2.0)
    value = 5 * tp[1] / (5 * tp[1] + 4 * fn[1] + fp[1])
    assert low[1] < value < high[1]


def test_variance_of_auroc_is_delongs_in_a_double_loop() -> None:
    given = made(4, n=200, c=2)
    cells = cells_of(given)
    found = variance(cells, *placements(cells))
    for k in range(2):
        high, low = given.scores[cells.truth[:, k], k], given.scores[~cells.truth[:, k], k]
        wins = np.array([[float(x > y) + 0.5 * float(x == y) for y in low] for x in high])
        expected = wins.mean(axis=1).var(ddof=1) / len(high) + wins.mean(axis=0).var(ddof=1) / len(low)
        assert found[k] == pytest.approx(expected, rel=1e-10)


def test_variance_of_auroc_by_patient_is_obuchowskis() -> None:
    given = made(4, n=60, c=1)
    given = scored(given.scores, given.targets, patients=np.arange(60) // 3)
    cells = cells_of(given)
    true, units = cells.truth[:, 0], cells.units
    high, low = given.scores[true, 0], given.scores[~true, 0]
    wins = np.array([[float(x > y) + 0.5 * float(x == y) for y in low] for x in high])
    area, m, n = wins.mean(), len(high), len(low)
    v10 = np.bincount(units[true], weights=wins.mean(axis=1) - area, minlength=20)
    v01 = np.bincount(units[~true], weights=wins.mean(axis=0) - area, minlength=20)
    i10, i01 = len(set(units[true])), len(set(units[~true]))
    expected = (
        i10 / ((i10 - 1) * m * m) * (v10**2).sum()
        + i01 / ((i01 - 1) * n * n) * (v01**2).sum()
        + 2 * 20 / (19 * m * n) * (v10 * v01).sum()
    )
    assert variance(cells, *placements(cells))[0] == pytest.approx(expected, rel=1e-10)


def test_a_perfect_ranking_of_few_is_not_certain() -> None:
    """At AUROC 1 DeLong's variance is 0; three positives cannot say that much. With many, DeLong's own is found."""
    p, y = np.linspace(0, 1, 40)[:, None], (np.arange(40) > 36)[:, None]
    found = auroc_interval(cells_of(scored(p, y)), np.array([1.0]))
    assert found.high[0] == 1.0
    assert 0.5 < found.low[0] < 0.75
    # two equal placements out of three: DeLong's variance hardly sees the spread that so few must have
    p = np.r_[np.linspace(0, 1, 40), 0.805, 0.806, 0.95][:, None]
    few = cells_of(scored(p, (np.arange(43) >= 40)[:, None]))
    area = np.array([(33 + 33 + 38) / 40 / 3])
    steadied = auroc_interval(few, area)
    assert steadied.high[0] - steadied.low[0] > 1.5 * 2 * 1.96 * np.sqrt(variance(few, *placements(few))[0])
    many = made(5, n=20_000, c=1)
    cells = cells_of(many)
    value = evaluate(many, draws=0).classes["auroc"].to_numpy()
    error = np.sqrt(variance(cells, *placements(cells)))
    ends = auroc_interval(cells, value)
    assert ends.high - ends.low == pytest.approx(2 * 1.959964 * error, rel=0.01)


def test_intervals_add_up_like_errors() -> None:
    """With symmetric ends it is the plain standard error of a sum; a copy of itself cancels in a difference."""
    middle, half = np.array([0.5, 0.4]), np.array([0.1, 0.2])
    low, high = square_and_add(middle, middle - half, middle + half, np.array([0.5, 0.5]), np.eye(2))
    assert (high - low) / 2 == pytest.approx(np.sqrt(0.1**2 + 0.2**2) / 2)
    assert (high + low) / 2 == pytest.approx(0.45)
    same = np.array([0.5, 0.5])
    gap = square_and_add(same, same - 0.1, same + 0.1, np.array([1.0, -1.0]), np.ones((2, 2)))
    assert gap == pytest.approx((0.0, 0.0))
    skewed = square_and_add(
        np.array([0.9, 0.5]), np.array([0.6, 0.4]), np.array([0.95, 0.6]), np.array([1.0, -1.0]), np.eye(2)
    )
    assert skewed[0] == pytest.approx(0.4 - np.sqrt(0.3**2 + 0.1**2))
    assert skewed[1] == pytest.approx(0.4 + np.sqrt(0.05**2 + 0.1**2))
    ends = (np.array([0.6]), np.array([0.95])), (np.array([0.4]), np.array([0.6]))
    two = mean_of_two(np.array([0.9]), ends[0], np.array([0.5]), ends[1])
    general = square_and_add(
        np.array([0.9, 0.5]), np.array([0.6, 0.4]), np.array([0.95, 0.6]), np.array([0.5, 0.5]), np.eye(2)
    )
    assert [two[0][0], two[1][0]] == pytest.approx(general)


def test_ece_of_a_calibrated_model_may_be_zero_and_of_a_bent_one_not() -> None:
    random = np.random.default_rng(6)
    p = random.random((2000, 2))
    y = random.random((2000, 2)) < np.stack([p[:, 0], p[:, 1] ** 3], axis=1)
    found = evaluate(scored(p, y), draws=300).classes
    assert found["ece"][0] > 0.005
    assert found["ece_low"][0] < 0.01
    true = float(np.mean([abs(np.mean(x - x**3)) for x in np.array_split(np.linspace(0, 1, 15_000), 15)]))
    assert found["ece_low"][1] < true < found["ece_high"][1]
    assert found["ece_low"][1] > 0.15


def test_gaps_drawn_from_the_normal_agree_with_the_bootstrap() -> None:
    given = made(7, n=3000, c=2)
    cells = cells_of(given)
    drawn = draw(cells, ("ece",), n_draws=800, seed=0, pooled=False).gaps
    assert drawn is not None
    other = normal_gaps(cells, 800, 0)
    assert other.std(axis=2) == pytest.approx(drawn.std(axis=2), rel=0.15, abs=1e-5)
    for mine, plain in zip(ece_interval(gaps_of(cells), other), ece_interval(gaps_of(cells), drawn), strict=True):
        assert mine == pytest.approx(plain, abs=0.006)


@pytest.mark.parametrize("images_each", [1, 3])
def test_gaps_drawn_from_the_normal_spread_as_patients_do(images_each: int) -> None:
    """Their covariance is that of a ratio of sums over patients: each patient's p - y less the gap, by bin, squared."""
    random = np.random.default_rng(8)
    p = random.choice([0.1, 0.5, 0.9], (300, 1))
    y = np.where(random.random((300, 1)) < 0.2, np.nan, random.random((300, 1)) < 0.3)  # far too sure at 0.9
    cells = cells_of(scored(p, y, patients=np.arange(300) // images_each))
    known = ~np.isnan(y[:, 0])
    bins = {int(np.floor(value * 15)): value for value in (0.1, 0.5, 0.9)}
    spread = np.zeros((15, 15))
    gap = np.array([np.sum((p - y)[known & (p[:, 0] == bins.get(b, -1.0))]) / known.sum() for b in range(15)])
    for patient in range(300 // images_each):
        u = np.zeros(15)
        for row in range(patient * images_each, (patient + 1) * images_each):
            if known[row]:
                u[int(np.floor(p[row, 0] * 15))] += p[row, 0] - y[row, 0]
                u -= gap
        spread += np.outer(u, u) / known.sum() ** 2
    drawn = normal_gaps(cells, 100_000, 0)[0]
    assert gaps_of(cells)[0] == pytest.approx(gap, abs=1e-12)
    assert drawn.mean(axis=1) == pytest.approx(gap, abs=0.02 * np.sqrt(spread.max()))
    assert np.cov(drawn, bias=True) == pytest.approx(spread, rel=0.03, abs=0.02 * spread.max())


def test_three_of_three_is_not_certain() -> None:
    """All draws say 1; the intervals do not."""
    p = np.r_[np.full(37, 0.1), np.full(3, 0.9)][:, None]
    row = evaluate(scored(p, p > 0.5), draws=200).classes.iloc[0]
    for name in ("ap", "f1", "f_beta", "recall", "auroc"):
        assert row[name] == 1
        assert row[f"{name}_low"] < 0.75, name
        assert row[f"{name}_high"] == 1
    assert np.isnan(row["mcc_low"])


def test_the_ends_of_a_mean_stay_where_a_mean_can_be() -> None:
    """Two classes of two positives each among noise: making up for the bias of AP would lead below 0."""
    rng = np.random.default_rng(4)
    truth, p = np.zeros((300, 2), np.float32), rng.random((300, 2))
    truth[:2, 0] = truth[2:4, 1] = 1
    found = evaluate(scored(p, truth), draws=100, groups=["tail", "tail"])
    for values in (found.macro, found.groups["tail"]):
        assert values["ap"].low == 0, "the lowest that a mean can be"
        for name, value in values.items():
            least = -1 if name == "mcc" else 0
            assert least <= value.low <= value.value <= value.high <= 1 or np.isnan(value.low), name
