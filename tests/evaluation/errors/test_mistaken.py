"""Missed A, called B: counts by an obvious loop, intervals and tests by scipy and statistics textbooks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import fisher_exact

from lt_core.evaluation.errors import missed_called
from lt_core.evaluation.errors.shares import Share, equal_p, newcombe
from lt_core.evaluation.scored import Scored

CUTS = np.array([0.5, 0.4, 0.6, 0.5])


def by_loop(scored: Scored, a: int, b: int) -> dict[str, float]:
    """Return what the definition says of one pair, image by image."""
    assert scored.probabilities is not None
    missed: dict[tuple[float, ...], list[bool]] = defaultdict(list)
    neither: dict[tuple[float, ...], list[bool]] = defaultdict(list)
    for y, p in zip(scored.targets, scored.probabilities, strict=True):
        others = tuple(-1.0 if np.isnan(v) else float(v) for c, v in enumerate(y) if c not in (a, b))
        if y[b] == 0 and y[a] == 1 and p[a] < CUTS[a]:
            missed[others].append(bool(p[b] >= CUTS[b]))
        if y[b] == 0 and y[a] == 0:
            neither[others].append(bool(p[b] >= CUTS[b]))
    alike = {key: hits for key, hits in missed.items() if key in neither}
    n = sum(map(len, missed.values()))
    n_alike = sum(map(len, alike.values()))
    return {
        "n": n,
        "n_called": sum(map(sum, missed.values())),
        "n_alike": n_alike,
        "rate_alike": sum(map(sum, alike.values())) / n_alike,
        "baseline": sum(len(hits) / n_alike * np.mean(neither[key]) for key, hits in alike.items()),
        "n_baseline": 1 / sum((len(hits) / n_alike) ** 2 / len(neither[key]) for key, hits in alike.items()),
        "all_n": sum(map(len, neither.values())),
        "all_called": sum(map(sum, neither.values())),
    }


def test_every_pair_is_that_of_a_loop(scored: Scored) -> None:
    likes, plain = missed_called(scored, CUTS).pairs, missed_called(scored, CUTS, given="nothing").pairs
    assert len(likes) == len(plain) == 12
    for (_, row), (_, bare) in zip(likes.iterrows(), plain.iterrows(), strict=True):
        a, b = (scored.class_names.index(row[key]) for key in ("missed", "called"))
        wanted = by_loop(scored, a, b)
        for key in ("n", "n_called", "n_alike", "rate_alike", "baseline", "n_baseline"):
            assert row[key] == pytest.approx(wanted[key], abs=1e-12), key
        assert bare["n_baseline"] == wanted["all_n"]
        assert bare["baseline"] == pytest.approx(wanted["all_called"] / wanted["all_n"])


def test_one_more_of_the_other_findings_explains_what_is_called_with_it() -> None:
    # C makes the model call B, and C comes with A: A itself does nothing
    random = np.random.default_rng(1)
    truth = np.zeros((4000, 3), np.float32)
    truth[:, 0] = random.random(4000) < 0.3
    truth[:, 2] = random.random(4000) < np.where(truth[:, 0] == 1, 0.8, 0.1)
    scores = np.where(random.random((4000, 3)) < 0.05, 0.9, 0.1)
    scores[:, 1] = np.where(random.random(4000) < np.where(truth[:, 2] == 1, 0.6, 0.1), 0.9, 0.1)
    record = Scored(("A", "B", "C"), scores, scores, truth, np.arange(4000).astype(str))
    verdicts = {
        given: missed_called(record, given=given).pairs.set_index(["missed", "called"]).loc[("A", "B"), "verdict"]
        for given in ("others", "nothing")
    }
    assert verdicts == {"others": "cannot tell", "nothing": "more often"}


def test_several_images_of_a_patient_widen_intervals_and_raise_p(clustered: Scored) -> None:
    apart = replace(clustered, patients=None)
    wide, narrow = (missed_called(one, CUTS, given="nothing") for one in (clustered, apart))
    assert "design effect" in wide.notes[0]
    assert "not known" in narrow.notes[0]
    width = [np.asarray(found.pairs["difference_high"] - found.pairs["difference_low"]) for found in (wide, narrow)]
    assert (width[0] >= width[1] - 1e-12).all()
    assert (width[0] > width[1] + 1e-3).any()
    for key in ("n", "n_called", "rate", "baseline", "difference"):
        assert np.allclose(wide.pairs[key], narrow.pairs[key], equal_nan=True)


def test_images_of_one_class_have_no_other_findings() -> None:
    scores = np.random.default_rng(0).random((90, 3))
    truth = np.eye(3, dtype=np.float32)[np.arange(90) % 3]
    found = missed_called(Scored(("A", "B", "C"), scores, scores, truth, np.arange(90).astype(str), kind="single"))
    answer = scores.argmax(axis=1)
    assert found.given == "nothing"
    for _, row in found.pairs.iterrows():
        a, b = "ABC".index(row["missed"]), "ABC".index(row["called"])
        assert row["n_called"] == ((np.arange(90) % 3 == a) & (answer == b)).sum()


def test_a_pair_without_a_miss_is_not_defined_and_says_so(scored: Scored) -> None:
    pairs = missed_called(scored, np.array([0.0, 0.4, 0.6, 0.5])).pairs
    row = pairs[pairs["missed"] == "A"].iloc[0]
    assert row["n"] == 0
    assert np.isnan(row["rate"])
    assert np.isnan(row["difference"])
    assert np.isnan(row["p_adjusted"])
    assert row["verdict"] == "cannot tell"
    assert "no image" in row["note"]


def test_difference_is_newcombes_published_example() -> None:
    # Newcombe 1998, table II, method 10: 56/70 - 48/80, 9/10 - 3/10, 5/56 - 0/29
    a = Share.of(np.array([56.0, 9.0, 5.0]), np.array([70.0, 10.0, 56.0]), np.ones(3))
    b = Share.of(np.array([48.0, 3.0, 0.0]), np.array([80.0, 10.0, 29.0]), np.ones(3))
    gap, low, high = newcombe(a, b)
    assert np.round(gap, 4).tolist() == [0.2, 0.6, 0.0893]
    assert np.round(low, 4).tolist() == [0.0524, 0.1705, -0.0381]
    assert np.round(high, 4).tolist() == [0.3339, 0.8090, 0.1926]


def test_p_is_twice_the_smaller_tail_of_fishers_test() -> None:
    k, n, j, m = (np.array(v, float) for v in ([3, 7, 0, 5], [10, 9, 5, 5], [8, 1, 0, 9], [10, 12, 7, 9]))
    found = equal_p(Share.of(k, n, np.ones(4)), Share.of(j, m, np.ones(4)))
    for p, row in zip(found, np.stack([k, n - k, j, m - j], axis=1), strict=True):
        tails = [fisher_exact(row.reshape(2, 2), alternative=side)[1] for side in ("less", "greater")]
        assert p == pytest.approx(min(1.0, 2 * min(tails)), abs=1e-9)
