"""Pairs of classes against the plain way: pandas, scikit-learn, scipy, and the published counts of ChestX-ray14."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, false_discovery_control, hypergeom
from scipy.stats.contingency import association
from sklearn.metrics import jaccard_score, matthews_corrcoef

from lt_core.datasets import Source, load
from lt_core.problems import Invalid, Unknown
from lt_core.stats import LabelStats, label_stats, stats_of
from lt_core.stats.pairs import TERMS, counts_among, never_together, one_pair, pair_table, seen_pairs
from lt_core.stats.pairs_cells import pair_cells
from lt_core.stats.pairs_known import known_together, n_complete
from lt_core.stats.pairs_order import ORDERS, class_order
from lt_core.stats.pairs_views import VIEWS, pairs_by

NAMES = tuple("abcdef")


def drawn(n: int = 400, unknown: float = 0.0, seed: int = 0) -> NDArray[np.float32]:
    """Labels of six classes: b follows a, f is rare, and single cells are unknown."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, 6)) < [0.4, 0.1, 0.3, 0.2, 0.5, 0.01]).astype(np.float32)
    labels[:, 1] = np.maximum(labels[:, 1], labels[:, 0] * (rng.random(n) < 0.6))
    labels[rng.random((n, 6)) < unknown] = np.nan
    return labels


def row(table: pd.DataFrame, a: str, b: str) -> pd.Series:
    found = table[(table["a"] == a) & (table["b"] == b)]
    assert len(found) == 1
    return found.iloc[0]


def test_each_measure_against_the_plain_way() -> None:
    labels = drawn()
    table = pair_table(label_stats(labels, NAMES))
    for _, pair in table.iterrows():
        x, y = (labels[:, NAMES.index(pair[k])] == 1 for k in "ab")
        assert pair["n"] == (x & y).sum()
        assert pair["n_a"] == x.sum()
        assert pair["n_b"] == y.sum()
        assert pair["p_b_given_a"] == pytest.approx(y[x].mean())
        assert pair["p_a_given_b"] == pytest.approx(x[y].mean())
        assert pair["jaccard"] == pytest.approx(jaccard_score(x, y))
        assert pair["lift"] == pytest.approx((x & y).mean() / (x.mean() * y.mean()))
        assert pair["phi"] == pytest.approx(matthews_corrcoef(x, y))
        cells = pd.crosstab(x, y).to_numpy()
        assert pair["expected"] == pytest.approx(chi2_contingency(cells).expected_freq[1, 1])
        assert abs(pair["phi"]) == pytest.approx(association(cells, method="cramer"))
        half = cells + 0.5
        odds = half[1, 1] * half[0, 0] / (half[0, 1] * half[1, 0])
        assert pair["log_odds"] == pytest.approx(np.log(odds))
        tails = hypergeom(400, x.sum(), y.sum())
        assert pair["p"] == pytest.approx(min(1.0, 2 * min(tails.cdf(pair["n"]), tails.sf(pair["n"] - 1))))
        assert pair["p_b_given_a_low"] <= pair["p_b_given_a"] <= pair["p_b_given_a_high"]


def test_all_pairs_are_counted_as_tests_even_those_never_seen() -> None:
    stats = label_stats(drawn(), NAMES)
    seen, never = pair_table(stats), never_together(stats)
    assert len(seen) + len(never) == 15
    both = pd.concat([seen, never], ignore_index=True)
    everything = false_discovery_control(both["p"])
    # the listed pairs with the others as p = 1 can only be more careful than all fifteen at once
    assert (seen["q"] >= everything[: len(seen)] - 1e-12).all()
    padded = false_discovery_control(np.concatenate((seen["p"], np.ones(len(never)))))
    np.testing.assert_allclose(seen["q"], padded[: len(seen)])


def test_with_unknown_labels_a_pair_counts_the_images_where_both_are_known() -> None:
    labels = drawn(unknown=0.2)
    stats = label_stats(labels, NAMES)
    assert n_complete(stats) is None
    with pytest.raises(Invalid, match="unknown"):
        pair_table(stats)
    frame = pd.DataFrame(labels, columns=list(NAMES))
    for _, pair in pair_table(stats, known=known_together(labels)).iterrows():
        both = frame[[pair["a"], pair["b"]]].dropna()
        assert pair["n_known"] == len(both)
        assert (pair["n_a"], pair["n_b"]) == tuple(both.sum().astype(int))
        assert pair["phi"] == pytest.approx(both.corr().iloc[0, 1])


