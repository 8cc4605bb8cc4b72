"""Slices: how columns are cut, that a slice is an evaluation of its images, and that small ones are said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lt_core.evaluation.errors import MISSING, by_slice, sliced
from lt_core.evaluation.errors.shares import reaching_zero
from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty import METRICS, evaluate
from lt_core.problems import Invalid, Problem, Unknown


def test_ages_are_cut_at_their_bands_and_missing_is_a_slice() -> None:
    cut = sliced(pd.DataFrame({"age": [3, 17.9, 18, 39, 40, 61, 80, 95, np.nan]}), "age")
    assert cut.names == (
        "below 18", "18 to below 40", "40 to below 60", "60 to below 80", "80 and more", MISSING,
    )  # fmt: skip
    assert cut.number.tolist() == [0, 0, 1, 1, 2, 3, 4, 4, 5]


def test_other_numbers_are_cut_at_quartiles_and_few_values_stay() -> None:
    columns = pd.DataFrame({"size": np.arange(100.0), "visit": np.arange(100) % 3, "flag": np.arange(100) % 2 == 0})
    assert np.bincount(sliced(columns, "size").number).tolist() == [25, 25, 25, 25]
    assert sliced(columns, "visit").names == ("0", "1", "2")
    assert set(sliced(columns, "flag").names) == {"True", "False"}
    assert sliced(columns, "size", (50.0,)).names == ("below 50", "50 and more")
    with pytest.raises(Invalid, match="must rise"):
        sliced(columns, "size", (5.0, 5.0))


def test_names_are_slices_by_frequency_and_the_rarest_stand_together() -> None:
    names = [f"h{k}" for k in range(20) for _ in range(30 - k)] + [None, " "]
    cut = sliced(pd.DataFrame({"hospital": names}), "hospital")
    assert cut.names[:2] == ("h0", "h1")
    assert cut.names[-2:] == ("all others", MISSING)
    assert len(cut.names) == 13
    assert cut.mask(MISSING).sum() == 2
    assert cut.mask("all others").sum() == sum(30 - k for k in range(11, 20))
    with pytest.raises(Unknown):
        sliced(pd.DataFrame({"hospital": names}), "sex")


@pytest.mark.parametrize("metric", METRICS)
def test_a_slice_is_an_evaluation_of_its_images(clustered: Scored, metric: str) -> None:
    assert clustered.columns is not None
    found = by_slice(clustered, "sex", 0.4, metric=metric, draws=30)
    for name in ("F", "M"):
        mask = np.asarray(clustered.columns["sex"] == name)
        wanted = evaluate(clustered.only(mask), thresholds=0.4, draws=30).classes
        table = found.table[found.table["slice"] == name]
        for ours, theirs in (("value", metric), ("low", f"{metric}_low"), ("high", f"{metric}_high")):
            assert np.allclose(table[ours], wanted[theirs], rtol=1e-6, atol=1e-9, equal_nan=True)
        assert table["n"].tolist() == wanted["n_known"].tolist()
        assert table["n_positive"].tolist() == wanted["n_positive"].tolist()
    # two slices are each other's rest
    f, m = (found.table[found.table["slice"] == name].reset_index() for name in ("F", "M"))
    assert np.allclose(f["difference"], -m["difference"])
    assert np.allclose(f["difference_low"], -m["difference_high"])
    assert np.allclose(f["value"], m["rest"])
    assert f["verdict"].isin(["better", "worse", "cannot tell", "differs"]).all()


def test_two_slices_are_one_test_and_the_correction_counts_it_once(clustered: Scored) -> None:
    found = by_slice(clustered, "sex", 0.4, metric="recall")
    f, m = (found.table[found.table["slice"] == name].reset_index() for name in ("F", "M"))
    tested = f["p"].notna()
    assert len(found.tests) == len(f)
    ranked = np.sort(f["p"][tested])  # Holm by hand: the k-th smallest of n times n - k, never below one before
    holm = np.minimum(np.maximum.accumulate(ranked * np.arange(len(ranked), 0, -1)), 1)
    assert np.sort(f["p_adjusted"][tested]) == pytest.approx(holm)
    assert f["p_adjusted"].tolist() == pytest.approx(m["p_adjusted"].tolist(), nan_ok=True)
    opposite = {"better": "worse", "worse": "better", "cannot tell": "cannot tell"}
    assert [opposite[word] for word in f["verdict"]] == m["verdict"].tolist()


@pytest.mark.parametrize("metric", ["recall", "f_beta", "auroc"])
def test_the_mean_over_classes_is_the_macro_of_an_evaluation_of_the_slice(clustered: Scored, metric: str) -> None:
    assert clustered.columns is not None
    found = by_slice(clustered, "sex", 0.4, metric=metric, draws=60, beta=0.5, macro=True).macro.set_index("slice")
    for name, other in (("F", "M"), ("M", "F")):
        macro = evaluate(
            clustered.only(np.asarray(clustered.columns["sex"] == name)), thresholds=0.4, draws=60, beta=0.5
        ).macro[metric]
        assert found.loc[name, ["value", "low", "high"]].tolist() == pytest.approx(macro[:3])
        assert found.loc[other, ["rest", "rest_low", "rest_high"]].tolist() == pytest.approx(macro[:3])
        row = found.loc[name]
        down, up = row["value"] - row["low"], row["rest_high"] - row["rest"]  # MOVER, of independent means
        assert row["difference_low"] == pytest.approx(row["difference"] - np.hypot(down, up))
    assert found.loc["F", "p_adjusted"] == pytest.approx(found.loc["F", "p"]), "two slices are one test"
    assert by_slice(clustered, "sex", metric="prevalence", macro=True).macro.empty


def test_one_class_is_the_same_alone_and_among_all(scored: Scored) -> None:
    every, alone = by_slice(scored, "age", 0.5), by_slice(scored, "age", np.array([0.5] * 4), classes=["C"])
    left = every.table[every.table["class"] == "C"].reset_index(drop=True)
    for key in ("value", "low", "high", "rest", "difference", "p"):
        assert np.allclose(left[key], alone.table[key], equal_nan=True)


def test_a_planted_difference_is_found_with_its_sign(scored: Scored) -> None:
    assert scored.columns is not None
    worse = np.asarray(scored.columns["sex"] == "M")
    scores = scored.scores.copy()
    scores[worse, 0] = np.random.default_rng(0).random(int(worse.sum()))
    record = replace(scored, scores=scores, probabilities=scores)
    for metric, bad in (("auroc", "worse"), ("brier", "worse")):
        table = by_slice(record, "sex", metric=metric, draws=200).table.set_index(["slice", "class"])
        assert table.loc[("M", "A"), "verdict"] == bad
        assert table.loc[("F", "A"), "verdict"] == "better"


def test_small_slices_are_said_and_get_no_verdict(scored: Scored) -> None:
    columns = pd.DataFrame({"view": ["lateral"] * 3 + ["frontal"] * (len(scored) - 3)})
    table = by_slice(scored, "view", columns=columns).table
    assert (table["verdict"] == "cannot tell").all()
    assert (table["note"] != "").all()
    assert table["p"].isna().all()
    alone = by_slice(scored, "view", columns=pd.DataFrame({"view": ["frontal"] * len(scored)})).table
    assert (alone["note"] == "there is no other slice").all()
    assert alone["rest"].isna().all()


def test_nothing_known_is_a_sentence(scored: Scored) -> None:
    with pytest.raises(Problem, match="nothing to slice by"):
        by_slice(replace(scored, columns=None), "sex")


def test_p_agrees_with_its_interval() -> None:
    p = reaching_zero(np.array([0.2, 0.2, -0.2, 0.0]), np.array([0.0, 0.1, -0.3, -0.1]), np.array([0.4, 0.4, 0.0, 0.2]))
    assert p[[0, 2]] == pytest.approx(0.05)
    assert p[1] < 0.05
    assert p[3] == 1
