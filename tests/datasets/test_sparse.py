"""Sparse labels are the same labels as the dense ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lt_core.datasets import LabeledImages, NoImages, Source
from lt_core.datasets.sparse import SparseLabels
from lt_core.problems import Invalid

MATRICES = arrays(np.int8, st.tuples(st.integers(1, 12), st.integers(1, 9)), elements=st.integers(0, 1))


def sparse_of(dense: np.ndarray, unknown: np.ndarray | None = None) -> SparseLabels:
    """Built from cells in reverse order, every one twice: neither order nor repeats matter."""
    rows, classes = np.nonzero(dense == 1)
    rows, classes = np.tile(rows[::-1], 2), np.tile(classes[::-1], 2)
    return SparseLabels.of(rows, classes, dense.shape, unknown)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=40)
@given(MATRICES, st.randoms(use_true_random=False))
def test_every_question_has_the_dense_answer(dense: np.ndarray, random: object) -> None:
    labels = sparse_of(dense)
    assert labels.shape == dense.shape
    np.testing.assert_array_equal(labels.dense(), dense)
    np.testing.assert_array_equal(labels.per_row(), dense.sum(axis=1))
    np.testing.assert_array_equal(labels.positives(), dense.sum(axis=0))
    np.testing.assert_array_equal(labels.matrix().toarray(), dense)
    for c in range(dense.shape[1]):
        np.testing.assert_array_equal(labels.rows_with(c), np.flatnonzero(dense[:, c]))
    rows = [random.randrange(len(dense)) for _ in range(5)]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(labels.take(rows).dense(), dense[rows])


def test_unknown_rows_are_nan() -> None:
    dense = np.array([[1, 0], [0, 0], [0, 1]])
    labels = sparse_of(dense, np.array([False, True, False]))
    np.testing.assert_array_equal(labels.dense(), [[1, 0], [np.nan, np.nan], [0, 1]])
    np.testing.assert_array_equal(labels.take([1]).dense(), [[np.nan, np.nan]])


def test_a_set_answers_alike_whichever_way_its_labels_are_kept() -> None:
    dense = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]], np.float32)
    sets = [
        LabeledImages("t", "t", ("a", "b", "c"), matrix, NoImages(3), "multi", Source("t"))
        for matrix in (dense, sparse_of(dense))
    ]
    for rows in (None, np.array([2, 0])):
        np.testing.assert_array_equal(sets[0].positives(rows), sets[1].positives(rows))
    np.testing.assert_array_equal(sets[0].labels_of([2, 0]), sets[1].labels_of([2, 0]))
    np.testing.assert_array_equal(sets[0].labels, sets[1].labels)
    for c in range(3):
        np.testing.assert_array_equal(sets[0].rows_with(c), sets[1].rows_with(c))
    assert repr(sets[0]) == repr(sets[1])


def test_what_cannot_be_is_refused() -> None:
    whole = np.array([0, 1], np.int64)
    with pytest.raises(Invalid, match="class numbers"):
        SparseLabels(whole, np.array([3], np.int32), 3)
    with pytest.raises(Invalid, match="indptr"):
        SparseLabels(np.array([0, 2], np.int64), np.array([0], np.int32), 3)
    with pytest.raises(Invalid, match="marks of unknown rows"):
        SparseLabels(whole, np.array([0], np.int32), 3, np.zeros(2, bool))
    huge = SparseLabels(np.zeros((1 << 20) + 1, np.int64), np.zeros(0, np.int32), 5000)
    with pytest.raises(Invalid, match="too many for one dense matrix"):
        huge.dense()
