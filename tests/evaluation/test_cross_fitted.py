"""Cross-fitted calibration is the calibration of the other folds, image by image, and never saw the patient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from lt_core.evaluation.cross_fitted import cross_fitted
from lt_core.evaluation.optimism import folds_of
from lt_core.evaluation.recalibrated import CROSSED_BEFORE, FITTED_BEFORE, recalibrated
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty import evaluate
from lt_core.problems import Invalid, Problem, Unknown
from tests.evaluation.test_calibration import multi, single


def of_patients(seed: int = 0, n: int = 400, **kept: Any) -> Scored:
    """Predictions that are too sure, two images a patient, as a file gives them: probabilities without a link."""
    made = multi(seed, n)
    return replace(made, scores=made.probabilities, link=None, patients=(np.arange(n) // 2).astype(str), **kept)


def folds(scored: Scored, seed: int = 0) -> Any:
    return folds_of(scored.units, 5, 1, np.random.default_rng(seed))[0]


def temperature_of(z: Any, y: Any) -> float:
    """The slope of a logistic regression without intercept or penalty is 1 / T."""
    fitted = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000).fit(z[:, None], y)
    return float(1 / fitted.coef_[0, 0])


@pytest.mark.parametrize("way", ["temperature", "temperatures", "isotonic"])
def test_each_image_is_calibrated_by_scikit_learn_on_the_other_folds(way: str) -> None:
    made = of_patients()
    found = cross_fitted(made, way, seed=3)
    fold, p, y = folds(made, 3), made.probabilities, made.targets
    assert p is not None
    assert found.probabilities is not None
    assert len(np.unique(np.stack([fold, made.units]), axis=1).T) == 200  # a patient is in one fold
    z, known = logit(p), ~np.isnan(y)
    wanted = np.empty_like(p)
    for f in range(5):
        inside, others = fold == f, known & (fold != f)[:, None]
        for k in range(3):
            mine = others[:, k]
            if way == "isotonic":
                theirs = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p[mine, k], y[mine, k])
                wanted[inside, k] = theirs.predict(p[inside, k])
            else:
                t = (
                    temperature_of(z[mine, k], y[mine, k])
                    if way == "temperatures"
                    else temperature_of(z[others], y[others])
                )
                wanted[inside, k] = expit(z[inside, k] / t)
    np.testing.assert_allclose(found.probabilities, wanted, atol=1e-6)
    np.testing.assert_array_equal(found.scores, made.scores)
    assert found.link is None
    assert any("which did not see its patient" in note and "(seed 3)" in note for note in found.notes)


@pytest.mark.parametrize("way", ["temperature", "isotonic"])
def test_the_labels_of_a_patient_do_not_reach_its_own_probabilities(way: str) -> None:
    made = of_patients()
    turned = made.targets.copy()
    turned[:2] = 1 - turned[:2]
    one, other = (cross_fitted(replace(made, targets=y), way).probabilities for y in (made.targets, turned))
    assert one is not None
    assert other is not None
    mine = folds(made) == folds(made)[0]
    np.testing.assert_array_equal(one[mine], other[mine])
    assert (one[~mine] != other[~mine]).any()


def test_the_brier_score_is_honest_where_a_fit_on_the_same_images_flatters() -> None:
    honest, flattered, new = [], [], []
    test = multi(99, 4000)
    for seed in range(12):
        made = multi(seed, 60)
        fitted = recalibrated(test, made, "isotonic").scored
        same = recalibrated(made, made, "isotonic").scored
        pairs = ((honest, cross_fitted(made, "isotonic")), (flattered, same), (new, fitted))
        for values, scored in pairs:
            assert scored.probabilities is not None
            known = ~np.isnan(scored.targets)
            values.append(brier_score_loss(scored.targets[known], scored.probabilities[known]))
    assert np.mean(flattered) < np.mean(new) - 0.02
    assert abs(np.mean(honest) - np.mean(new)) < 0.012


def test_the_ranking_of_a_class_stays_the_models() -> None:
    made = of_patients()
    for way in ("temperature", "temperatures", "isotonic"):
        found = evaluate(cross_fitted(made, way), draws=0)
        for k, auroc in enumerate(found.classes["auroc"]):
            known = ~np.isnan(made.targets[:, k])
            assert auroc == pytest.approx(roc_auc_score(made.targets[known, k], made.scores[known, k]), abs=1e-12)


def test_one_class_an_image_is_calibrated_by_its_softmax() -> None:
    made = single(n=200)
    cooler = cross_fitted(made, "temperature")
    assert cooler.probabilities is not None
    fold, z, chosen = folds(made), np.log(made.scores), made.targets.argmax(axis=1)
    for f in range(5):
        rest, inside = fold != f, fold == f
        grid = np.exp(np.linspace(0, 1.6, 1601))
        loss = [-np.log(softmax(z[rest] / t, axis=1)[np.arange(rest.sum()), chosen[rest]]).mean() for t in grid]
        wanted = softmax(z[inside] / grid[int(np.argmin(loss))], axis=1)
        np.testing.assert_allclose(cooler.probabilities[inside], wanted, atol=2e-3)
    assert evaluate(cooler, draws=0).whole["accuracy"].value == evaluate(made, draws=0).whole["accuracy"].value
    steps = cross_fitted(made, "isotonic")
    assert steps.probabilities is not None
    np.testing.assert_allclose(steps.probabilities.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(steps.scores, steps.probabilities)
    assert any("hold images of different folds" in note for note in steps.notes)
    with pytest.raises(Invalid, match="one temperature"):
        cross_fitted(made, "temperatures")


def test_a_class_too_rare_for_the_folds_stays_as_it_is_in_all_of_them() -> None:
    made = of_patients()
    made.targets[:, 1] = 0
    made.targets[0, 1] = 1  # the other folds have it, its own has not
    for way in ("temperatures", "isotonic"):
        found = cross_fitted(made, way)
        assert found.probabilities is not None
        assert made.probabilities is not None
        np.testing.assert_allclose(found.probabilities[:, 1], made.probabilities[:, 1], rtol=1e-12)
        assert (found.probabilities[:, 0] != made.probabilities[:, 0]).any()
        assert any(note.endswith("left as they are: b.") for note in found.notes)


def test_what_cannot_be_fitted_is_refused_in_a_sentence() -> None:
    made = of_patients(n=40)
    with pytest.raises(Problem, match="only rank"):
        cross_fitted(replace(made, probabilities=None), "isotonic")
    with pytest.raises(Problem, match="patients enough for two folds"):
        cross_fitted(made.only(np.arange(2)), "temperature")
    with pytest.raises(Problem, match="no class has positives and negatives"):
        cross_fitted(replace(made, targets=np.zeros_like(made.targets)), "isotonic")
    with pytest.raises(Problem, match="there are 0 and 120 in all"):
        cross_fitted(replace(made, targets=np.zeros_like(made.targets)), "temperature")
    with pytest.raises(Invalid, match="2 folds"):
        cross_fitted(made, "temperature", folds=1)
    with pytest.raises(Unknown, match="known are temperature"):
        cross_fitted(made, "platt")
    with pytest.raises(Problem, match="training counts"):
        recalibrated(made, None, "logit-adjustment")
    few = made.only(np.arange(6))  # three patients: three folds
    assert "into 3 folds" in " ".join(cross_fitted(few, "isotonic").notes)


def test_validation_calibrates_where_there_is_one_and_its_classes_go_by_name() -> None:
    made, other = of_patients(0), of_patients(1)
    assert made.probabilities is not None
    assert other.probabilities is not None
    turned = replace(other, class_names=("c", "b", "a"), scores=other.scores[:, ::-1], targets=other.targets[:, ::-1],
                     probabilities=other.probabilities[:, ::-1])  # fmt: skip
    straight, back = (recalibrated(made, val, "isotonic") for val in (other, turned))
    np.testing.assert_array_equal(straight.scored.probabilities, back.scored.probabilities)
    assert straight.words == "isotonic regression, fitted on validation"
    assert straight.not_nested(per_class=True) == FITTED_BEFORE
    assert recalibrated(made, other, "temperatures").not_nested(per_class=True) == ""
    crossed = recalibrated(made, None, "temperature", seed=4)
    assert crossed.words.endswith("fitted on the other folds of the same images")
    assert crossed.not_nested(per_class=True) == CROSSED_BEFORE
    np.testing.assert_array_equal(crossed.scored.probabilities, cross_fitted(made, "temperature", seed=4).probabilities)
    with pytest.raises(Problem, match="have no c, so that"):
        recalibrated(made, replace(other, class_names=("a", "b", "x")), "isotonic")
