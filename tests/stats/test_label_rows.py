"""Distinct label rows, with the images of each, hold every label of the set."""

from __future__ import annotations

import numpy as np
import pytest

from lt_core.datasets import ClassCounts, LabeledImages, NoImages, Source
from lt_core.stats.label_rows import label_rows

ROWS = np.array([[1, 0, np.nan], [0, 0, 0], [1, 0, np.nan], [0, 1, 1], [0, 0, 0], [0, 0, 0]], np.float32)


def images(labels: np.ndarray, split: list[str] | None) -> LabeledImages:
    return LabeledImages(
        "t", "t", ("a", "b", "c"), labels, NoImages(len(labels)), "multi", Source("t"),
        split=None if split is None else np.array(split),
    )  # fmt: skip


def test_rows_times_images_are_the_labels_again() -> None:
    rows, count, _ = label_rows(images(ROWS, None))
    assert len(rows) == 3
    back = np.repeat(rows, count, axis=0)
    assert sorted(map(str, back.tolist())) == sorted(map(str, ROWS.tolist()))


def test_only_the_training_part_counts_where_there_is_one() -> None:
    rows, count, said = label_rows(images(ROWS, ["train", "train", "val", "train", "test", "test"]))
    assert count.tolist() == [1, 1, 1]
    assert len(rows) == 3
    assert "training part" in said


@pytest.mark.parametrize("kind", ["multi", "single"])
def test_published_counts_are_kept_exactly(kind: str) -> None:
    positives = np.array([70, 25, 5, 0])
    rows, count, _ = label_rows(ClassCounts("t", "t", kind, tuple("abcd"), positives, 100))  # type: ignore[arg-type]
    assert count.sum() == 100
    assert (rows * count[:, None]).sum(axis=0).tolist() == positives.tolist()