def test_rows_known_wholly_or_not_at_all_need_no_label_matrix() -> None:
    labels = drawn()
    labels[::7] = np.nan
    stats = label_stats(labels, NAMES)
    assert n_complete(stats) == (~np.isnan(labels[:, 0])).sum()
    quick, full = pair_table(stats), pair_table(stats, known=known_together(labels))
    pd.testing.assert_frame_equal(quick, full)
    pd.testing.assert_frame_equal(quick, pair_table(label_stats(labels[~np.isnan(labels[:, 0])], NAMES)))


def test_the_pairs_of_some_classes_are_those_of_the_set_with_only_these() -> None:
    labels = drawn()
    some = pair_table(label_stats(labels, NAMES), classes=[0, 2, 5])
    alone = pair_table(label_stats(labels[:, [0, 2, 5]], ("a", "c", "f")))
    pd.testing.assert_frame_equal(some, alone)
    most = pair_table(label_stats(labels, NAMES), most=3)
    assert most[["a", "b", "n"]].equals(pair_table(label_stats(labels, NAMES)).head(3)[["a", "b", "n"]])


def test_pairs_never_seen_have_lift_zero_and_the_number_expected() -> None:
    labels = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32)
    never = never_together(label_stats(labels, ("x", "y", "nowhere")))
    assert never[["a", "b", "n"]].to_numpy().tolist() == [["x", "y", 0]]
    assert never["expected"].item() == 2 * 1 / 4
    assert never["lift"].item() == never["lift_low"].item() == 0
    assert never["lift_high"].item() > 1, "half an image was expected: none is no news"


def test_one_pair_keeps_its_order_and_a_class_without_positives_defines_nothing() -> None:
    labels = drawn()
    labels[:, 3] = 0
    stats = label_stats(labels, NAMES)
    pair, back = one_pair(stats, 1, 0), one_pair(stats, 0, 1)
    assert (pair["a"], pair["b"], pair["n"]) == ("b", "a", back["n"])
    assert pair["p_b_given_a"] == back["p_a_given_b"]
    assert np.isnan([one_pair(stats, 0, 3)[k] for k in ("lift", "lift_low", "p", "phi", "p_a_given_b")]).all()
    with pytest.raises(Invalid, match="different"):
        one_pair(stats, 2, 2)


def test_every_column_has_its_definition() -> None:
    columns = {c.removesuffix("_low").removesuffix("_high") for c in pair_table(label_stats(drawn(), NAMES))}
    assert columns == {"a", "b", *TERMS}


def test_counts_among_is_the_product_of_the_label_matrix() -> None:
    labels = drawn()
    np.testing.assert_array_equal(
        counts_among(label_stats(labels, NAMES), [4, 0, 5]), labels[:, [4, 0, 5]].T @ labels[:, [4, 0, 5]]
    )


def test_cells_say_of_the_row_what_the_table_says_of_the_pair() -> None:
    stats = label_stats(drawn(), NAMES)
    cells, table = pair_cells(stats, [2, 0, 5, 1]), pair_table(stats)
    assert cells["a"].tolist() == list("ccccaaaaffffbbbb")
    assert cells["b"].tolist() == list("cafb") * 4
    ab, ba, pair = row(cells, "a", "b"), row(cells, "b", "a"), row(table, "a", "b")
    assert (ab["share"], ba["share"]) == (pair["p_b_given_a"], pair["p_a_given_b"])
    assert (ab["n_row"], ba["n_row"]) == (pair["n_a"], pair["n_b"])
    assert ab["lift"] == ba["lift"] == pair["lift"]
    assert row(cells, "a", "a")["n"] == stats.positives[0]
    assert np.isnan(row(cells, "a", "a")["lift"])
    certain = (cells["lift_low"] > 1) | (cells["lift_high"] < 1)
    assert (cells["sure"] == certain).all()
    assert row(cells, "a", "b")["sure"]


