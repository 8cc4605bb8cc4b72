"""What-if on label sets against the same change made row by row."""

from __future__ import annotations

import numpy as np
import pytest

from lt_core.problems import Invalid, Unknown
from lt_core.stats import label_stats
from lt_core.stats.label_sets import LabelSets, count
from lt_core.stats.measures import measures
from lt_core.stats.what_if import (
    before_after,
    exponential_profile,
    merged_classes,
    rounded,
    with_imbalance_ratio,
    without_classes,
)

NAMES = ["a", "b", "c", "d", "e"]


def rows(seed: int = 0, n: int = 4000) -> np.ndarray:
    return (np.random.default_rng(seed).random((n, 5)) < [0.5, 0.25, 0.1, 0.04, 0.01]).astype(np.float32)


def single(counts: list[int]) -> LabelSets:
    return count(np.repeat(np.eye(len(counts)), counts, axis=0)).sets


def same(sets: LabelSets, labels: np.ndarray) -> None:
    expected = count(labels).sets
    ours = {tuple(classes): n for classes, n in sets.largest(len(sets))}
    assert ours == {tuple(classes): n for classes, n in expected.largest(len(expected))}


def test_dropped_classes_are_columns_left_out() -> None:
    labels = rows()
    after = without_classes(count(labels).sets, NAMES, ["b", "e"])
    assert after.class_names == ("a", "c", "d")
    same(after.sets, labels[:, [0, 2, 3]])
    bare = int(((labels.sum(axis=1) > 0) & (labels[:, [0, 2, 3]].sum(axis=1) == 0)).sum())
    assert f"{bare:,} images had only these" in after.said
    with pytest.raises(Unknown, match="unknown class 'x'"):
        without_classes(count(labels).sets, NAMES, ["x"])
    with pytest.raises(Invalid, match="keep at least one"):
        without_classes(count(labels).sets, NAMES, NAMES)


def test_merged_classes_are_the_largest_of_their_columns() -> None:
    labels = rows()
    after = merged_classes(count(labels).sets, NAMES, ["d", "b"], "b or d")
    assert after.class_names == ("a", "b or d", "c", "e")
    same(after.sets, np.stack([labels[:, 0], labels[:, [1, 3]].max(axis=1), labels[:, 2], labels[:, 4]], axis=1))
    assert merged_classes(count(labels).sets, NAMES, ["a", "b"], "a").class_names == ("a", "c", "d", "e")
    with pytest.raises(Invalid, match="another class called 'c'"):
        merged_classes(count(labels).sets, NAMES, ["a", "b"], "c")
    with pytest.raises(Invalid, match="two or more"):
        merged_classes(count(labels).sets, NAMES, ["a", "a"], "x")


@pytest.mark.parametrize("ratio", [1.0, 2.0, 10.0, 100.0])
def test_where_images_have_one_label_the_ratio_is_reached(ratio: float) -> None:
    after = with_imbalance_ratio(single([1000, 800, 500, 300, 100]), NAMES, ratio)
    counts = after.sets.positives()
    assert counts.max() / counts.min() == pytest.approx(ratio, rel=0.02)
    steps = np.log(counts.astype(float))
    if ratio >= 10:  # nothing but the profile bounds the classes
        assert np.diff(steps) == pytest.approx(np.full(4, -np.log(ratio) / 4), abs=0.02)
    assert (counts <= [1000, 800, 500, 300, 100]).all()


def test_the_profile_asks_for_no_more_than_there_is() -> None:
    aims = exponential_profile(np.array([10, 0, 1000, 100]), 1000)
    assert aims == pytest.approx([1, 0, 1000, 1000 / 1000**0.5])
    assert exponential_profile(np.array([1000, 100]), 3).tolist() == [300, 100]


def test_images_with_several_labels_come_as_close_as_they_can() -> None:
    sets = count(rows()).sets
    before = label_stats(rows(), NAMES).imbalance_ratio
    after = with_imbalance_ratio(sets, NAMES, 10)
    stats = after.stats()
    assert stats.imbalance_ratio is not None
    assert before is not None
    assert stats.imbalance_ratio < before / 2
    assert f"reached {stats.imbalance_ratio:,.4g} with {stats.n_samples:,} of 4,000 images" in after.said
    assert stats.positives[4] >= 0.95 * sets.positives()[4], "the rarest class keeps its images"
    assert after.sets.n[after.sets.sizes == 0].sum() == (rows().sum(axis=1) == 0).sum(), "no label: kept"


def test_a_ratio_out_of_reach_is_said() -> None:
    labels = np.repeat([[1, 1], [1, 0]], [50, 950], axis=0)
    after = with_imbalance_ratio(count(labels).sets, ["a", "b"], 1)
    assert after.sets.positives().tolist() == [50, 50]
    always = with_imbalance_ratio(count(np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0]] * 30)).sets, list("abc"), 50)
    assert "asked for an imbalance ratio of 50, reached" in always.said
    locked = with_imbalance_ratio(count(np.array([[1, 1], [1, 1], [0, 1]])).sets, ["a", "b"], 100)
    assert "reached 1.5" in locked.said
    with pytest.raises(Invalid, match="at least 1"):
        with_imbalance_ratio(count(labels).sets, ["a", "b"], 0.5)
    assert "fewer than two classes" in with_imbalance_ratio(single([5, 0]), ["a", "b"], 3).said


def test_fractions_of_an_image_are_drawn_with_the_seed() -> None:
    expected = np.full(20_000, 1.3)
    drawn = rounded(expected, 3)
    assert set(drawn.tolist()) == {1, 2}
    assert drawn.mean() == pytest.approx(1.3, abs=0.02)
    assert (drawn == rounded(expected, 3)).all()
    assert rounded(np.array([2.0, 3.0 - 1e-12, 0.0]), 0).tolist() == [2, 3, 0]


def test_before_and_after_side_by_side() -> None:
    sets = count(rows()).sets
    before, after = label_stats(rows(), NAMES), without_classes(sets, NAMES, ["e"]).stats()
    table = before_after(before, after).set_index("key")
    assert table.loc["n_classes", ["before", "after"]].tolist() == [5, 4]
    assert table.loc["imbalance_ratio", "after"] == after.imbalance_ratio
    assert list(table.index) == [m.key for m in measures(before)]
