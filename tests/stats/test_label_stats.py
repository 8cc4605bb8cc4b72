"""Label statistics against the definitions written out in plain Python."""

from __future__ import annotations

import json
import math
from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lt_core.problems import Invalid
from lt_core.stats import groups_of, label_stats

CELLS = st.sampled_from([0.0, 1.0, math.nan])


def plainly(labels: np.ndarray, names: list[str]) -> dict[str, Any]:
    """The contract, cell by cell, from the definitions alone."""
    rows = [dict(zip(names, row, strict=True)) for row in labels.tolist()]
    counts = {name: sum(row[name] == 1 for row in rows) for name in names}
    present = [n for n in counts.values() if n > 0]
    sets = [frozenset(n for n in names if row[n] == 1) for row in rows if any(not math.isnan(v) for v in row.values())]
    pairs = Counter(
        pair for labels_of_row in sets for pair in combinations([n for n in names if n in labels_of_row], 2)
    )
    top = max(counts.values())
    groups = {
        name: "tail" if n == 0 or n < top / 20 else "head" if n >= top / 5 else "medium" for name, n in counts.items()
    }
    return {
        "n_samples": len(rows),
        "n_classes": len(names),
        "classes": [
            {
                "name": name,
                "positives": counts[name],
                "negatives": sum(row[name] == 0 for row in rows),
                "unknown": sum(math.isnan(row[name]) for row in rows),
                "group": groups[name],
            }
            for name in names
        ],
        "imbalance_ratio": max(present) / min(present) if present else None,
        "cardinality": sum(counts.values()) / len(rows) if rows else None,
        "density": sum(counts.values()) / len(rows) / len(names) if rows else None,
        "n_label_sets": len(set(sets)),
        "n_without_label": sum(not s for s in sets),
        "n_multi_label": sum(len(s) >= 2 for s in sets),
        "max_labels": max(map(len, sets), default=0),
        "cooccurrence": sorted(
            ([a, b, n] for (a, b), n in pairs.items()), key=lambda p: (-p[2], names.index(p[0]), names.index(p[1]))
        ),
    }


@settings(max_examples=120, deadline=None)
@given(
    st.tuples(st.integers(0, 25), st.integers(1, 11)).flatmap(lambda shape: arrays(np.float32, shape, elements=CELLS))
)
def test_every_value_is_its_definition(labels: np.ndarray) -> None:
    names = [f"c{k}" for k in range(labels.shape[1])]
    stats = label_stats(labels, names).as_json()
    warnings = stats.pop("warnings")
    assert stats == plainly(labels, names)
    json.dumps(stats, allow_nan=False)
    empty = [c["name"] for c in stats["classes"] if c["positives"] == 0]
    assert any("no positive example" in w for w in warnings) == bool(empty)


@pytest.mark.parametrize("n_classes", [7, 8, 9, 63, 64, 65, 130])
def test_label_sets_of_any_width(n_classes: int) -> None:
    labels = (np.random.default_rng(n_classes).random((400, n_classes)) < 1.5 / n_classes).astype(np.float32)
    expected = len({tuple(row) for row in labels.tolist()})
    assert label_stats(labels, [str(c) for c in range(n_classes)]).n_label_sets == expected


def test_whole_numbers_and_booleans_are_labels_too() -> None:
    labels = np.array([[1, 0], [1, 1], [0, 0]])
    expected = label_stats(labels.astype(np.float32), ["a", "b"]).as_json()
    assert label_stats(labels, ["a", "b"]).as_json() == expected
    assert label_stats(labels.astype(bool), ["a", "b"]).as_json() == expected


def test_unknown_is_neither_negative_nor_a_label_set() -> None:
    labels = np.array([[math.nan, math.nan], [0, math.nan], [1, math.nan], [0, 0]])
    stats = label_stats(labels, ["a", "b"])
    assert stats.as_json()["classes"][0] == {"name": "a", "positives": 1, "negatives": 2, "unknown": 1, "group": "head"}
    assert (stats.n_samples, stats.n_without_label, stats.n_label_sets, stats.cardinality) == (4, 2, 2, 0.25)
    assert any("no label is known of 1 images" in warning for warning in stats.warnings)


def test_groups_follow_the_training_counts() -> None:
    labels = np.array([[1, 0], [1, 0], [1, 1]])
    assert label_stats(labels, ["a", "b"]).group == ("head", "head")
    assert label_stats(labels, ["a", "b"], train_positives=[100, 3]).group == ("head", "tail")
    assert label_stats(labels, ["a", "b"], train_positives=[100, 3], scheme="absolute").group == ("medium", "tail")


def test_tables() -> None:
    labels = np.array([[1, 1, 0], [1, 0, 0], [0, math.nan, 0]])
    stats = label_stats(labels, ["a", "b", "c"])
    table = stats.table().set_index("class")
    assert table.loc["b", ["positives", "negatives", "unknown"]].tolist() == [1, 1, 1]
    assert table.loc["b", "prevalence"] == 0.5
    pairs = stats.cooccurrence_table().set_index(["a", "b"])
    assert len(pairs) == 9
    assert pairs.loc[("a", "b")].tolist() == [1, 0.5]
    assert pairs.loc[("b", "a")].tolist() == [1, 1.0]
    assert pairs.loc[("a", "a")].tolist() == [2, 1.0]
    assert math.isnan(pairs.loc[("c", "a"), "conditional"])
    assert stats.labels_per_image().to_dict("list") == {"labels": [0, 1, 2], "images": [1, 1, 1]}


def test_a_class_without_positives_is_left_out_of_the_imbalance_ratio() -> None:
    labels = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]])
    stats = label_stats(labels, ["a", "b", "c"])
    assert stats.imbalance_ratio == 2
    assert any("no positive example of c" in warning for warning in stats.warnings)
    assert label_stats(np.zeros((3, 1)), ["a"]).imbalance_ratio is None


def test_shapes_are_checked() -> None:
    with pytest.raises(Invalid, match=r"labels must be \(N, 2\)"):
        label_stats(np.zeros((3, 4)), ["a", "b"])
    with pytest.raises(Invalid, match="train_positives must be one count per class, 2, got 3"):
        label_stats(np.zeros((3, 2)), ["a", "b"], train_positives=[1, 2, 3])


def test_the_groups_of_classes_by_hand() -> None:
    assert groups_of([1000, 200, 199, 50, 49, 0]) == ("head", "head", "medium", "medium", "tail", "tail")
    assert groups_of([101, 100, 20, 19], scheme="absolute") == ("head", "medium", "medium", "tail")
    assert groups_of([60, 50, 40, 30, 20, 10], scheme="quantile") == (
        "head",
        "head",
        "medium",
        "medium",
        "tail",
        "tail",
    )
    assert groups_of([5, 5, 5], scheme="quantile") == ("head",) * 3
    assert groups_of([0, 0]) == ("tail", "tail")
    assert groups_of([]) == ()
    with pytest.raises(KeyError, match="unknown grouping 'relativ': did you mean 'relative'"):
        groups_of([1], scheme="relativ")
