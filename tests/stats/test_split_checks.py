"""What is said of a split equals what pandas and scipy count; what is planted is found, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy import stats as sps
from scipy.sparse import csr_array

from lt_core.datasets import PARTS, LabeledImages, NoImages, Source, assign_parts
from lt_core.datasets.sparse import SparseLabels
from lt_core.problems import Problem
from lt_core.stats.shift_tests import design_effects, difference_interval, holm, independence_p
from lt_core.stats.split_checks import check_split


def dataset(
    labels: np.ndarray | SparseLabels,
    split: Sequence[str] | None,
    groups: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
) -> LabeledImages:
    matrix = labels if isinstance(labels, SparseLabels) else labels.astype(np.float32)
    return LabeledImages(
        key="t", title="t", class_names=tuple(f"c{k}" for k in range(labels.shape[1])), matrix=matrix,
        images=NoImages(len(labels)), kind="multi", source=Source("t"),
        split=None if split is None else np.array(split), groups=None if groups is None else np.array(groups),
        ids=None if ids is None else np.array(ids),
    )  # fmt: skip


def drawn(seed: int, n: int = 900) -> tuple[np.ndarray, list[str], list[str]]:
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, 4)) < [0.4, 0.2, 0.05, 0.01]).astype(np.float32)
    labels[rng.random(labels.shape) < 0.1] = np.nan
    groups = [f"p{k}" for k in rng.integers(0, n // 3, n)]
    return labels, rng.choice(["train", "val", "test", ""], n, p=[0.6, 0.15, 0.2, 0.05]).tolist(), groups


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_a_groupby(seed: int) -> None:
    labels, split, groups = drawn(seed)
    report = check_split(dataset(labels, split, groups))
    frame = pd.DataFrame(labels, columns=["c0", "c1", "c2", "c3"]).assign(part=split, patient=groups)
    inside = frame[frame["part"] != ""]
    sizes = report.sizes.set_index("part")
    assert sizes["images"].to_dict() == inside.groupby("part").size().to_dict()
    assert sizes["patients"].to_dict() == inside.groupby("part")["patient"].nunique().to_dict()
    for name in ("c0", "c1", "c2", "c3"):
        mine = report.table[report.table["class"] == name].set_index("part")
        by_part = inside.groupby("part")[name]
        for part in PARTS:
            assert mine.loc[part, "positives"] == by_part.sum()[part]
            assert mine.loc[part, "known"] == by_part.count()[part]
            assert mine.loc[part, "prevalence"] == pytest.approx(by_part.mean()[part], abs=1e-6)
            assert mine.loc[part, "share"] == pytest.approx(by_part.sum()[part] / inside[name].sum())
    several = inside.groupby("patient")["part"].nunique()
    (leak,) = report.of("patients")
    assert leak.count == int((several > 1).sum())
    assert leak.rows.tolist() == inside.index[inside["patient"].isin(several[several > 1].index)].tolist()
    (outside,) = report.of("outside")
    assert outside.rows.tolist() == frame.index[frame["part"] == ""].tolist()
    json.dumps(report.as_json(), allow_nan=False)


def test_sparse_labels_give_the_same_report() -> None:
    labels, split, groups = drawn(0)
    whole = np.nan_to_num(labels)
    rows, classes = np.nonzero(whole)
    thin = check_split(dataset(SparseLabels.of(rows, classes, whole.shape), split, groups))
    pd.testing.assert_frame_equal(thin.table, check_split(dataset(whole, split, groups)).table)


def test_a_clean_split_says_nothing() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random((4000, 3)) < [0.3, 0.2, 0.1]
    data = assign_parts(dataset(labels, None, [f"p{k // 4}" for k in range(4000)]), method="iterative")
    assert check_split(data).sentences == ()


def test_missing_and_few_classes_are_named_with_their_part() -> None:
    labels = np.zeros((100, 4))
    labels[:, 0] = 1
    labels[:12, 1] = 1
    labels[70:73, 1] = 1
    labels[:40, 2] = 1
    split = ["train"] * 60 + ["val"] * 20 + ["test"] * 20
    report = check_split(dataset(labels, split))
    assert {(f.kind, f.part, f.sentence) for f in report.of("missing", "few")} == {
        ("missing", "val", "no positive in the val part: c2"),
        ("missing", "test", "no positive in the test part: c1, c2"),
        ("few", "val", "fewer than 10 positives in the val part: c1 (3)"),
    }
    (few,) = report.of("few")
    assert few.rows.tolist() == [70, 71, 72]
    assert report.findings[0].serious
    assert [f.count for f in report.of("missing")] == [1, 2]


def test_the_same_image_in_two_parts_is_found() -> None:
    ids = ["a", "b", "a", "c", "", ""]
    report = check_split(dataset(np.ones((6, 1)), ["train", "train", "test", "val", "train", "test"], None, ids))
    (same,) = report.of("images")
    assert same.rows.tolist() == [0, 2]
    assert same.sentence == "1 image is in more than one part under the same name (a)"


def test_near_duplicates_count_only_across_parts() -> None:
    split = ["train", "train", "test", "val", ""]
    pairs, distances = np.array([[0, 1], [0, 2], [1, 3], [0, 4]]), np.array([0, 3, 1, 0])
    data = dataset(np.ones((5, 1)), split, ["p", "q", "p", "r", "s"])
    assert not check_split(data).checked_near
    (near,) = check_split(data, near=(pairs, distances)).of("near-duplicates")
    assert near.pairs is not None
    assert near.pairs.tolist() == [[1, 3], [0, 2]]  # the nearest first
    assert near.sentence.startswith("2 pairs of nearly equal images lie in different parts, 1 of them of one patient")
    assert not check_split(data, near=(pairs[:1], distances[:1])).of("near-duplicates")


def test_a_planted_shift_is_found_and_only_that() -> None:
    """Class 0: 20 % against 30 %. Class 1: equal. Class 2: 50 % against 58 %, significant but not by a quarter."""
    n = 4000
    share = np.where(np.arange(n)[:, None] < 3000, [0.2, 0.3, 0.5], [0.3, 0.3, 0.58])
    labels = np.arange(n)[:, None] % 100 < 100 * share
    report = check_split(dataset(labels, ["train"] * 3000 + ["test"] * 1000))
    assert [(f.class_name, f.part) for f in report.of("prevalence")] == [("c0", "test")]
    mine = report.table.set_index(["class", "part"]).loc[("c2", "test")]
    assert mine["p_holm"] < 0.05
    assert mine["difference"] == pytest.approx(0.08)
    assert (
        "c0 is in 30.00% of the test part and in 20.00% of the train part: difference +10.00 points"
        in (report.sentences[0])
    )


def test_tests_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    na, nb = rng.integers(5, 400, 60), rng.integers(5, 400, 60)
    a, b = rng.binomial(na, 0.15), rng.binomial(nb, 0.1)
    p = independence_p(a, na, b, nb)
    exact = 0
    for k in range(60):
        table = np.array([[a[k], na[k] - a[k]], [b[k], nb[k] - b[k]]])
        if (table.sum(axis=0) == 0).any():
            assert p[k] == 1
            continue
        if sps.contingency.expected_freq(table).min() < 5:
            exact += 1
            assert p[k] == pytest.approx(sps.fisher_exact(table).pvalue, rel=1e-9)
        else:
            assert p[k] == pytest.approx(sps.chi2_contingency(table, correction=False).pvalue, rel=1e-9)
    assert 5 < exact < 55
    assert np.isnan(independence_p(0, 0, 1, 5))


def test_newcombe_intervals_of_his_paper() -> None:
    """Table II of Newcombe 1998, method 10: 56/70 - 48/80, 9/10 - 3/10, 6/7 - 2/7, 10/10 - 0/20."""
    low, high = difference_interval([56, 9, 6, 10], [70, 10, 7, 10], [48, 3, 2, 0], [80, 10, 7, 20])
    np.testing.assert_allclose(low, [0.0524, 0.1705, 0.0582, 0.6791], atol=5e-5)
    np.testing.assert_allclose(high, [0.3339, 0.8090, 0.8062, 1.0], atol=5e-5)


def test_holm_is_the_step_down_rule() -> None:
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    # 4 tests: 0.005 x 4, 0.01 x 3, 0.03 x 2, then 0.04 x 1 raised to the one before
    np.testing.assert_allclose(holm(p), [0.03, 0.06, np.nan, 0.06, 0.02])


def test_copies_of_an_image_of_one_patient_are_no_evidence() -> None:
    """Every image five times in its patient: five times the counts, a design effect of five, the same p."""
    labels, _, _ = drawn(1, 600)
    labels = np.nan_to_num(labels)
    split = ["train"] * 400 + ["test"] * 200
    once = check_split(dataset(labels, split)).table
    five = check_split(
        dataset(np.repeat(labels, 5, axis=0), list(np.repeat(split, 5)), [str(k // 5) for k in range(3000)])
    )
    np.testing.assert_allclose(five.table["design_effect"], 5, rtol=0.01)
    np.testing.assert_allclose(five.table["p"], once["p"], rtol=0.1, atol=1e-3)


def test_design_effect_is_the_variance_over_patients_by_a_loop() -> None:
    rng = np.random.default_rng(0)
    owner = rng.integers(0, 40, 300)
    owner = np.unique(owner, return_inverse=True)[1]
    sick = rng.random((owner.max() + 1, 2)) < 0.4
    x = sick[owner] & (rng.random((300, 2)) < 0.8)
    effect = design_effects(csr_array(x.astype(np.int32)), np.ones((300, 1), bool), owner)
    for c in range(2):
        share, units = x[:, c].mean(), int(owner.max()) + 1
        squares = sum((x[owner == u, c].sum() - share * (owner == u).sum()) ** 2 for u in range(units))
        assert effect[c] == pytest.approx(units / (units - 1) * squares / (300 * share * (1 - share)))
    assert effect.min() > 1.5


def test_a_set_without_parts_is_refused() -> None:
    with pytest.raises(Problem, match="t has no parts to check"):
        check_split(dataset(np.ones((3, 1)), None))
