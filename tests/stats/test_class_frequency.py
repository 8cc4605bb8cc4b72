"""The file of class counts reads back, in any reader."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd

from lt_core.datasets import ClassCounts
from lt_core.stats import ClassPrior, label_stats, stats_of
from lt_core.stats.class_frequency import as_csv, as_json, as_python

NAMES = ["Hernia", "a, b", "=cmd()", 'q"uote\n']
LABELS = np.array([[1, 1, 0, 0], [1, 0, 0, np.nan], [1, 0, 1, 0]])


def test_csv_and_json_read_back() -> None:
    stats = label_stats(LABELS, NAMES)
    table = pd.read_csv(io.StringIO(as_csv(stats)))
    assert table["class"].tolist() == ["Hernia", "a, b", "'=cmd()", 'q"uote\n']
    assert table["index"].tolist() == [0, 1, 2, 3]
    assert table["positives"].tolist() == [3, 1, 1, 0]
    assert set(table["n_samples"]) == {3}
    entry = json.loads(as_json(stats))
    assert entry["class_names"] == NAMES
    assert entry["class_freq"] == [3, 1, 1, 0]
    assert entry["neg_class_freq"] == [0, 2, 2, 2]


def test_the_python_lines_make_the_same_prior() -> None:
    scope: dict[str, ClassPrior] = {}
    exec(as_python(label_stats(LABELS, NAMES)), scope)
    prior = scope["prior"]
    assert (prior.positives.tolist(), prior.n_samples, prior.class_names) == ([3, 1, 1, 0], 3, tuple(NAMES))


def test_negatives_that_are_not_known_are_missing() -> None:
    stats = stats_of(ClassCounts("k", "Counts", "multi", ("a", "b"), np.array([90, 3]), 100))
    assert json.loads(as_json(stats))["neg_class_freq"] is None
    assert pd.read_csv(io.StringIO(as_csv(stats)))["negatives"].isna().all()
