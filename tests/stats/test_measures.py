"""Measures against the definitions in plain loops, and against what is published of Yeast and Music (emotions)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import entropy as scipy_entropy

from lt_core.datasets import ClassCounts, load
from lt_core.losses.effective_number import inverse_effective_number
from lt_core.problems import Invalid
from lt_core.stats import label_stats, stats_of
from lt_core.stats.definitions import OF_CLASS, OF_SET
from lt_core.stats.imbalance import effective_number, entropy, gini
from lt_core.stats.label_report import label_set_table
from lt_core.stats.measures import measure_table, measures

LABELS = np.array(
    [[1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, np.nan], [np.nan] * 4, [0, 0, 1, 0]], np.float32
)


def values(labels: np.ndarray, **options: int) -> dict[str, float | int | None]:
    stats = label_stats(labels, [f"c{k}" for k in range(labels.shape[1])])
    return {m.key: m.value for m in measures(stats, **options)}


def test_every_measure_by_hand() -> None:
    # counts 4, 1, 2, 0 of 7 images; label sets: {a,b} {a} {a,c} {} {a} {c}
    found = values(LABELS, n_inputs=10)
    ab, ac = 1 - math.sqrt(4) / 2.5, 1 - math.sqrt(2) / 1.5
    each = [ab, 0, ac, 0, 0, 0]
    expected = {
        "n_samples": 7, "n_classes": 4, "unknown": 5, "uncertain": None, "imbalance_ratio": 4, "mean_ir": 7 / 3,
        "cvir": np.std([1, 4, 2], ddof=1) / (7 / 3), "gini": (4 * 3 + 2 * 1 - 1 * 1 - 0 * 3) / (4 * 7),
        "entropy": scipy_entropy([4, 1, 2], base=2), "normalised_entropy": scipy_entropy([4, 1, 2], base=4),
        "scumble": sum(each) / 6, "scumble_cv": np.std(each, ddof=1) / np.mean(each), "tcs": math.log(10 * 4 * 5),
        "cardinality": 1, "density": 0.25, "n_without_label": 1, "n_multi_label": 2, "max_labels": 2,
        "n_label_sets": 5, "n_unique_sets": 4, "unique_share": 4 / 6, "max_set": 2, "tail_only": 0, "below_10": 4,
        "below_100": 4,
    }  # fmt: skip
    assert list(found) == list(expected)
    for key, value in expected.items():
        assert found[key] == (None if value is None else pytest.approx(value, rel=1e-12)), key


def test_images_with_tail_classes_only() -> None:
    labels = np.zeros((110, 2))
    labels[:100, 0] = 1
    labels[98:104, 1] = 1
    assert label_stats(labels, ["a", "b"], train_positives=[100, 3]).group == ("head", "tail")
    stats = label_stats(labels, ["a", "b"], train_positives=[100, 3])
    assert {m.key: m.value for m in measures(stats)}["tail_only"] == 4 / 104


def test_what_is_not_known_is_none() -> None:
    counts = stats_of(ClassCounts("k", "Counts", "multi", ("a", "b"), np.array([90, 3]), 100))
    found = {m.key: m for m in measures(counts)}
    assert {key for key, m in found.items() if m.value is None} == {
        "unknown", "uncertain", "scumble", "scumble_cv", "tcs", "n_label_sets", "n_unique_sets", "unique_share",
        "max_set", "tail_only", "n_without_label", "n_multi_label", "max_labels",
    }  # fmt: skip
    assert found["tcs"].shown() == "not defined"
    table = measure_table(tuple(found.values()))
    assert table["value"].isna().sum() == 13
    nothing = values(np.zeros((0, 2)))
    assert nothing["scumble"] is None
    assert nothing["mean_ir"] is None
    assert values(np.zeros((4, 2)))["gini"] is None
    assert values(np.zeros((4, 2)))["scumble"] == 0


def test_every_measure_has_its_definition() -> None:
    for definition in (*OF_SET.values(), *OF_CLASS.values()):
        assert definition.text.endswith(".")
        assert definition.source
    assert set(OF_CLASS) == set(label_stats(LABELS, list("abcd")).table().columns) - {"class"}
    shown = {m.key: m.shown() for m in measures(label_stats(LABELS, list("abcd")))}
    assert (shown["n_samples"], shown["density"]) == ("7", "25.00%")


def test_gini_and_entropy_at_their_ends() -> None:
    assert gini([5, 5, 5]) == entropy([0, 7]) == 0
    assert gini([0, 0, 0, 9]) == pytest.approx(3 / 4)
    assert entropy([5, 5, 5, 5]) == 2
    assert math.isnan(gini([0, 0]))
    assert math.isnan(entropy([]))


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999, 0.999999])
def test_the_effective_number_is_the_sum_and_what_the_losses_use(beta: float) -> None:
    counts = np.array([1.0, 5.0, 900.0])
    found = effective_number(counts, beta=beta)
    assert found == pytest.approx([sum(beta**k for k in range(int(n))) for n in counts], rel=1e-9)
    losses = inverse_effective_number(torch.tensor(counts), beta).numpy()
    assert 1 / found == pytest.approx(losses, rel=1e-9)
    assert effective_number([0.0, 4.0], beta=1).tolist() == [0, 4]
    with pytest.raises(Invalid, match="beta must be in"):
        effective_number(counts, beta=1.5)


def test_the_most_frequent_label_sets() -> None:
    table = label_set_table(label_stats(LABELS, list("abcd")), most=2)
    assert table.to_dict("list") == {
        "labels": ["a", "(none)"], "n_labels": [1, 0], "images": [2, 1], "share": [2 / 6, 1 / 6],
    }  # fmt: skip


def test_yeast_as_published(shared: Path) -> None:
    # mldr's summary of Yeast: 2,417 x 14, 198 label sets, MeanIR 7.197, CVIR 1.884, SCUMBLE 0.104, TCS 12.562
    stats = stats_of(load(shared / "data/arff/Yeast.arff.bz2")).as_json()
    assert (stats["n_samples"], stats["n_classes"], stats["n_label_sets"], stats["n_inputs"]) == (2417, 14, 198, 103)
    for key, value in (
        ("cardinality", 4.237),
        ("mean_ir", 7.197),
        ("cvir", 1.884),
        ("scumble", 0.104),
        ("tcs", 12.562),
    ):
        assert stats[key] == pytest.approx(value, abs=5e-4), key
    assert stats["imbalance_ratio"] == pytest.approx(53.4, abs=0.05)


def test_music_as_published(shared: Path) -> None:
    # emotions, of which Meka's Music has 592 of the 593 rows: MeanIR 1.478, CVIR 0.180, SCUMBLE 0.011
    stats = stats_of(load(shared / "data/arff/Music.arff")).as_json()
    assert (stats["n_samples"], stats["n_classes"], stats["n_label_sets"]) == (592, 6, 27)
    assert stats["cardinality"] == pytest.approx(1.8699, abs=5e-5)
    for key, value in (("mean_ir", 1.478), ("cvir", 0.180), ("scumble", 0.011)):
        assert stats[key] == pytest.approx(value, abs=2e-3), key
    json.dumps(stats, allow_nan=False)
