"""Curves of very many classes: few points, every class in one of them, nothing without a place on a log axis."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lt_core.charts.distribution import CLICKED, class_counts
from lt_core.charts.tail import before_after_counts, binned_ranks, rank_curve, thinned


def table(n: int, empty: int = 3) -> pd.DataFrame:
    counts = np.concatenate([np.sort(np.random.default_rng(0).integers(1, 10**6, n))[::-1], np.zeros(empty, int)])
    mixed = np.random.default_rng(1).permutation(len(counts))
    return pd.DataFrame(
        {"class": [f"c{k}" for k in mixed], "positives": counts[mixed], "prevalence": 0.1, "group": "tail"}
    )


@pytest.mark.parametrize("n", [1, 2, 61, 399, 400, 401, 5000, 200_000])
def test_every_class_is_in_exactly_one_point(n: int) -> None:
    points = binned_ranks(table(n))
    assert len(points) <= 520
    assert points["classes"].sum() == n
    assert points["rank"].tolist() == [1, *(points["last_rank"][:-1] + 1)]
    assert points["last_rank"].iloc[-1] == n
    assert (np.diff(points["positives"]) <= 0).all()
    assert (points["lowest"] <= points["positives"]).all()
    assert (points["classes"].head(min(n, 99)) == 1).all(), "the head is drawn class by class"


def test_a_curve_of_many_classes_stays_small_and_a_click_has_a_name() -> None:
    many = table(50_000)
    fit = pd.DataFrame({"rank": np.arange(1, 50_001), "class": "x", "a law": 1.0})
    drawn = thinned(fit, ("a law",))
    assert len(drawn) <= 121
    assert {1, 50_000} <= set(drawn["rank"])
    spec = rank_curve(binned_ranks(many), fit=drawn, chosen=binned_ranks(many).head(1)).to_json()
    assert len(spec) < 300_000
    assert f'"name": "{CLICKED}"' in spec
    assert CLICKED not in rank_curve(binned_ranks(many), clickable=False).to_json()
    assert "c1" in before_after_counts(binned_ranks(many), binned_ranks(table(20))).to_json()


def test_a_curve_without_a_class_is_drawn_too() -> None:
    nothing = table(1).head(0)
    assert rank_curve(binned_ranks(nothing)).to_dict()["height"] == 380


def test_bars_say_which_was_clicked_and_the_chosen_one_stands_out() -> None:
    few = table(4)
    spec = class_counts(few, clickable=True, chosen=few["class"].iloc[0]).to_json()
    assert f'"name": "{CLICKED}"' in spec
    assert f'"name": "{CLICKED}"' not in class_counts(few).to_json()
    line = pd.DataFrame({"rank": [1, 2], "class": few["class"][:2], "law": "exponential", "expected": [9.0, 0.1]})
    assert len(class_counts(few, fit=line).to_dict()["layer"]) == 3
