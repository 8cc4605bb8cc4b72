"""The shortcut probe: values by scikit-learn on the images of a side, laws of prevalence, a planted shortcut."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, recall_score, roc_auc_score

from lt_core.evaluation.errors import PROBED, shortcut_probe
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty import evaluate
from lt_core.problems import Problem


@pytest.mark.parametrize("metric", PROBED)
def test_each_side_is_scikit_learns_value_on_its_images(scored: Scored, metric: str) -> None:
    found = shortcut_probe(scored, "B", 0.4, metric=metric, equal_prevalence=False, draws=40)
    known = ~np.isnan(scored.targets[:, 1])
    for _, row in found.table.iterrows():
        beside = scored.targets[:, scored.class_names.index(row["beside"])]
        for side, there in (("with", 1), ("without", 0)):
            rows = known & (beside == there)
            y, s = scored.targets[rows, 1], scored.scores[rows, 1]
            wanted = {
                "recall": lambda y=y, s=s: recall_score(y, s >= 0.4),
                "f1": lambda y=y, s=s: f1_score(y, s >= 0.4),
                "ap": lambda y=y, s=s: average_precision_score(y, s),
                "auroc": lambda y=y, s=s: roc_auc_score(y, s),
            }[metric]()
            assert row[f"value_{side}"] == pytest.approx(wanted, abs=1e-9)
            assert row[f"n_{side}"] == rows.sum()
            assert row[f"n_positive_{side}"] == (y == 1).sum()
            assert row[f"low_{side}"] <= wanted <= row[f"high_{side}"]


@pytest.mark.parametrize("metric", ["f1", "ap"])
def test_negatives_are_weighed_to_the_same_prevalence(scored: Scored, metric: str) -> None:
    found = shortcut_probe(scored, "B", 0.4, metric=metric, draws=20)
    known = ~np.isnan(scored.targets[:, 1])
    q = float((scored.targets[known, 1] == 1).mean())
    assert found.prevalence == pytest.approx(q)
    row = found.table.iloc[0]
    rows = known & (scored.targets[:, 0] == 1)
    y, s = scored.targets[rows, 1] == 1, scored.scores[rows, 1]
    weight = np.where(y, 1.0, y.sum() * (1 - q) / (q * (~y).sum()))
    wanted = (
        average_precision_score(y, s, sample_weight=weight)
        if metric == "ap"
        else f1_score(y, s >= 0.4, sample_weight=weight)
    )
    assert row["value_with"] == pytest.approx(wanted, abs=1e-9)


def _companion(shortcut: float) -> Scored:
    random = np.random.default_rng(3)
    a = random.random(3000) < 0.3
    b = random.random(3000) < np.where(a, 0.5, 0.1)
    score = random.normal(size=3000) + 1.5 * b + shortcut * a
    scores = np.stack([a + random.random(3000), score], axis=1)
    return Scored(("A", "B"), scores, None, np.stack([a, b], axis=1).astype(np.float32), np.arange(3000).astype(str))


def test_a_planted_shortcut_is_found_and_prevalence_alone_is_none() -> None:
    planted = shortcut_probe(_companion(1.5), "B", 1.2, metric="recall").table.iloc[0]
    assert planted["verdict"] == "better with"
    assert planted["difference_low"] > 0
    honest = _companion(0.0)
    as_it_is = shortcut_probe(honest, "B", 0.8, metric="f1", equal_prevalence=False).table.iloc[0]
    equal = shortcut_probe(honest, "B", 0.8, metric="f1").table.iloc[0]
    assert as_it_is["verdict"] == "better with"
    assert equal["verdict"] == "cannot tell"
    assert abs(equal["difference"]) < as_it_is["difference"] / 3


@pytest.mark.parametrize("metric", ["f1", "ap"])
def test_the_difference_is_as_wide_as_a_bootstrap_of_patients_by_an_obvious_loop(
    clustered: Scored, metric: str
) -> None:
    found = shortcut_probe(clustered, "B", 0.4, metric=metric, equal_prevalence=False, draws=300).table.iloc[0]
    random = np.random.default_rng(0)
    people = np.unique(clustered.patients)  # type: ignore[arg-type]
    rows_of = {who: np.flatnonzero(clustered.patients == who) for who in people}
    gaps = []
    for _ in range(200):
        rows = np.concatenate([rows_of[who] for who in random.choice(people, len(people))])
        y, scores, beside = clustered.targets[rows, 1], clustered.scores[rows, 1], clustered.targets[rows, 0]
        value = []
        for there in (1, 0):
            some = ~np.isnan(y) & (beside == there)
            tp, called, positive = ((part & some).sum() for part in ((y == 1) & (scores >= 0.4), scores >= 0.4, y == 1))
            value.append(
                average_precision_score(y[some], scores[some]) if metric == "ap" else 2 * tp / (called + positive)
            )
        gaps.append(value[0] - value[1])
    wider = (found["difference_high"] - found["difference_low"]) / np.subtract(*np.quantile(gaps, [0.975, 0.025]))
    # AP is expanded for its few patients, which a plain percentile is too narrow for
    assert 0.8 < wider < (1.25 if metric == "f1" else 1.5)


@pytest.mark.parametrize("metric", ["f1", "ap"])
def test_none_of_six_found_is_no_proof(metric: str) -> None:
    # each draw of the six says 0 again: a plain bootstrap would be sure of the difference
    random = np.random.default_rng(0)
    truth = np.zeros((400, 2), np.float32)
    truth[:40, 0] = 1
    truth[:6, 1] = truth[100:160, 1] = 1
    scores = random.random((400, 2)) * 0.4
    scores[100:115, 1] = 0.9
    row = shortcut_probe(Scored(("A", "B"), scores, scores, truth, np.arange(400).astype(str)), "B", metric=metric,
                         draws=200).table.iloc[0]  # fmt: skip
    assert row["n_positive_with"] == 6
    assert row["high_with"] > row["value_without"]
    assert row["verdict"] == "cannot tell"


def test_too_few_positives_give_no_verdict_and_none_is_not_defined() -> None:
    scores = np.tile(np.linspace(0, 1, 100)[:, None], (1, 3))
    truth = np.zeros((100, 3), np.float32)
    truth[40:60, 0] = truth[57:95, 1] = 1  # B three times with A, never with C
    truth[:5, 2] = 1
    record = Scored(("A", "B", "C"), scores, scores, truth, np.arange(100).astype(str))
    for metric in ("recall", "f1"):
        table = shortcut_probe(record, "B", 0.5, metric=metric, draws=50).table.set_index("beside")
        assert "fewer than 5" in table.loc["A", "note"]
        assert np.isnan(table.loc["A", "p_adjusted"])
        assert np.isnan(table.loc["C", "value_with"])
        assert "no positive" in table.loc["C", "note"]
        assert set(table["verdict"]) == {"cannot tell"}


def test_images_of_one_class_have_no_companions() -> None:
    scores = np.random.default_rng(0).random((6, 2))
    record = Scored(("A", "B"), scores, scores, np.eye(2, dtype=np.float32)[[0, 1] * 3], np.arange(6).astype(str),
                    kind="single")  # fmt: skip
    with pytest.raises(Problem, match="one class"):
        shortcut_probe(record, "A")


@pytest.mark.parametrize("patients", [False, True])
def test_auroc_of_a_side_has_the_interval_that_evaluating_its_images_gives(
    scored: Scored, clustered: Scored, patients: bool
) -> None:
    """A plain bootstrap holds 87 to 92 % with ten positives, so no other interval may stand here."""
    given = clustered if patients else scored
    row = shortcut_probe(given, "B", 0.4, metric="auroc", draws=50).table.iloc[0]
    beside = given.targets[:, given.class_names.index(row["beside"])]
    for side, there in (("with", 1), ("without", 0)):
        rows = np.flatnonzero((beside == there) & ~np.isnan(given.targets[:, 1]))
        alone = evaluate(given.only(rows), draws=0).classes.set_index("class").loc["B"]
        assert row[f"low_{side}"] == pytest.approx(alone["auroc_low"], abs=1e-9)
        assert row[f"high_{side}"] == pytest.approx(alone["auroc_high"], abs=1e-9)
