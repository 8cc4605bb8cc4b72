"""Thresholds are the best there are, by every rule, and how much tuning flatters is measured and not guessed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_curve

from lt_core.evaluation.cuts import decision_values
from lt_core.evaluation.optimism import folds_of, optimism
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.thresholds import METHODS, NOBODY, fixed, tune
from lt_core.problems import Invalid, Problem

TARGETS = {"sensitivity": 0.8, "specificity": 0.7, "precision": 0.6}


def scored(seed: int = 0, n: int = 60, c: int = 5, *, grid: int = 0, unknown: float = 0.1, **kept: Any) -> Scored:
    """Random predictions; ``grid`` > 0 rounds them, so that many are tied."""
    rng = np.random.default_rng(seed)
    y = (rng.random((n, c)) < np.linspace(0.5, 0.1, c)).astype(np.float32)
    p = 1 / (1 + np.exp(-(rng.normal(0, 1, (n, c)) + 1.5 * y - 1)))
    if grid:
        p = np.round(p * grid) / grid
    y[rng.random((n, c)) < unknown] = np.nan
    names = tuple(f"class {k}" for k in range(c))
    given: dict[str, Any] = {"probabilities": p, "scores": p, "targets": y} | kept
    return Scored(names, ids=np.arange(len(given["targets"])).astype(str), **given)


def counts(p: Any, y: Any, cut: float) -> tuple[int, int, int, int]:
    known = ~np.isnan(y)
    called = p >= cut
    tp, fp = int((called & (y == 1)).sum()), int((called & (y == 0)).sum())
    return tp, fp, int((y[known] == 1).sum()), int((y[known] == 0).sum())


def by_loop(p: Any, y: Any, method: str) -> float:
    """Try every cut from the highest down, nobody first; NaN where the method is not defined."""
    cuts = [NOBODY, *sorted(set(p[~np.isnan(y)].tolist()), reverse=True)]
    if not (y == 1).any() and method != "specificity":
        return np.nan
    if not (y == 0).any() and method in ("youden", "specificity"):
        return np.nan
    if method == "prior":
        return float(np.nanmean(y, dtype=np.float64)) if (y == 0).any() else np.nan
    best, chosen = -np.inf, NOBODY
    for cut in cuts:
        tp, fp, positives, negatives = counts(p, y, cut)
        if method == "f1":
            value = 2 * tp / (tp + fp + positives)
        elif method == "youden":
            value = tp / positives - fp / negatives
        elif method == "prevalence":
            value = -abs(tp + fp - positives)
        elif method == "sensitivity":
            value = float(tp / positives >= 0.8)  # the first that reaches it
        elif method == "specificity":
            value = tp + fp if 1 - fp / negatives >= 0.7 - 1e-12 else -np.inf  # the lowest that keeps it
        else:
            value = tp + fp if tp and tp / (tp + fp) >= 0.6 - 1e-12 else -np.inf
        if value > best + 1e-12:
            best, chosen = value, cut
    return chosen


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("grid", [0, 6])
def test_the_threshold_is_the_one_a_loop_over_all_cuts_finds(method: str, grid: int) -> None:
    for seed in range(12):
        made = scored(seed, grid=grid, n=25 + seed)
        found = tune(made, method, target=TARGETS.get(method))
        p = decision_values(made)
        wanted = [by_loop(p[:, k], made.targets[:, k], method) for k in range(5)]
        np.testing.assert_array_equal(np.where(found.tuned, found.values, np.nan), wanted)


@pytest.mark.parametrize("method", ["f1", "youden"])
@pytest.mark.parametrize("grid", [0, 6])
def test_one_threshold_for_all_is_the_best_of_all_scores(method: str, grid: int) -> None:
    for seed in range(6):
        made = scored(seed, grid=grid, unknown=0.0, n=30)
        p, y = decision_values(made), made.targets
        some = y.any(axis=0) & (~y.astype(bool)).any(axis=0)

        def mean(cut: float, p: Any = p, y: Any = y, some: Any = some) -> float:
            called = p[:, some] >= cut
            if method == "f1":
                return float(f1_score(y[:, some], called, average="macro"))
            rates = [counts(p[:, k], y[:, k], cut) for k in np.flatnonzero(some)]
            return float(np.mean([tp / n - fp / m for tp, fp, n, m in rates]))

        cuts = sorted(set(p.ravel().tolist()), reverse=True)
        best = max(mean(cut) for cut in cuts)
        found = tune(made, method, per_class=False)
        assert len(set(found.values)) == 1
        assert mean(found.values[0]) == pytest.approx(best, abs=1e-12)
        assert found.values[0] == next(cut for cut in cuts if mean(cut) >= best - 1e-12)


def test_youden_is_the_point_of_the_roc_curve_farthest_from_chance() -> None:
    made = scored(4, n=200, unknown=0.0)
    found = tune(made, "youden")
    for k in range(5):
        fpr, tpr, cut = roc_curve(made.targets[:, k], made.scores[:, k])
        assert found.values[k] == cut[np.argmax(tpr - fpr)]


def test_the_prevalence_as_a_cut_is_youdens_of_calibrated_probabilities_and_nothing_of_ranks() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(0.4, 3, (200_000, 1))
    made = scored(targets=(rng.random(p.shape) < p).astype(np.float32), probabilities=p, scores=p, c=1)
    cuts = [tune(made, method).values for method in ("prior", "youden", "f1")]
    reached = [measured("youden", p >= at, made.targets) for at in cuts]
    assert reached[2] + 0.05 < reached[1] - 0.003 < reached[0] <= reached[1]
    few = scored(3, unknown=0.2)
    few.targets[:, 1], few.targets[:, 2] = 0, np.where(np.isnan(few.targets[:, 2]), np.nan, 1)
    at = tune(few, "prior")
    assert at.tuned.tolist() == [True, False, False, True, True]
    assert at.values[1] == at.values[2] == 0.5  # all or nobody would be called
    assert tune(few, "prior", per_class=False).values[0] == pytest.approx(np.nanmean(few.targets))
    for ask in (tune, optimism):
        with pytest.raises(Problem, match="no probability to be cut at the prevalence"):
            ask(scored(probabilities=None), "prior")


def test_one_threshold_at_a_sensitivity_is_of_all_cells_together() -> None:
    made = scored(1, unknown=0.0)
    cut = tune(made, "sensitivity", target=0.9, per_class=False).values[0]
    flat, truth = made.scores.ravel(), made.targets.ravel()
    assert cut == max(c for c in flat if (flat[truth == 1] >= c).mean() >= 0.9)


def test_a_class_without_positives_keeps_its_threshold_and_that_is_said() -> None:
    made = scored(2)
    made.targets[:, 3] = 0
    found = tune(made, "f1")
    assert found.values[3] == 0.5
    assert not found.tuned[3]
    assert len(found.notes) == 1
    assert found.notes[0].startswith("class 3: too few known labels")
    assert found.notes[0].endswith("stays at 0.5.")
    assert tune(scored(2, targets=made.targets, probabilities=None), "f1").values[3] == NOBODY


def test_a_precision_that_no_cut_reaches_calls_nobody_and_that_is_said() -> None:
    p = np.array([[0.9], [0.8], [0.1]])
    made = scored(targets=np.array([[0], [1], [0]], np.float32), probabilities=p, scores=p, c=1)
    found = tune(made, "precision", target=0.9)
    assert found.values[0] == NOBODY
    assert found.tuned[0]
    assert "no cut" in found.notes[0]
    assert found.as_json()["values"] == {"class 0": None}
    assert tune(made, "precision", target=0.5).values[0] == 0.8


def test_thresholds_are_carried_to_another_set_by_the_name_of_the_class() -> None:
    found = tune(scored(3), "f1")
    np.testing.assert_array_equal(found.for_classes(("class 4", "class 1")), found.values[[4, 1]])
    with pytest.raises(Problem, match="unknown class 'other'"):
        found.for_classes(("other",))
    np.testing.assert_array_equal(fixed(("a", "b"), 0.25).values, [0.25, 0.25])


@pytest.mark.parametrize(
    ("method", "target", "said"),
    [
        ("f2", None, "unknown way to tune"),
        ("sensitivity", None, "need a target"),
        ("precision", 1.5, "at most 1, got 1.5"),
        ("f1", 0.5, "take no target"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(method: str, target: float | None, said: str) -> None:
    with pytest.raises(Problem, match=said):
        tune(scored(), method, target=target)


def test_single_label_sets_have_no_thresholds() -> None:
    hot = np.eye(3, dtype=np.float32)
    made = Scored(("a", "b", "c"), hot.astype(float), hot.astype(float), hot, np.array(list("xyz")), "single")
    with pytest.raises(Invalid, match="largest score"):
        tune(made, "f1")


def measured(method: str, called: Any, y: Any) -> float:
    """What ``method`` tunes for, by scikit-learn; F1 where it asks for nothing."""
    known = ~np.isnan(y)
    y, called = y[known], called[known]
    if method in ("youden", "prior"):
        return measured("sensitivity", called, y) + measured("specificity", called, y) - 1
    made = {"sensitivity": recall_score, "specificity": partial(recall_score, pos_label=0),
            "precision": partial(precision_score, zero_division=np.nan)}  # fmt: skip
    return float(made.get(method, f1_score)(y, called))


@pytest.mark.parametrize("per_class", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_optimism_is_what_tuning_on_each_set_of_folds_anew_gives(method: str, per_class: bool) -> None:
    patients = np.array([f"p{k // 2}" for k in range(60)])
    made = scored(5, grid=9, patients=patients)
    target = TARGETS.get(method)
    found = optimism(made, method, target=target, folds=4, repeats=3, seed=7, per_class=per_class)
    fold = folds_of(made.units, 4, 3, np.random.default_rng(7))
    every = [decision_values(made) >= tune(made, method, target=target, per_class=per_class).values]
    for r in range(3):
        called = np.zeros((60, 5), bool)
        for f in range(4):
            at = tune(made.only(fold[r] != f), method, target=target, per_class=per_class).values
            called[fold[r] == f] = decision_values(made)[fold[r] == f] >= at
        every.append(called)
    wanted = np.array([[measured(method, called[:, k], made.targets[:, k]) for k in range(5)] for called in every])
    np.testing.assert_allclose(found.classes["apparent"], wanted[0], rtol=1e-12)
    np.testing.assert_allclose(found.classes["honest"], wanted[1:].mean(axis=0), rtol=1e-12)
    if per_class or method in ("f1", "youden"):
        assert found.average == "macro"
        means = wanted[:, ~np.isnan(wanted).any(axis=0)].mean(axis=1)
    else:  # one threshold that keeps its target of all cells together
        assert found.average == "micro"
        means = np.array([measured(method, called.ravel(), made.targets.ravel()) for called in every])
    assert found.macro["apparent"] == pytest.approx(means[0])
    assert found.macro["honest"] == pytest.approx(means[1:].mean())
    assert found.measure == {"prior": "youden"}.get(method, method if method in ("youden", *TARGETS) else "f1")
    if target is not None and (not per_class or method != "precision"):
        assert found.macro["apparent"] >= target - 1e-9, "on the images that tuned, what was asked for is there"
    np.testing.assert_allclose(found.classes["optimism"], found.classes["apparent"] - found.classes["honest"],
                               atol=1e-12)  # fmt: skip


def test_images_of_a_patient_are_never_on_both_sides_and_folds_are_even() -> None:
    units = np.repeat(np.arange(25), 4)
    fold = folds_of(units, 5, 10, np.random.default_rng(0))
    for row in fold:
        assert (row.reshape(25, 4) == row.reshape(25, 4)[:, :1]).all()
        assert np.bincount(row).tolist() == [20] * 5


def test_noise_that_was_tuned_flatters_and_a_clean_class_does_not() -> None:
    rng = np.random.default_rng(8)
    y = np.zeros((400, 2), np.float32)
    y[:12, 0], y[:200, 1] = 1, 1
    p = np.column_stack([rng.random(400), np.where(y[:, 1] == 1, 0.9, 0.1)])
    found = optimism(scored(targets=y, probabilities=p, scores=p, c=2), "f1").classes
    assert found["optimism"][0] > 0.02
    assert found["optimism"][1] == 0
    assert found["sd"][1] == 0
