"""Distinct label sets, found three ways (as numbers, by random sums, from sparse rows), against plain counting."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from lt_core.datasets.sparse import SparseLabels
from lt_core.problems import Invalid
from lt_core.stats import label_stats
from lt_core.stats.label_sets import LabelSets, count, distinct
from lt_core.stats.pair_counts import PairCounts

SHAPES = [(0, 3), (1, 1), (300, 5), (300, 64), (300, 65), (120, 200), (3, 2)]


def random_labels(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    labels = (random.random(shape) < 2 / max(shape[1], 2)).astype(np.float32)
    labels[random.random(shape) < 0.1] = np.nan
    labels[random.random(shape[0]) < 0.1] = np.nan
    return labels


def sparse_of(labels: np.ndarray) -> SparseLabels:
    return SparseLabels.of(*np.nonzero(labels == 1), labels.shape, np.isnan(labels).all(axis=1))


def as_counter(sets: LabelSets) -> Counter[frozenset[int]]:
    rows = [sets.classes[a:b] for a, b in zip(sets.indptr[:-1], sets.indptr[1:], strict=True)]
    found = Counter({frozenset(row.tolist()): n for row, n in zip(rows, sets.n.tolist(), strict=True)})
    assert len(found) == len(sets), "each set once"
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_label_sets_are_the_distinct_rows(shape: tuple[int, int]) -> None:
    labels = random_labels(shape)
    expected = Counter(frozenset(np.flatnonzero(row == 1).tolist()) for row in labels if not np.isnan(row).all())
    found = count(labels)
    assert as_counter(found.sets) == expected
    assert found.unknown.tolist() == np.isnan(labels).sum(axis=0).tolist()
    assert found.n_all_unknown == np.isnan(labels).all(axis=1).sum()


@pytest.mark.parametrize("shape", SHAPES)
def test_sparse_labels_say_the_same_as_dense_ones(shape: tuple[int, int]) -> None:
    labels = random_labels(shape)
    blank = np.isnan(labels).all(axis=1)
    labels = np.where(np.isnan(labels) & ~blank[:, None], 0, labels)  # sparse labels know whole unknown rows only
    names = [f"c{k}" for k in range(shape[1])]
    dense, thin = label_stats(labels, names), label_stats(sparse_of(labels), names)
    assert digits(thin.as_json()) == digits(dense.as_json())


def digits(entry: dict[str, Any]) -> Any:
    return json.loads(json.dumps(entry), parse_float=lambda text: round(float(text), 10))


def test_pairs_are_the_matrix_product() -> None:
    labels = random_labels((400, 30))
    present = (labels == 1).astype(int)
    pairs = count(labels).sets.pair_counts()
    expected = present.T @ present
    assert (pairs.a < pairs.b).all()
    assert (pairs.dense(np.diagonal(expected)) == expected).all()
    assert len(pairs) == (np.triu(expected, 1) > 0).sum()
    again = PairCounts.of_matrix(expected)
    assert (again.a.tolist(), again.b.tolist(), again.n.tolist()) == (
        pairs.a.tolist(), pairs.b.tolist(), pairs.n.tolist(),
    )  # fmt: skip


def test_counting_changes_nothing() -> None:
    sets = count(random_labels((400, 30))).sets
    before = sets.classes.copy(), sets.indptr.copy()
    first, second = sets.pair_counts(), sets.pair_counts()
    assert (sets.classes == before[0]).all()
    assert (sets.indptr == before[1]).all()
    assert (first.n == second.n).all()


def test_pairs_of_some_classes_and_the_most_frequent() -> None:
    pairs = PairCounts(np.array([0, 0, 1], np.int32), np.array([1, 2, 2], np.int32), np.array([5, 9, 5]), 3)
    assert pairs.ranked().tolist() == [1, 0, 2]
    assert pairs.ranked(1).tolist() == [1]
    assert pairs.among(np.array([1, 2])).n.tolist() == [5]


def test_too_many_classes_for_a_table_of_all_pairs() -> None:
    labels = SparseLabels.of(np.array([0, 0, 1]), np.array([0, 4999, 3]), (2, 5000))
    stats = label_stats(labels, [str(k) for k in range(5000)])
    assert stats.cooccurrence is None
    assert stats.pairs() == [("0", "4999", 1)]
    assert stats.cooccurrence_table().empty
    with pytest.raises(Invalid, match="5,000 classes are too many for one table of all pairs"):
        stats.pair_counts.dense()  # type: ignore[union-attr]


def test_rows_that_share_a_random_sum_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    real = np.random.default_rng

    class AllOnes:
        def integers(self, low: int, high: int, size: int, dtype: type) -> np.ndarray:
            return np.ones(size, dtype)

    monkeypatch.setattr("numpy.random.default_rng", lambda seed: AllOnes() if seed == 0 else real(seed))
    sets = distinct(np.array([0, 1, 2, 3]), np.array([0, 1, 0], np.int32), 2)
    assert as_counter(sets) == {frozenset({0}): 2, frozenset({1}): 1}


def test_the_uncertain_are_counted_apart() -> None:
    labels = np.array([[1, np.nan], [0, np.nan]], np.float32)
    stats = label_stats(labels, ["a", "b"], uncertain=np.array([[False, True], [False, False]]))
    assert [c["uncertain"] for c in stats.as_json()["classes"]] == [0, 1]
    assert stats.table()["uncertain"].tolist() == [0, 1]
    with pytest.raises(Invalid, match="marks of uncertain labels"):
        label_stats(labels, ["a", "b"], uncertain=np.zeros((1, 2), np.bool_))