@pytest.mark.parametrize("by", ORDERS)
def test_an_order_holds_each_class_once_and_does_not_depend_on_how_they_are_given(by: str) -> None:
    stats = label_stats(drawn(), NAMES)
    order = class_order(stats, range(6), by=by)
    assert sorted(order) == list(range(6))
    assert class_order(stats, [5, 3, 1, 0, 2, 4], by=by) == order


def test_the_orders_are_what_they_say() -> None:
    stats = label_stats(drawn(), NAMES)
    counts = stats.positives[class_order(stats, range(6), by="count")]
    assert (np.diff(counts) <= 0).all()
    groups = [stats.group[c] for c in class_order(stats, range(6), by="group")]
    assert groups == sorted(groups, key=("head", "medium", "tail").index)
    with pytest.raises(Unknown):
        class_order(stats, range(6), by="colour")


def test_clustering_puts_classes_that_occur_together_beside_each_other() -> None:
    rng = np.random.default_rng(3)
    block = rng.integers(0, 3, 600)
    labels = np.stack([(block == b) & (rng.random(600) < 0.8) for b in (0, 1, 2, 0, 1, 2)], axis=1)
    order = class_order(label_stats(labels, NAMES), range(6))
    assert all(abs(order[i] - order[i + 1]) == 3 for i in (0, 2, 4))


def test_the_rarest_pairs_are_those_of_the_whole_table() -> None:
    stats = label_stats(drawn(), NAMES)
    all_of_them = pairs_by("rarest", pair_table(stats), never_together(stats))
    few = pairs_by("rarest", pair_table(stats, most=4, rarest=True), never_together(stats))
    assert few[["a", "b", "n"]].equals(all_of_them.head(4)[["a", "b", "n"]])


def test_the_views_of_pairs_are_in_the_order_they_promise() -> None:
    stats = label_stats(drawn(), NAMES)
    seen, never = pair_table(stats), never_together(stats)
    views = {view: pairs_by(view, seen, never) for view in VIEWS}
    assert views["frequent"]["n"].is_monotonic_decreasing
    assert views["rarest"]["n"].is_monotonic_increasing
    assert ((views["more"]["q"] < 0.05) & (views["more"]["lift_low"] > 1)).all()
    assert views["more"].iloc[0][["a", "b"]].tolist() == ["a", "b"]
    assert (views["less"]["lift"] < 1).all()
    assert views["never"]["expected"].is_monotonic_decreasing
    assert (views["never"]["n"] == 0).all()
    with pytest.raises(Unknown):
        pairs_by("odd", seen, never)


def test_never_seen_although_expected_is_less_than_chance() -> None:
    labels = np.zeros((200, 2), np.float32)
    labels[:80, 0], labels[80:160, 1] = 1, 1
    stats = label_stats(labels, ("x", "y"))
    less = pairs_by("less", pair_table(stats), never_together(stats))
    assert less[["a", "b", "n"]].to_numpy().tolist() == [["x", "y", 0]]


@pytest.mark.parametrize("labels", [np.zeros((0, 3)), np.zeros((5, 3)), np.ones((4, 1)), np.full((4, 2), np.nan)])
def test_nothing_to_pair_gives_empty_tables(labels: NDArray[np.floating]) -> None:
    stats = label_stats(labels, tuple("xyz"[: labels.shape[1]]))
    assert len(pair_table(stats)) == len(never_together(stats)) == len(seen_pairs(stats)[2]) == 0


def test_chest_xray14_pairs(nih_stats: LabelStats) -> None:
    _check_nih(nih_stats)


def test_chest_xray14_pairs_of_the_published_counts() -> None:
    _check_nih(stats_of(load(Source("nih"))))


def _check_nih(stats: LabelStats) -> None:
    table = pair_table(stats)
    pairs = {frozenset((r.a, r.b)): r for r in table.itertuples()}
    assert pairs[frozenset(("Effusion", "Infiltration"))].n == 4000
    assert pairs[frozenset(("Edema", "Hernia"))].n == 3
    assert len(table) == 91
    assert never_together(stats).empty
    assert pairs[frozenset(("Effusion", "Infiltration"))].expected == pytest.approx(13317 * 19894 / 112120)
