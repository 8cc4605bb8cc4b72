"""What a loss gains in the tail, at 0.5 and with thresholds of one's own, from the same draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import f1_score

from lt_core.evaluation.scored import Scored
from lt_core.evaluation.tail_gain import OWN, RULES, Entrant, share_ends, tail_gain
from lt_core.evaluation.thresholds import tune
from lt_core.problems import Problem

MEMBER = ("head", "medium", "tail", "tail")
RATES = np.array([0.4, 0.15, 0.05, 0.04])


def part(seed: int, shift: float, n: int = 2000) -> Scored:
    """The same images for a seed; ``shift`` moves all logits, which ranks nothing differently."""
    rng = np.random.default_rng(seed)
    y = (rng.random((n, 4)) < RATES).astype(np.float32)
    z = rng.normal(-3, 1.0, (n, 4)) + 2.5 * y + shift
    patients = np.array([f"p{k // 2}" for k in range(n)])
    return Scored(("a", "b", "c", "d"), z, expit(z), y, np.arange(n).astype(str), link="sigmoid", patients=patients)


@pytest.fixture(scope="module")
def table():  # type: ignore[no-untyped-def]
    """A model, and the same one with logits moved up by 2: all it gains is a better cut at 0.5."""
    models = [Entrant(f"shift {s:g}", part(0, s), part(1, s)) for s in (-2.0, 0.0)]
    return tail_gain(models, MEMBER, draws=300).set_index(["run", "group", "rule"])


def test_the_values_are_means_of_scikit_learns_f1(table) -> None:  # type: ignore[no-untyped-def]
    for shift in (-2.0, 0.0):
        test = part(1, shift)
        own = tune(part(0, shift), "f1").values
        for rule, cut in zip(RULES, (0.5, own), strict=True):
            f1 = f1_score(test.targets, test.probabilities >= cut, average=None)
            for group, which in (("head", [0]), ("medium", [1]), ("tail", [2, 3]), ("all", [0, 1, 2, 3])):
                row = table.loc[f"shift {shift:g}", group, rule]
                assert row["value"] == pytest.approx(f1[which].mean(), abs=1e-12)
                assert row["n_classes"] == len(which)
                assert row["n_positive"] == test.targets[:, which].sum()


def test_a_gain_that_is_a_shift_of_logits_is_gone_once_thresholds_are_tuned(table) -> None:  # type: ignore[no-untyped-def]
    moved = table.loc["shift 0"]
    assert moved.loc[("tail", "0.5"), "gain"] > 0.05
    assert moved.loc[("tail", "0.5"), "gain_low"] > 0
    assert moved.loc[("tail", OWN), "gain"] == pytest.approx(0, abs=1e-12)
    assert moved.loc[("tail", OWN), "gain_low"] == moved.loc[("tail", OWN), "gain_high"] == 0
    assert tuple(moved.loc[("tail", OWN), ["remains", "remains_low", "remains_high"]]) == pytest.approx((0, 0, 0))


def test_the_first_model_gains_nothing_on_itself_and_has_no_share(table) -> None:  # type: ignore[no-untyped-def]
    first = table.loc["shift -2"]
    assert (first[["gain", "gain_low", "gain_high"]] == 0).all(axis=None)
    assert first["remains"].isna().all()
    assert table.xs("0.5", level="rule")["remains"].isna().all()
    inside = (table["low"] <= table["value"]) & (table["value"] <= table["high"])
    assert inside.all()


def tail_f1(test: Scored, rows: NDArray[np.int64]) -> float:
    assert test.probabilities is not None
    true, called = test.targets[rows][:, 2:] == 1, test.probabilities[rows][:, 2:] >= 0.5
    return float(np.mean(2 * (true & called).sum(axis=0) / (true.sum(axis=0) + called.sum(axis=0))))


def test_the_interval_of_a_gain_is_that_of_paired_draws_by_patient() -> None:
    models = [Entrant("a", part(0, 0.0), part(1, 0.0)), Entrant("b", part(2, 1.0), part(1, 1.0))]
    found = tail_gain(models, MEMBER, draws=400, seed=5).set_index(["run", "group", "rule"])
    one, other = models[0].test, models[1].test
    rng, gaps = np.random.default_rng(9), []
    for _ in range(400):
        drawn = rng.integers(0, 1000, 1000)
        rows = np.concatenate([2 * drawn, 2 * drawn + 1])
        gaps.append(tail_f1(other, rows) - tail_f1(one, rows))
    row = found.loc["b", "tail", "0.5"]
    low, high = np.nanpercentile(gaps, [2.5, 97.5])
    assert row["gain_low"] == pytest.approx(low, abs=0.02)
    assert row["gain_high"] == pytest.approx(high, abs=0.02)


def test_a_share_remains_only_of_a_gain_that_can_be_told_from_none() -> None:
    models = [Entrant(f"{s:g}", part(0, s, n=400), part(1, s, n=400)) for s in (0.0, 0.05, 1.0)]
    own = Entrant("own", part(3, 0.0, n=400), replace(part(4, 1.0, n=400), targets=models[0].test.targets))
    found = tail_gain([*models, own], MEMBER, draws=200).set_index(["run", "group", "rule"])
    for run in ("0", "0.05", "1", "own"):
        for group in ("head", "medium", "tail", "all"):
            half, mine = found.loc[(run, group, "0.5")], found.loc[(run, group, OWN)]
            assert np.isnan(mine["remains"]) == (not half["gain_low"] > 0), (run, group)
            assert np.isnan(mine["remains_low"]) == np.isnan(mine["remains"])
            if half["gain_low"] > 0:
                assert mine["remains"] == pytest.approx(mine["gain"] / half["gain"])
                assert mine["remains_low"] - 1e-9 <= mine["remains"] <= mine["remains_high"] + 1e-9
    told = found[found["gain"] > 0].xs("0.5", level="rule")["gain_low"] > 0
    assert told.any()
    assert not told.all(), "the test holds gains of both kinds"


def test_the_interval_of_a_share_is_fiellers() -> None:
    rng = np.random.default_rng(0)
    for mean, spread in ((1.0, 0.05), (1.0, 0.4)):
        spreads = np.array([0.3, spread])
        together = np.outer(spreads, spreads) * [[1, 0.5], [0.5, 1]]
        part_of, whole = rng.multivariate_normal((0.6, mean), together, 100_000).T
        z, cross = norm.ppf(0.975), 0.5 * 0.3 * spread
        a, b, c = mean**2 - z * z * spread**2, -2 * (0.6 * mean - z * z * cross), 0.6**2 - z * z * 0.3**2
        assert share_ends(part_of, whole) == pytest.approx(sorted(np.roots([a, b, c])), rel=0.03, abs=0.01)


def test_models_that_only_rank_have_no_gain_at_one_half() -> None:
    a, b = (Entrant(name, part(0, 0), part(1, 0)) for name in "ab")
    ranks = Entrant("ranks", b.validation, replace(b.test, probabilities=None))
    with pytest.raises(Problem, match="ranks: scores that only rank"):
        tail_gain([a, ranks], MEMBER)


def test_models_on_other_images_do_not_compare() -> None:
    a, b = Entrant("a", part(0, 0), part(1, 0)), Entrant("b", part(0, 0), part(1, 0, n=100))
    with pytest.raises(Problem, match="differ in classes or test images"):
        tail_gain([a, b], MEMBER)
    with pytest.raises(Problem, match="a name of its own"):
        tail_gain([a, a], MEMBER)
    with pytest.raises(Problem, match="groups must be"):
        tail_gain([a], ("head",))
    with pytest.raises(Problem, match="got 'accuracy'"):
        tail_gain([a], MEMBER, metric="accuracy")
