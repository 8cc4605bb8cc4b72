"""Label statistics against the definitions written out in plain Python."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest

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
    ir = {name: top / n for name, n in counts.items() if n}
    mean_ir = statistics.mean(ir.values()) if ir else None
    each = [1 - statistics.geometric_mean(v) / statistics.mean(v) if (v := [ir[n] for n in s]) else 0.0 for s in sets]
    scumble = statistics.mean(each) if sets else None
    known = {name: sum(not math.isnan(row[name]) for row in rows) for name in names}
    cut = {name: binomtest(n, known[name]).proportion_ci(method="wilson") for name, n in counts.items() if known[name]}
    of = {name: [v for s, v in zip(sets, each, strict=True) if name in s] for name in names}
    total = sum(counts.values())
    return {
        "n_samples": len(rows),
        "n_classes": len(names),
        "classes": [
            {
                "name": name,
                "positives": counts[name],
                "negatives": sum(row[name] == 0 for row in rows),
                "unknown": sum(math.isnan(row[name]) for row in rows),
                "uncertain": None,
                "group": groups[name],
                "prevalence": counts[name] / known[name] if known[name] else None,
                "prevalence_low": cut[name].low if known[name] else None,
                "prevalence_high": cut[name].high if known[name] else None,
                "irlbl": ir.get(name),
                "scumble": statistics.mean(of[name]) if of[name] else None,
                "effective_number": sum(0.9999**k for k in range(counts[name])),
            }
            for name in names
        ],
        "groups": {g: [name for name in names if groups[name] == g] for g in ("head", "medium", "tail")},
        "imbalance_ratio": max(present) / min(present) if present else None,
        "mean_ir": mean_ir,
        "cvir": statistics.stdev(ir.values()) / mean_ir if mean_ir and len(ir) > 1 else None,
        "gini": sum(abs(a - b) for a in counts.values() for b in counts.values()) / (2 * len(names) * total)
        if total
        else None,
        "scumble": scumble,
        "scumble_cv": statistics.stdev(each) / scumble if scumble and scumble > 1e-12 and len(each) > 1 else None,
        "n_inputs": None,
        "tcs": None,
        "cardinality": sum(counts.values()) / len(rows) if rows else None,
        "density": sum(counts.values()) / len(rows) / len(names) if rows else None,
        "n_label_sets": len(set(sets)),
        "n_without_label": sum(not s for s in sets),
        "n_multi_label": sum(len(s) >= 2 for s in sets),
        "max_labels": max(map(len, sets), default=0),
        "n_pairs": len(pairs),
        "cooccurrence": sorted(
            ([a, b, n] for (a, b), n in pairs.items()), key=lambda p: (-p[2], names.index(p[0]), names.index(p[1]))
        ),
    }


def close(found: Any, expected: Any, path: str = "") -> None:
    """Equal in everything, numbers to 12 digits (a SCUMBLE below 1e-12 is the rounding of 0)."""
    if isinstance(expected, dict):
        assert list(found) == list(expected), path
        for key in expected:
            if key == "scumble_cv" and (expected["scumble"] or 0) < 1e-12:
                continue
            close(found[key], expected[key], f"{path}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), path
        for k, (a, b) in enumerate(zip(found, expected, strict=True)):
            close(a, b, f"{path}[{k}]")
    elif isinstance(expected, float) and found is not None:
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12), path
    else:
        assert found == expected, path


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(0, 25), st.integers(1, 11)).flatmap(lambda shape: arrays(np.float32, shape, elements=CELLS))
)
def test_every_value_is_its_definition(labels: np.ndarray) -> None:
    names = [f"c{k}" for k in range(labels.shape[1])]
    stats = label_stats(labels, names).as_json()
    warnings = stats.pop("warnings")
    assert stats.pop("grouping")["scheme"] == "relative"
    close(stats, plainly(labels, names))
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
    first = stats.as_json()["classes"][0]
    assert [first[key] for key in ("name", "positives", "negatives", "unknown", "group")] == ["a", 1, 2, 1, "head"]
    assert (stats.n_samples, stats.n_without_label, stats.n_label_sets, stats.cardinality) == (4, 2, 2, 0.25)
    assert any("no label is known of 1 image" in warning for warning in stats.warnings)


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
