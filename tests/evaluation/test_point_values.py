"""Every measure of a class and of a set, against scikit-learn, and where nothing can be said."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import sklearn.metrics as reference
from numpy.typing import NDArray

from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty import METRICS, evaluate
from lt_core.evaluation.uncertainty.calibrated import bins_of
from lt_core.problems import Invalid, Problem

NAN = float("nan")


def scored(
    probabilities: NDArray[np.floating], targets: NDArray[np.floating], *, kind: str = "multi", patients: object = None
) -> Scored:
    p = np.asarray(probabilities, dtype=np.float64)
    return Scored(
        class_names=tuple(f"c{k}" for k in range(p.shape[1])),
        scores=p,
        probabilities=p,
        targets=np.asarray(targets, dtype=np.float32),
        ids=np.array([f"image {i}" for i in range(len(p))]),
        kind="single" if kind == "single" else "multi",
        patients=None if patients is None else np.asarray(patients, dtype=np.str_),
    )


def made(seed: int = 0, n: int = 400, c: int = 5, *, unknown: float = 0.0) -> Scored:
    random = np.random.default_rng(seed)
    y = (random.random((n, c)) < np.geomspace(0.4, 0.05, c)).astype(np.float64)
    p = np.round(1 / (1 + np.exp(-(random.normal(size=(n, c)) + 2 * y - 1.5))), 2)  # two digits make ties
    y[random.random((n, c)) < unknown] = NAN
    return scored(p, y)


@pytest.mark.parametrize("unknown", [0.0, 0.2])
def test_classes_equal_scikit_learn(unknown: float) -> None:
    given, at = made(unknown=unknown), np.array([0.5, 0.3, 0.37, 0.2, 0.6])
    table = evaluate(given, thresholds=at, draws=0, beta=0.5).classes
    for k, row in table.iterrows():
        known = ~np.isnan(given.targets[:, k])
        y, p = given.targets[known, k].astype(int), given.scores[known, k]
        called = (p >= at[k]).astype(int)
        expected = {
            "n_positive": y.sum(),
            "n_known": known.sum(),
            "prevalence": y.mean(),
            "precision": reference.precision_score(y, called),
            "recall": reference.recall_score(y, called),
            "specificity": reference.recall_score(1 - y, 1 - called),
            "npv": reference.precision_score(1 - y, 1 - called),
            "f1": reference.f1_score(y, called),
            "f_beta": reference.fbeta_score(y, called, beta=0.5),
            "mcc": reference.matthews_corrcoef(y, called),
            "balanced_accuracy": reference.balanced_accuracy_score(y, called),
            "ap": reference.average_precision_score(y, p),
            "auroc": reference.roc_auc_score(y, p),
            "brier": reference.brier_score_loss(y, p),
        }
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, abs=1e-12), name


def test_averages_equal_scikit_learn() -> None:
    given = made(1)
    found = evaluate(given, draws=0, groups=["head", "head", "medium", "tail", "tail"])
    y, called = given.targets.astype(int), (given.scores >= 0.5).astype(int)
    for kind, values in (("macro", found.macro), ("weighted", found.weighted), ("micro", found.micro)):
        precision, recall, f1, _ = reference.precision_recall_fscore_support(y, called, average=kind)
        expected = {"precision": precision, "recall": recall, "f1": f1}
        expected["ap"] = reference.average_precision_score(y, given.scores, average=kind)
        expected["auroc"] = reference.roc_auc_score(y, given.scores, average=kind)
        for name, value in expected.items():
            assert values[name].value == pytest.approx(value, abs=1e-12), (kind, name)
    tail = reference.f1_score(y[:, 3:], called[:, 3:], average="macro")
    assert found.groups["tail"]["f1"].value == pytest.approx(tail, abs=1e-12)
    assert found.groups["tail"]["f1"].n_classes == 2


def test_measures_of_images_equal_scikit_learn() -> None:
    given = made(2)
    whole = {name: value.value for name, value in evaluate(given, draws=0).whole.items()}
    y, p = given.targets.astype(int), given.scores
    called = (p >= 0.5).astype(int)
    assert (y.sum(axis=1) == 0).any()  # images without a finding are where conventions differ
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, _ = reference.precision_recall_fscore_support(
            y, called, average="samples", zero_division=np.nan
        )
    expected = {
        "subset_accuracy": reference.accuracy_score(y, called),
        "hamming_loss": reference.hamming_loss(y, called),
        "sample_precision": precision,
        "sample_recall": recall,
        "sample_f1": f1,
        "ranking_loss": reference.label_ranking_loss(y, p),
        "coverage_error": reference.coverage_error(y, p),
        "label_ranking_ap": reference.label_ranking_average_precision_score(y, p),
    }
    some = y.any(axis=1) & ~y.all(axis=1)
    expected["label_ranking_ap_with_findings"] = reference.label_ranking_average_precision_score(y[some], p[some])
    expected["ranking_loss_with_findings"] = reference.label_ranking_loss(y[some], p[some])
    for name, value in expected.items():
        assert whole[name] == pytest.approx(value, abs=1e-12), name


def test_one_class_an_image_equals_scikit_learn() -> None:
    random = np.random.default_rng(3)
    z = random.normal(size=(300, 6))
    true = np.where(random.random(300) < 0.5, z.argmax(axis=1), random.integers(0, 6, 300))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    found = evaluate(scored(p, np.eye(6)[true], kind="single"), draws=0)
    called = p.argmax(axis=1)
    assert found.confusion is not None
    assert (found.confusion == reference.confusion_matrix(true, called)).all()
    assert found.whole["accuracy"].value == pytest.approx(reference.accuracy_score(true, called), abs=1e-12)
    for k in (3, 5):
        expected = reference.top_k_accuracy_score(true, p, k=k)
        assert found.whole[f"top_{k}_accuracy"].value == pytest.approx(expected, abs=1e-12)
    entry = found.as_json()
    assert entry["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(true, called), abs=1e-12)
    assert entry["classes"][0]["threshold"] is None


def test_calibration_error_is_that_of_a_loop_over_bins() -> None:
    given = made(4, unknown=0.1)
    found = evaluate(given, draws=0).classes["ece"]
    for k in range(5):
        known = ~np.isnan(given.targets[:, k])
        y, p = given.targets[known, k].astype(float), given.scores[known, k]
        error = 0.0
        for b in range(15):
            inside = (p >= b / 15) & ((p < (b + 1) / 15) | ((b == 14) & (p == 1)))
            if inside.any():
                error += inside.mean() * abs(p[inside].mean() - y[inside].mean())
        assert found[k] == pytest.approx(error, abs=1e-12)
    assert bins_of(np.array([0.0, 1 / 15, 0.99, 1.0])).tolist() == [0, 1, 14, 14]


def test_nothing_is_said_where_nothing_can_be() -> None:
    """No positive, no negative, nothing known, nothing called: NaN in the table, null in JSON, and no warning."""
    p = np.array([[0.9, 0.9, 0.5, 0.1], [0.2, 0.8, 0.5, 0.2], [0.7, 0.7, 0.5, 0.3]])
    y = np.array([[0.0, 1.0, NAN, 1.0], [0.0, 1.0, NAN, 0.0], [0.0, 1.0, NAN, 0.0]])
    found = evaluate(scored(p, y), draws=50)
    row = found.classes.set_index("class")
    undefined = {
        "c0": {"recall", "ap", "auroc", "mcc", "balanced_accuracy"},
        "c1": {"specificity", "npv", "auroc", "mcc", "balanced_accuracy"},
        "c2": set(METRICS),
        "c3": {"precision", "mcc"},
    }
    for name, wanted in undefined.items():
        assert {metric for metric in METRICS if np.isnan(row.loc[name, metric])} == wanted, name
        for metric in wanted:
            assert np.isnan(row.loc[name, f"{metric}_low"]), (name, metric)
    entry = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert entry["classes"][2]["f1"] is None
    assert entry["classes"][2]["f1_low"] is None
    assert entry["macro"]["n_f1"] == 3


def test_scores_that_are_no_probabilities() -> None:
    """They rank and can be cut, on their own scale; Brier and ECE are not defined."""
    random = np.random.default_rng(5)
    z = random.normal(size=(60, 2)) * 10
    y = (z + random.normal(size=z.shape) * 10 > 5).astype(np.float32)
    bare = Scored(("a", "b"), z, None, y, np.arange(60).astype(str))
    found = evaluate(bare, thresholds=[7.0, -3.0], draws=20).classes
    assert found["brier"].isna().all()
    assert found["ece_low"].isna().all()
    expected = reference.f1_score(y[:, 0], z[:, 0] >= 7)
    assert found["f1"][0] == pytest.approx(expected, abs=1e-12)


def test_bad_input_is_refused_in_a_sentence() -> None:
    given = made()
    with pytest.raises(Invalid, match="one number or one for each of 5 classes"):
        evaluate(given, thresholds=[0.5, 0.5])
    with pytest.raises(Invalid, match=r"threshold must be in \[0, 1\], got 1.5"):
        evaluate(given, thresholds=1.5)
    with pytest.raises(Invalid, match="one of head, medium, tail for each of 5 classes"):
        evaluate(given, groups=["head"])
    with pytest.raises(Invalid, match="draws must be at least 0"):
        evaluate(given, draws=-1)
    with pytest.raises(Problem, match="no images"):
        evaluate(given.only(np.zeros(400, np.bool_)))
