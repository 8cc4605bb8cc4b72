"""The shortcut probe: values by scikit-learn on the images of a side, laws of prevalence, a planted shortcut."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, recall_score, roc_auc_score

from lt_core.evaluation.errors import PROBED, shortcut_probe
from lt_core.evaluation.scored import Scored
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
            assert row[f"n_{side}"] == rows.sum() and row[f"n_positive_{side}"] == (y == 1).sum()
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
    assert planted["verdict"] == "better with" and planted["difference_low"] > 0
    honest = _companion(0.0)
    as_it_is = shortcut_probe(honest, "B", 0.8, metric="f1", equal_prevalence=False, draws=400).table.iloc[0]
    equal = shortcut_probe(honest, "B", 0.8, metric="f1", draws=400).table.iloc[0]
    assert as_it_is["verdict"] == "better with"
    assert equal["verdict"] == "cannot tell" and abs(equal["difference"]) < as_it_is["difference"] / 3


def test_bootstrap_is_by_patient(clustered: Scored) -> None:
    # the images of a patient always come together: the same weights as a bootstrap of patients by an obvious loop
    found = shortcut_probe(clustered, "B", 0.4, metric="f1", equal_prevalence=False, draws=300, seed=5).table.iloc[0]
    random = np.random.default_rng(0)
    people = np.unique(clustered.patients)  # type: ignore[arg-type]
    rows_of = {who: np.flatnonzero(clustered.patients == who) for who in people}
    gaps = []
    for _ in range(300):
        rows = np.concatenate([rows_of[who] for who in random.choice(people, len(people))])
        y, called, beside = clustered.targets[rows, 1], clustered.scores[rows, 1] >= 0.4, clustered.targets[rows, 0]
        with_, without = (
            f1_score(y[m] == 1, called[m]) for m in (~np.isnan(y) & (beside == 1), ~np.isnan(y) & (beside == 0))
        )
        gaps.append(with_ - without)
    width = np.subtract(*np.quantile(gaps, [0.975, 0.025]))
    assert found["difference_high"] - found["difference_low"] == pytest.approx(width, rel=0.25)


def test_too_few_positives_give_no_verdict_and_none_is_not_defined() -> None:
    scores = np.tile(np.linspace(0, 1, 100)[:, None], (1, 3))
    truth = np.zeros((100, 3), np.float32)
    truth[40:60, 0] = truth[57:95, 1] = 1  # B three times with A, never with C
    truth[:5, 2] = 1
    record = Scored(("A", "B", "C"), scores, scores, truth, np.arange(100).astype(str))
    for metric in ("recall", "f1"):
        table = shortcut_probe(record, "B", 0.5, metric=metric, draws=50).table.set_index("beside")
        assert "fewer than 5" in table.loc["A", "note"] and np.isnan(table.loc["A", "p_adjusted"])
        assert np.isnan(table.loc["C", "value_with"]) and "no positive" in table.loc["C", "note"]
        assert set(table["verdict"]) == {"cannot tell"}


def test_images_of_one_class_have_no_companions() -> None:
    scores = np.random.default_rng(0).random((6, 2))
    record = Scored(("A", "B"), scores, scores, np.eye(2, dtype=np.float32)[[0, 1] * 3], np.arange(6).astype(str),
                    kind="single")  # fmt: skip
    with pytest.raises(Problem, match="one class"):
        shortcut_probe(record, "A")
