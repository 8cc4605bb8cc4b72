"""Two models on the same images: paired by id and name, the same draws, and a verdict that may be "cannot tell"."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty import compare, evaluate
from lt_core.evaluation.uncertainty.cells import cells_of
from lt_core.evaluation.uncertainty.drawing import draw
from lt_core.evaluation.uncertainty.multiple import CORRECTIONS, adjusted, strictest
from lt_core.evaluation.uncertainty.weights import blocks
from lt_core.problems import Invalid, Unknown
from tests.evaluation.test_point_values import made

GROUPS = ["head", "head", "medium", "tail", "tail"]


def pair(seed: int = 0, n: int = 500, gain: float = 1.0) -> tuple[Scored, Scored]:
    """Return a model and one that knows more."""
    a = made(seed, n=n)
    logits = np.log(np.clip(a.scores, 0.005, 0.995) / (1 - np.clip(a.scores, 0.005, 0.995)))
    better = 1 / (1 + np.exp(-(logits + gain * (2 * a.targets - 1))))
    return replace(a, title="A"), replace(a, title="B", scores=better, probabilities=better)


def shuffled(scored: Scored, rows: NDArray[np.int64], columns: list[int]) -> Scored:
    some = scored.only(rows)
    return replace(
        some,
        class_names=tuple(scored.class_names[k] for k in columns),
        scores=some.scores[:, columns],
        probabilities=some.scores[:, columns],
        targets=some.targets[:, columns],
    )


def test_values_are_those_of_each_model_and_the_interval_is_about_their_difference() -> None:
    a, b = pair()
    for metric in ("f1", "ap", "auroc", "brier"):
        found = compare(a, b, metric=metric, groups=GROUPS, draws=200)
        one, other = (evaluate(model, draws=0, groups=GROUPS) for model in (a, b))
        assert found.classes["a"].to_numpy() == pytest.approx(one.classes[metric].to_numpy())
        assert found.classes["b"].to_numpy() == pytest.approx(other.classes[metric].to_numpy())
        assert found.macro["difference"][0] == pytest.approx(other.macro[metric].value - one.macro[metric].value)
        assert found.groups["a"].tolist() == pytest.approx([one.groups[g][metric].value for g in found.groups["group"]])
        for table in (found.classes, found.groups, found.macro):
            assert (table["low"] <= table["difference"]).all()
            assert (table["difference"] <= table["high"]).all()
            assert (table["smallest_detectable"] > 0).all()
        assert found.macro["verdict"][0] == "better"  # for Brier too, where it is the lower one


def test_order_of_rows_and_classes_is_moot_and_what_is_in_one_alone_is_left_out() -> None:
    a, b = pair()
    rows = np.random.default_rng(0).permutation(500)
    other = shuffled(b, rows, [4, 2, 0, 1, 3])
    plain, mixed = compare(a, b, draws=100), compare(a, other, draws=100)
    assert plain.classes.equals(mixed.classes)
    assert not mixed.notes
    fewer = compare(a, shuffled(b, rows[:450], [4, 2, 0]), draws=100, groups=GROUPS)
    assert fewer.n == 450
    assert fewer.classes["name"].tolist() == ["c0", "c2", "c4"]
    assert fewer.classes["group"].tolist() == ["head", "medium", "tail"]
    assert fewer.notes[0] == "50 images of A are not in the other and were left out."
    assert fewer.notes[1] == "Classes of A alone were left out: c1, c3."


def test_thresholds_follow_their_classes() -> None:
    a, b = pair()
    at = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    turned = shuffled(b, np.arange(500), [4, 3, 2, 1, 0])
    plain = compare(a, b, thresholds_b=at, draws=50)
    mixed = compare(a, turned, thresholds_b=at[::-1], draws=50)
    assert plain.classes.equals(mixed.classes)


def test_a_model_does_not_differ_from_itself() -> None:
    a, _ = pair()
    for metric in ("f1", "auroc", "mcc"):
        found = compare(a, a, metric=metric, draws=100, groups=GROUPS)
        for table in (found.classes, found.groups, found.macro):
            assert (table["difference"] == 0).all()
            assert (table["verdict"] == "cannot tell").all()
            assert (table["p"] == 1).all()
    json.dumps(found.as_json(), allow_nan=False)


def test_a_worse_model_is_called_worse_and_signs_turn_with_the_order() -> None:
    a, b = pair()
    forth, back = compare(a, b, draws=200), compare(b, a, draws=200)
    assert back.classes["difference"].to_numpy() == pytest.approx(-forth.classes["difference"].to_numpy())
    assert back.classes["low"].to_numpy() == pytest.approx(-forth.classes["high"].to_numpy())
    assert back.macro["verdict"][0] == "worse"
    assert set(forth.classes["verdict"]) <= {"better", "cannot tell"}


def test_p_is_below_a_twentieth_exactly_where_the_interval_leaves_out_zero() -> None:
    for gain in (0.1, 0.3, 0.6):
        a, b = pair(gain=gain)
        for metric in ("f1", "ap", "auroc"):
            rows = compare(a, b, metric=metric, draws=100, correction="none").classes
            outside = (rows["low"] > 0) | (rows["high"] < 0)
            assert ((rows["p"] < 0.05) == outside).all()
            assert ((rows["verdict"] != "cannot tell") == outside).all()


def test_both_models_get_the_same_draws() -> None:
    a, b = pair()
    drawn = [draw(cells_of(model), ("prevalence",), n_draws=20, seed=4) for model in (a, b)]
    assert (drawn[0].support == drawn[1].support).all()
    weights = np.concatenate([w for _, w in blocks(np.arange(500), 500, 20, 4)], axis=1)
    assert (drawn[0].support == weights.T @ a.targets).all()


def test_the_smallest_detectable_difference_is_called_four_times_in_five_at_the_corrected_level() -> None:
    a, b = pair(gain=0.3)
    every = {how: compare(a, b, metric="auroc", groups=GROUPS, draws=100, correction=how) for how in CORRECTIONS}
    gaps = np.random.default_rng(0).normal(0, 1, 4_000)
    for correction, found in every.items():
        table = found.classes
        error = (table["high"] - table["low"])[0] / (2 * stats.norm.ppf(0.975))
        p = np.ones((len(gaps), 5))  # no other class differs
        p[:, 0] = 2 * stats.norm.sf(np.abs(gaps + table["smallest_detectable"][0] / error))
        assert np.mean([adjusted(row, correction)[0] <= 0.05 for row in p]) == pytest.approx(0.8, abs=0.02), correction
        assert found.macro["smallest_detectable"][0] == every["none"].macro["smallest_detectable"][0]
    wider = (stats.norm.isf(0.025 / 3) + stats.norm.isf(0.2)) / (stats.norm.isf(0.025) + stats.norm.isf(0.2))
    of_groups = every["holm"].groups["smallest_detectable"] / every["none"].groups["smallest_detectable"]
    assert of_groups.to_numpy() == pytest.approx(wider), "three groups"
    assert strictest(np.array([0.2, np.nan, 0.9])) == 0.05 / 2, "what has no p does not count"


def test_pairing_narrows_the_interval() -> None:
    """Models that err on the same images differ by less than two on different images would."""
    a, b = pair(gain=0.3)
    found = compare(a, b, metric="auroc", draws=300).classes
    one, other = (evaluate(model, draws=0).classes for model in (a, b))
    unpaired = np.sqrt((one["auroc_high"] - one["auroc_low"]) ** 2 + (other["auroc_high"] - other["auroc_low"]) ** 2)
    assert ((found["high"] - found["low"]) < 0.75 * unpaired).all()


def test_corrections_equal_scipy_and_a_hand_count() -> None:
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.5])
    assert adjusted(p, "holm").tolist() == pytest.approx([0.04, 0.09, np.nan, 0.09, 0.5], nan_ok=True)
    expected = stats.false_discovery_control(p[~np.isnan(p)])
    assert adjusted(p, "benjamini-hochberg")[~np.isnan(p)] == pytest.approx(expected)
    assert adjusted(p, "none").tolist() == pytest.approx(p.tolist(), nan_ok=True)
    with pytest.raises(Unknown, match="did you mean 'holm'"):
        adjusted(p, "holmes")


def test_what_cannot_be_compared_is_refused() -> None:
    a, b = pair()
    with pytest.raises(Unknown, match="unknown metric 'f2'"):
        compare(a, b, metric="f2")
    other = b.targets.copy()
    other[:3, 0] = 1 - other[:3, 0]
    with pytest.raises(Invalid, match="A and B disagree about the truth in 3 cells of 2,500"):
        compare(a, replace(b, targets=other))
    with pytest.raises(Invalid, match="B has 1 images more than once"):
        compare(a, replace(b, ids=np.r_[b.ids[1:2], b.ids[1:]]))
    with pytest.raises(Invalid, match="no image in common"):
        compare(a, replace(b, ids=np.arange(500).astype(str)))
    with pytest.raises(Invalid, match="no class in common"):
        compare(a, replace(b, class_names=("v", "w", "x", "y", "z")))
    with pytest.raises(Invalid, match="at least 2 draws"):
        compare(a, b, draws=1)


def test_json_has_what_the_command_line_promises() -> None:
    a, b = pair()
    entry = json.loads(json.dumps(compare(a, b, groups=GROUPS, draws=50).as_json(), allow_nan=False))
    keys = {"a", "b", "difference", "low", "high", "p", "p_adjusted", "verdict", "smallest_detectable", "n_positive"}
    for row in (entry["macro"], *entry["groups"], *entry["classes"]):
        assert keys <= set(row)
    assert [row["group"] for row in entry["groups"]] == ["head", "medium", "tail"]
