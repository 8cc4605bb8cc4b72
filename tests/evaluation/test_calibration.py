"""Calibration is fitted on one set, applied to another, and agrees with scikit-learn, scipy and the papers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, softmax
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss, roc_auc_score

from lt_core.evaluation.calibration import (
    EDGE,
    composed,
    fit_isotonic,
    fit_temperature,
    logit_adjustment,
    logits_of,
)
from lt_core.evaluation.intervals import wilson
from lt_core.evaluation.reliability import reliability
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty import evaluate
from lt_core.evaluation.uncertainty.calibrated import BINS
from lt_core.problems import Invalid, Problem


def multi(seed: int = 0, n: int = 400, *, too_sure: float = 3.0, **kept: Any) -> Scored:
    """Three classes whose logits are ``too_sure`` times what they ought to be."""
    rng = np.random.default_rng(seed)
    honest = rng.normal([-2.0, -1.0, 0.0], 1.5, (n, 3))
    y = (rng.random((n, 3)) < expit(honest)).astype(np.float32)
    y[rng.random((n, 3)) < 0.05] = np.nan
    z = honest * too_sure
    given: dict[str, Any] = {"scores": z, "probabilities": expit(z), "targets": y, "link": "sigmoid"} | kept
    return Scored(("a", "b", "c"), ids=np.arange(n).astype(str), **given)


def single(seed: int = 0, n: int = 300) -> Scored:
    rng = np.random.default_rng(seed)
    honest = rng.normal(0, 1.2, (n, 3)) + np.array([1.0, 0.0, -1.0])
    chosen = np.array([rng.choice(3, p=p) for p in softmax(honest, axis=1)])
    p = softmax(2.5 * honest, axis=1)
    return Scored(("a", "b", "c"), p, p, np.eye(3, dtype=np.float32)[chosen], np.arange(n).astype(str), "single",
                  "softmax")  # fmt: skip


def test_the_temperature_is_the_one_with_the_least_cross_entropy() -> None:
    made = multi()
    known = ~np.isnan(made.targets)
    z, y = made.scores[known], made.targets[known]
    best = minimize_scalar(lambda t: log_loss(y, expit(z / t)), bounds=(0.5, 10), options={"xatol": 1e-10})
    found = fit_temperature(made)
    assert float(found.values) == pytest.approx(best.x, rel=1e-5)
    assert 2 < float(found.values) < 4
    each = fit_temperature(made, per_class=True)
    for k in range(3):
        mine = known[:, k]
        z, y = made.scores[mine, k], made.targets[mine, k]
        best = minimize_scalar(
            lambda t, z=z, y=y: log_loss(y, expit(z / t)), bounds=(0.5, 10), options={"xatol": 1e-10}
        )
        assert each.values[k] == pytest.approx(best.x, rel=1e-5)


def test_the_temperature_of_a_softmax_is_too() -> None:
    made = single()
    z, k = np.log(made.scores), made.targets.argmax(axis=1)

    def loss(t: float) -> float:
        return float(-log_softmax(z / t, axis=1)[np.arange(len(k)), k].mean())

    best = minimize_scalar(loss, bounds=(0.5, 10), options={"xatol": 1e-10})
    found = fit_temperature(made)
    assert float(found.values) == pytest.approx(best.x, rel=1e-5)
    cooler = found(made)
    assert cooler.probabilities is not None
    np.testing.assert_allclose(cooler.probabilities, softmax(z / found.values, axis=1), rtol=1e-10)
    assert (cooler.probabilities.argmax(axis=1) == made.scores.argmax(axis=1)).all()
    with pytest.raises(Invalid, match="one temperature"):
        fit_temperature(made, per_class=True)


def test_a_temperature_moves_no_rank_and_brings_probabilities_back() -> None:
    test = multi(1, 2000)
    cooler = fit_temperature(multi(0, 2000))(test)
    assert cooler.probabilities is not None
    assert test.probabilities is not None
    np.testing.assert_array_equal(cooler.scores.argsort(axis=0), test.scores.argsort(axis=0))
    known = ~np.isnan(test.targets)
    assert log_loss(test.targets[known], cooler.probabilities[known]) < log_loss(
        test.targets[known], test.probabilities[known]
    )
    np.testing.assert_allclose(cooler.probabilities, expit(test.scores / 3), atol=0.05)


def test_probabilities_of_a_file_are_calibrated_without_new_ties() -> None:
    p = np.array([[1e-15], [1e-14], [0.2], [0.9], [1.0]])
    y = np.array([[0], [0], [1], [1], [0]], np.float32)
    made = Scored(("a",), p, p, y, np.arange(5).astype(str))
    cooler = fit_temperature(made)(made)
    np.testing.assert_array_equal(cooler.scores, p)
    assert cooler.link is None
    inside = np.clip(p, EDGE, 1 - EDGE)
    np.testing.assert_allclose(logits_of(made), np.log(inside / (1 - inside)), rtol=1e-9)


def test_isotonic_is_scikit_learns_class_by_class() -> None:
    made, test = multi(0), multi(1)
    assert made.probabilities is not None
    assert test.probabilities is not None
    found = fit_isotonic(made)(test)
    assert found.probabilities is not None
    for k in range(3):
        known = ~np.isnan(made.targets[:, k])
        theirs = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        theirs.fit(made.probabilities[known, k], made.targets[known, k].astype(float))
        np.testing.assert_allclose(found.probabilities[:, k], theirs.predict(test.probabilities[:, k]), atol=1e-12)
    np.testing.assert_array_equal(found.scores, test.scores)
    again = composed(fit_isotonic(made), fit_temperature(fit_isotonic(made)(made)))(test)
    assert again.probabilities is not None
    assert ((again.probabilities >= 0) & (again.probabilities <= 1)).all()


def test_isotonic_probabilities_of_one_class_an_image_add_up_to_one() -> None:
    found = fit_isotonic(single(0))(single(1))
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(found.scores, found.probabilities)


def test_a_class_without_positives_stays_as_it_is_and_is_named() -> None:
    made = multi()
    made.targets[:, 1] = 0
    each = fit_temperature(made, per_class=True)
    assert each.values[1] == 1
    assert "b" in each.notes[0]
    found = fit_isotonic(made)(made)
    assert found.probabilities is not None
    assert made.probabilities is not None
    np.testing.assert_array_equal(found.probabilities[:, 1], made.probabilities[:, 1])
    assert any(note.endswith("negatives: b.") for note in found.notes)


def test_a_separated_class_gets_the_coldest_temperature_and_no_infinity() -> None:
    y = np.array([[0], [0], [1]], np.float32)
    z = np.array([[-1.0], [-0.5], [2.0]])
    made = Scored(("a",), z, expit(z), y, np.array(list("xyz")), link="sigmoid")
    assert float(fit_temperature(made).values) == pytest.approx(0.01)


def test_adjusted_logits_are_those_of_the_paper() -> None:
    made = single()
    counts = np.array([500, 80, 20])
    found = logit_adjustment(counts, 600, kind="single", tau=1.5)(made)
    z = np.log(made.scores) - 1.5 * np.log(counts / counts.sum())
    np.testing.assert_allclose(found.probabilities, softmax(z, axis=1), rtol=1e-10)
    assert (found.scores.argmax(axis=1) == z.argmax(axis=1)).all()


def test_each_class_of_several_is_a_problem_of_present_and_absent() -> None:
    made = multi()
    counts, n = np.array([100, 5, 0]), 1000
    found = logit_adjustment(counts, n)(made)
    assert found.probabilities is not None
    odds = np.array([100 / 900, 5 / 995, 1 / 999])
    np.testing.assert_allclose(found.scores, made.scores - np.log(odds), rtol=1e-12)
    # half is called where the model said the prevalence
    np.testing.assert_allclose(
        logit_adjustment(counts, n)(multi(scores=np.log(np.tile(odds, (400, 1))))).probabilities, 0.5
    )
    # present and absent as two classes of the paper's softmax: logits z and 0, priors pi and 1 - pi
    pair = np.stack([made.scores, np.zeros_like(made.scores)], axis=-1)
    priors = np.stack([odds, np.ones(3)], axis=-1) / (1 + odds)[:, None]
    np.testing.assert_allclose(found.probabilities, softmax(pair - np.log(priors), axis=-1)[..., 0], rtol=1e-10)
    assert roc_auc_score(np.nan_to_num(made.targets[:, 0]), found.scores[:, 0]) == roc_auc_score(
        np.nan_to_num(made.targets[:, 0]), made.scores[:, 0]
    )


def test_the_training_loss_and_the_adjustment_shift_alike() -> None:
    import torch

    from lt_core.losses.catalogue.logit_adjusted_bce import shifts

    counts = torch.tensor([300.0, 20.0, 1.0], dtype=torch.float64)
    ours = logit_adjustment(counts.numpy(), 1000, tau=0.7).shifts
    np.testing.assert_allclose(ours, shifts(counts=counts, n_samples=torch.tensor(1000.0), tau=0.7), rtol=1e-12)


def test_scores_that_only_rank_are_not_calibrated() -> None:
    made = multi(probabilities=None, link=None)
    for ask in (fit_temperature, fit_isotonic, reliability, logit_adjustment([1, 2, 3], 10)):
        with pytest.raises(Problem, match="only rank"):
            ask(made)  # type: ignore[operator]


@pytest.mark.parametrize("by", ["width", "number"])
def test_the_reliability_table_has_scikit_learns_points_and_wilsons_intervals(by: Any) -> None:
    made = multi()
    table = reliability(made, bins=8, by=by)
    assert made.probabilities is not None
    for k, name in enumerate(made.class_names):
        known = ~np.isnan(made.targets[:, k])
        p, y = made.probabilities[known, k], made.targets[known, k]
        observed, predicted = calibration_curve(y, p, n_bins=8, strategy={"width": "uniform", "number": "quantile"}[by])
        mine = table[table["class"] == name]
        np.testing.assert_allclose(mine["observed"], observed, atol=1e-12)
        np.testing.assert_allclose(mine["predicted"], predicted, atol=1e-12)
        assert mine["n"].sum() == known.sum()
        low, high = wilson(mine["n_positive"], mine["n"])
        np.testing.assert_array_equal(mine["observed_low"], low)
        np.testing.assert_array_equal(mine["observed_high"], high)
        assert ((mine["low"] <= mine["predicted"] + 1e-12) & (mine["predicted"] <= mine["high"] + 1e-12)).all()


def test_the_gaps_of_the_reliability_table_add_up_to_the_calibration_error() -> None:
    made = multi()
    found = evaluate(made, draws=0).classes.set_index("class")["ece"]
    table = reliability(made, bins=BINS)
    gap = table["n"] * (table["predicted"] - table["observed"]).abs()
    sums = gap.groupby(table["class"]).sum() / table.groupby("class")["n"].sum()
    np.testing.assert_allclose(sums[list(made.class_names)], found[list(made.class_names)], rtol=1e-12)
