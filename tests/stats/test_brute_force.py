"""Label statistics against plain loops over single cells, on random matrices with unknown cells, dense and sparse."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from lt_core.datasets.sparse import SparseLabels
from lt_core.stats import LabelStats, label_stats
from lt_core.stats.measures import measures

N_INPUTS = 10


def by_hand(y: np.ndarray) -> dict[str, Any]:
    """Return every measure of ``y`` (N, C) in {0, 1, NaN}, one cell after the other; NaN where not defined."""
    n_rows, c = y.shape
    nan = math.nan
    n = [sum(1 for row in y if row[k] == 1) for k in range(c)]
    present, total = [x for x in n if x], sum(n)
    ratios = [max(n) / x if x else nan for x in n]
    there = [x for x in ratios if x == x]
    mean = sum(there) / len(there) if there else nan
    spread = math.sqrt(sum((x - mean) ** 2 for x in there) / (len(there) - 1)) if len(there) > 1 else nan
    sets = [tuple(k for k in range(c) if row[k] == 1) for row in y if any(v == v for v in row)]
    each = [
        1 - math.prod(ratios[k] for k in s) ** (1 / len(s)) / (sum(ratios[k] for k in s) / len(s)) if s else 0.0
        for s in sets
    ]
    times = Counter(sets)
    group = ["tail" if x == 0 or 20 * x < max(n) else "head" if 5 * x >= max(n) else "medium" for x in n]
    labelled = [s for s in sets if s]
    return {
        "group": group,
        "irlbl": ratios,
        "scumble_of_class": [
            sum(v for v, s in zip(each, sets, strict=True) if k in s) / n[k] if n[k] else nan for k in range(c)
        ],
        "known": [sum(1 for row in y if row[k] == row[k]) for k in range(c)],
        "pairs": {(a, b): m for a in range(c) for b in range(a + 1, c) if (m := sum(a in s and b in s for s in sets))},
        "n_samples": n_rows,
        "unknown": sum(1 for row in y for v in row if v != v),
        "imbalance_ratio": max(present) / min(present) if present else nan,
        "mean_ir": mean,
        "cvir": spread / mean,
        "gini": sum(abs(a - b) for a in n for b in n) / (2 * c * total) if total else nan,
        "scumble": sum(each) / len(each) if each else nan,
        "tcs": math.log(N_INPUTS * c * len(times)) if times else nan,
        "cardinality": total / n_rows if n_rows else nan,
        "density": total / n_rows / c if n_rows else nan,
        "n_label_sets": len(times),
        "n_without_label": times[()],
        "n_multi_label": sum(len(s) > 1 for s in sets),
        "max_labels": max(map(len, sets), default=0),
        "n_unique_sets": sum(v == 1 for v in times.values()),
        "max_set": max(times.values()) if times else nan,
        "tail_only": sum(all(group[k] == "tail" for k in s) for s in labelled) / len(labelled) if labelled else nan,
        "below_10": sum(x < 10 for x in n),
    }


def holds(stats: LabelStats, y: np.ndarray) -> None:
    expected = by_hand(y)
    found: dict[str, Any] = {m.key: math.nan if m.value is None else m.value for m in measures(stats)}
    for key in expected.keys() & found.keys():
        assert found[key] == pytest.approx(expected[key], rel=1e-9, abs=1e-9, nan_ok=True), key
    assert list(stats.group) == expected["group"]
    assert stats.irlbl.tolist() == pytest.approx(expected["irlbl"], nan_ok=True)
    assert stats.known.tolist() == expected["known"]
    assert stats.scumble is not None
    assert stats.pair_counts is not None
    own = expected["scumble_of_class"]
    assert stats.scumble.of_class.tolist() == pytest.approx(own, rel=1e-9, abs=1e-9, nan_ok=True)
    pairs = stats.pair_counts
    assert (
        dict(zip(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True), pairs.n.tolist(), strict=True))
        == expected["pairs"]
    )
    json.dumps(stats.as_json(), allow_nan=False)


def drawn(seed: int, n_classes: int | None = None) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(0, 40)), n_classes or int(rng.integers(1, 8)))
    return (rng.random(shape) < rng.random(shape[1]) ** 3).astype(np.float32)


@pytest.mark.parametrize("n_classes", [None, 70])
@pytest.mark.parametrize("seed", range(8))
def test_measures_are_those_counted_by_hand(seed: int, n_classes: int | None) -> None:
    y = drawn(seed, n_classes)
    rng = np.random.default_rng(100 + seed)
    y[rng.random(y.shape) < rng.choice([0.0, 0.3, 1.0], p=[0.2, 0.6, 0.2])] = np.nan
    y[rng.random(len(y)) < 0.1] = np.nan
    holds(label_stats(y, [f"c{k}" for k in range(y.shape[1])], n_inputs=N_INPUTS), y)


@pytest.mark.parametrize("share_unknown", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(6))
def test_sparse_labels_have_the_measures_of_the_dense_ones(seed: int, share_unknown: float) -> None:
    y = drawn(20 + seed)
    unknown = np.random.default_rng(seed).random(len(y)) < share_unknown
    y[unknown] = np.nan
    labels = SparseLabels.of(*np.nonzero(y == 1), y.shape, unknown)
    holds(label_stats(labels, [f"c{k}" for k in range(y.shape[1])], n_inputs=N_INPUTS), y)
