"""Statistics of loaded sets: parts, presets, and the published facts of real ones."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from lt_core.datasets import LabeledImages, NoImages, Source, load
from lt_core.datasets.class_counts import ClassCounts
from lt_core.problems import Unknown
from lt_core.stats import LabelStats, label_stats_of_counts, prior_of, stats_of

SPLIT = np.array(["train", "train", "train", "test"])
LABELS = np.array([[1, 0], [1, 1], [1, np.nan], [0, 1]], np.float32)


def dataset(split: np.ndarray | None = SPLIT) -> LabeledImages:
    return LabeledImages(
        key="t", title="t", class_names=("a", "b"), matrix=LABELS, images=NoImages(4), kind="multi", source=Source("t"),
        split=split, warnings=("a note",),
    )  # fmt: skip


def test_the_prior_counts_the_training_part() -> None:
    prior = prior_of(dataset())
    assert (prior.positives.tolist(), prior.n_samples, prior.class_names) == ([3, 1], 3, ("a", "b"))
    assert prior_of(dataset(), None).positives.tolist() == [3, 2]
    assert prior_of(dataset(None)).n_samples == 4
    with pytest.raises(Unknown, match="t has no part 'val': it has train, test"):
        prior_of(dataset(), "val")


def test_one_part_or_all_with_the_groups_of_training() -> None:
    assert stats_of(dataset()).n_samples == 4
    test_part = stats_of(dataset(), "test")
    assert (test_part.n_samples, test_part.positives.tolist(), test_part.group) == (1, [0, 1], ("head", "head"))
    assert "a note" in test_part.warnings


def test_counts_say_what_they_can() -> None:
    counts = ClassCounts("k", "Counts", "multi", ("a", "b"), np.array([90, 3]), 100)
    stats = label_stats_of_counts(counts).as_json()
    assert json.loads(json.dumps(stats, allow_nan=False)) == stats
    assert (stats["imbalance_ratio"], stats["cardinality"], stats["density"]) == (30, 0.93, 0.465)
    second = stats["classes"][1]
    assert [second[k] for k in ("name", "positives", "negatives", "unknown", "group")] == ["b", 3, None, None, "tail"]
    assert (second["irlbl"], second["prevalence"], second["scumble"], stats["scumble"]) == (30, 0.03, None, None)
    assert {stats[key] for key in ("n_label_sets", "n_without_label", "n_multi_label", "max_labels")} == {None}
    assert stats_of(counts).table()["negatives"].isna().all()
    assert prior_of(counts).n_samples == 100


def test_single_label_counts_say_more() -> None:
    counts = ClassCounts("k", "Counts", "single", ("a", "b", "c"), np.array([90, 10, 0]), 100)
    stats = label_stats_of_counts(counts).as_json()
    assert [c["negatives"] for c in stats["classes"]] == [10, 90, 100]
    assert [stats[key] for key in ("n_label_sets", "n_without_label", "n_multi_label", "max_labels")] == [2, 0, 0, 1]
    assert stats["cooccurrence"] == []


def test_nih_facts(shared: Path, nih_stats: LabelStats) -> None:
    path = shared / "data/nih/Data_Entry_2017_v2020.csv.gz"
    stats = nih_stats.as_json()
    assert stats["n_samples"] == 112_120
    assert stats["imbalance_ratio"] == pytest.approx(87.64, abs=0.005)
    assert stats["cardinality"] == pytest.approx(0.7240, abs=0.00005)
    assert (stats["n_without_label"], stats["n_multi_label"]) == (60_361, 20_796)
    pairs = {frozenset(pair[:2]): pair[2] for pair in stats["cooccurrence"]}
    assert pairs[frozenset(("Effusion", "Infiltration"))] == 4_000
    assert pairs[frozenset(("Edema", "Hernia"))] == 3
    assert stats["cooccurrence"][0][2] == max(pairs.values()) == 4_000
    with gzip.open(path, "rt") as file:
        strings = {row["Finding Labels"] for row in csv.DictReader(file)}
    assert len(strings) == 836, "A|B and B|A are two strings"
    assert stats["n_label_sets"] == len({frozenset(s.split("|")) - {"No Finding"} for s in strings})


def test_ham10000_facts(shared: Path) -> None:
    stats = stats_of(load(shared / "data/ham10000/HAM10000_metadata_kaggle.csv")).as_json()
    assert stats["imbalance_ratio"] == pytest.approx(58.30, abs=0.005)
    assert (stats["cardinality"], stats["n_label_sets"], stats["cooccurrence"]) == (1.0, 7, [])


def test_the_preset_of_nih_agrees_with_its_table(nih_stats: LabelStats) -> None:
    table, preset = nih_stats, stats_of(load("nih"))
    assert dict(zip(preset.class_names, preset.positives.tolist(), strict=True)) == dict(
        zip(table.class_names, table.positives.tolist(), strict=True)
    )
    assert {frozenset(p[:2]): p[2] for p in preset.pairs()} == {frozenset(p[:2]): p[2] for p in table.pairs()}
