"""Per-class metrics against scikit-learn, against counting by hand, and at the edges where others guess."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from lt_core.evaluation import Predictions, per_class, ranking, report
from lt_core.problems import Invalid, Problem

NAN = float("nan")


def predictions(logits: NDArray[np.floating], targets: NDArray[np.floating], kind: str = "multi") -> Predictions:
    n, c = np.shape(logits)
    return Predictions(
        class_names=tuple(f"c{i}" for i in range(c)),
        logits=np.asarray(logits, dtype=np.float32),
        targets=np.asarray(targets, dtype=np.float32),
        rows=np.arange(n),
        ids=np.array([f"image {i}" for i in range(n)], dtype=np.str_),
        kind="single" if kind == "single" else "multi",
        part="test",
    )


def random_predictions(seed: int, n: int = 300, c: int = 6, *, ties: bool = True) -> Predictions:
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, c)) < np.geomspace(0.5, 0.02, c)).astype(np.float32)
    logits = rng.normal(size=(n, c)) + 1.5 * targets - 1
    return predictions(np.round(logits * 2) / 2 if ties else logits, targets)


def expected(p: Predictions, column: int, threshold: float) -> dict[str, float]:
    """Return one class by scikit-learn, with 0/0 as NaN."""
    known = ~np.isnan(p.targets[:, column])
    truth, score = p.targets[known, column].astype(int), p.probabilities[known, column]
    called = (score >= threshold).astype(int)
    both = len(set(truth.tolist())) == 2
    return {
        "n_positive": int(truth.sum()),
        "n_negative": int((1 - truth).sum()),
        "precision": reference.precision_score(truth, called, zero_division=np.nan) if called.any() else NAN,
        "recall": reference.recall_score(truth, called, zero_division=np.nan) if truth.any() else NAN,
        "f1": reference.f1_score(truth, called) if (truth | called).any() else NAN,
        "ap": reference.average_precision_score(truth, score) if truth.any() else NAN,
        "auroc": reference.roc_auc_score(truth, score) if both else NAN,
    }


def assert_same(p: Predictions, threshold: float) -> None:
    table = per_class(p, thresholds=threshold)
    for column in range(len(p.class_names)):
        for name, value in expected(p, column, threshold).items():
            np.testing.assert_allclose(table.loc[column, name], value, rtol=0, atol=1e-12, err_msg=f"{name} {column}")


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("ties", [True, False])
def test_per_class_is_scikit_learn(threshold: float, ties: bool) -> None:
    assert_same(random_predictions(1, ties=ties), threshold)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_ties_and_unknown_labels_are_scikit_learn_on_the_known_rows(data: st.DataObject) -> None:
    n, c = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3))
    logits = data.draw(arrays(np.float32, (n, c), elements=st.sampled_from([-2.0, -0.5, 0.0, -0.0, 0.5, 3.0])))
    targets = data.draw(arrays(np.float32, (n, c), elements=st.sampled_from([0.0, 1.0, 1.0, np.nan])))
    p = predictions(logits, targets)
    with np.errstate(all="raise"):
        per_class(p)
    for column in range(c):
        if np.isnan(targets[:, column]).all():
            row = per_class(p).loc[column]
            assert row["n_positive"] == row["n_negative"] == 0
            assert row[["precision", "recall", "f1", "ap", "auroc"]].isna().all()
        else:
            assert_same(predictions(logits[:, [column]], targets[:, [column]]), 0.5)


def test_auroc_is_the_share_of_pairs_won_a_tie_counting_half() -> None:
    score, truth = np.array([3.0, 1, 2, 2, 0]), np.array([1.0, 1, 0, 1, 0])
    won = [(a > b) + (a == b) / 2 for a in score[truth == 1] for b in score[truth == 0]]
    assert ranking(score[:, None], truth[:, None]).auroc[0] == pytest.approx(np.mean(won), abs=1e-15)


def test_the_order_of_rows_is_moot() -> None:
    p = random_predictions(2)
    shuffled = np.random.default_rng(0).permutation(len(p))
    pd.testing.assert_frame_equal(per_class(p), per_class(predictions(p.logits[shuffled], p.targets[shuffled])))


def test_each_metric_is_undefined_by_its_own_denominator_only() -> None:
    # nothing called: precision 0/0, recall 0, F1 0; nothing true: recall 0/0, F1 0; neither: F1 0/0
    logits = np.array([[-1, 2, -1], [-1, -1, -1.0]])
    targets = np.array([[1, 0, 0], [0, 0, 0.0]])
    table = per_class(predictions(logits, targets))
    np.testing.assert_array_equal(table["precision"], [NAN, 0, NAN])
    np.testing.assert_array_equal(table["recall"], [0, NAN, NAN])
    np.testing.assert_array_equal(table["f1"], [0, 0, NAN])
    np.testing.assert_array_equal(table["auroc"], [0.5, NAN, NAN])
    macro = report(predictions(logits, targets)).macro
    assert (macro["f1"], macro["n_f1"]) == (0, 2)
    assert (macro["auroc"], macro["n_auroc"]) == (0.5, 1)
    assert (macro["precision"], macro["n_precision"]) == (0, 1)


def test_a_probability_equal_to_the_threshold_is_positive() -> None:
    assert per_class(predictions(np.zeros((1, 1)), np.ones((1, 1)))).loc[0, "recall"] == 1


def test_thresholds_may_differ_by_class_and_are_checked() -> None:
    p = random_predictions(3, c=3)
    table = per_class(p, thresholds=np.array([0.1, 0.5, 0.8]))
    for column, threshold in enumerate([0.1, 0.5, 0.8]):
        assert table.loc[column, "threshold"] == threshold
        assert table.loc[column, "f1"] == per_class(p, thresholds=threshold).loc[column, "f1"]
    with pytest.raises(Invalid, match=r"threshold must be in \[0, 1\], got 1.5"):
        per_class(p, thresholds=1.5)
    with pytest.raises(Invalid, match="one for each of 3 classes"):
        per_class(p, thresholds=[0.5, 0.5])


def test_saturated_probabilities_do_not_invent_ties() -> None:
    logits, targets = np.array([[40.0], [60.0]]), np.array([[0.0], [1.0]])
    assert per_class(predictions(logits, targets)).loc[0, "auroc"] == 1


def test_logits_that_are_not_numbers_are_refused_in_a_sentence() -> None:
    with pytest.raises(Problem, match="1 of 2 predictions on the test part are not numbers"):
        report(predictions(np.array([[NAN], [0.0]]), np.zeros((2, 1))))


def test_no_rows_at_all_is_not_an_error() -> None:
    entry = report(predictions(np.zeros((0, 2)), np.zeros((0, 2)))).as_json()
    assert entry["n"] == 0
    assert entry["macro"]["f1"] is None


def test_single_label_is_the_arg_max_one_against_the_rest() -> None:
    rng = np.random.default_rng(5)
    truth = rng.choice(4, size=200, p=[0.6, 0.25, 0.1, 0.05])
    logits = rng.normal(size=(200, 4)) + 2 * np.eye(4)[truth]
    result = report(predictions(logits, np.eye(4)[truth], "single"))
    called = logits.astype(np.float32).argmax(axis=1)
    precision, recall, f1, _ = reference.precision_recall_fscore_support(truth, called)
    np.testing.assert_allclose(result.classes["precision"], precision, atol=1e-12)
    np.testing.assert_allclose(result.classes["recall"], recall, atol=1e-12)
    np.testing.assert_allclose(result.classes["f1"], f1, atol=1e-12)
    assert result.accuracy == pytest.approx(reference.accuracy_score(truth, called), abs=1e-12)
    assert result.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(truth, called), abs=1e-12)
    softmax = predictions(logits, np.eye(4)[truth], "single").probabilities
    area = reference.roc_auc_score(truth, softmax, multi_class="ovr", average=None, labels=range(4))
    np.testing.assert_allclose(result.classes["auroc"], area, atol=1e-12)
    assert result.micro["f1"] == pytest.approx(result.accuracy)
    assert [entry["threshold"] for entry in result.as_json()["classes"]] == [None] * 4


def test_accuracy_leaves_out_rows_of_unknown_class() -> None:
    targets = np.array([[1, 0], [0, 1], [NAN, NAN]])
    result = report(predictions(np.array([[1, 0], [1, 0], [1.0, 0]]), targets, "single"))
    assert result.accuracy == 0.5
    assert result.classes["n_positive"].tolist() == [1, 1]


def test_macro_micro_and_groups_are_scikit_learn() -> None:
    p = random_predictions(7)
    groups = ["head", "head", "medium", "tail", "tail", "tail"]
    result = report(p, threshold=0.4, groups=groups)
    called, truth = (p.probabilities >= 0.4).astype(int), p.targets.astype(int)
    assert result.macro["f1"] == pytest.approx(reference.f1_score(truth, called, average="macro"), abs=1e-12)
    assert result.micro["f1"] == pytest.approx(reference.f1_score(truth, called, average="micro"), abs=1e-12)
    area = reference.average_precision_score(truth, p.probabilities, average="micro")
    assert result.micro["ap"] == pytest.approx(area, abs=1e-12)
    assert result.macro["ap"] == pytest.approx(
        reference.average_precision_score(truth, p.probabilities, average="macro"), abs=1e-12
    )
    tail = reference.f1_score(truth[:, 3:], called[:, 3:], average="macro")
    assert result.groups["tail"]["f1"] == pytest.approx(tail, abs=1e-12)
    assert result.groups["tail"]["n_classes"] == 3
    assert result.groups["tail"]["n_positive"] == int(truth[:, 3:].sum())


def test_a_group_without_a_class_is_null_and_wrong_groups_are_refused() -> None:
    p = random_predictions(8, c=2)
    group = report(p, groups=["head", "head"]).groups["tail"]
    assert group == {
        **dict.fromkeys(("f1", "ap", "auroc", "precision", "recall")),
        **dict.fromkeys(("n_f1", "n_ap", "n_auroc", "n_precision", "n_recall", "n_classes", "n_positive"), 0),
    }
    assert report(p).groups["head"]["f1"] is None
    with pytest.raises(Invalid, match="for each of 2 classes"):
        report(p, groups=["head"])


def test_json_has_the_contract_and_never_nan() -> None:
    targets = np.array([[1, 0, NAN], [0, 0, NAN]])
    entry = report(
        predictions(np.array([[-1, -1, 1], [-1, -1, 1.0]]), targets), groups=["head", "tail", "tail"]
    ).as_json()
    assert set(entry) == {"n", "classes", "macro", "micro", "groups"}
    assert list(entry["classes"][0])[:8] == [
        "name",
        "n_positive",
        "threshold",
        "precision",
        "recall",
        "f1",
        "ap",
        "auroc",
    ]
    assert set(entry["groups"]) == {"head", "medium", "tail"}
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    assert entry["classes"][2]["auroc"] is None
    assert entry["classes"][2]["n_positive"] == 0


def test_the_published_predictions_of_nih_give_the_known_figures(shared: Path) -> None:
    folder = shared / "data" / "nih"
    table = pd.read_csv(folder / "nih_starter_predictions.csv").merge(
        pd.read_csv(folder / "nih_starter_Data_Entry.csv"), on="Image Index", validate="one_to_one"
    )
    names = [column.removeprefix("prob_") for column in table if column.startswith("prob_")]
    probability = table[[f"prob_{name}" for name in names]].to_numpy()
    truth = np.stack(
        [table["Finding Labels"].str.split("|").map(lambda found, n=name: n in found) for name in names], 1
    )
    p = predictions(np.log(probability) - np.log1p(-probability), truth)
    result = report(p)
    area = dict(zip(names, result.classes["auroc"], strict=True))
    assert f"{result.macro['f1']:.4f}" == "0.1376"
    assert [f"{area[name]:.4f}" for name in ("Cardiomegaly", "Pneumonia", "Hernia")] == ["0.9200", "0.5789", "0.8771"]


def test_report_says_itself_in_one_line() -> None:
    assert repr(report(random_predictions(1))).startswith("Report(test: 300 images, 6 classes, macro F1 0.")
    assert math.isfinite(report(random_predictions(1)).macro["f1"] or NAN)
