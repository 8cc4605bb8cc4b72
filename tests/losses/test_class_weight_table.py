"""The table of class weights against the formulas, image by image."""

from __future__ import annotations

import numpy as np
import pytest

from lt_core.losses import get_loss
from lt_core.losses.class_weight_table import WEIGHTS, class_weight_table, mean_rebalancing
from lt_core.stats import ClassPrior
from lt_core.stats.label_sets import count


def test_every_weight_by_its_formula() -> None:
    n = np.array([900.0, 90.0, 9.0, 0.0])
    table = class_weight_table(ClassPrior(n, 1000, class_names=list("abcd")))
    n = np.maximum(n, 1)
    expected = {
        "inverse frequency": (1 / n) / np.mean(1 / n),
        "inverse square root": n**-0.5 / np.mean(n**-0.5),
        "effective number": (w := (1 - 0.9999) / (1 - 0.9999**n)) / w.mean(),
        "median frequency": np.median(n) / n,
        "pos_weight": (1000 - n) / n,
        "log prior": np.log(n / n.sum()),
        "log odds": np.log(n / (1000 - n)),
        "LDAM margin": 0.5 * n**-0.25,
    }
    assert list(table.columns) == ["class", "positives", *WEIGHTS]
    assert table["positives"].tolist() == [900, 90, 9, 0]
    for name, values in expected.items():
        assert table[name].to_numpy() == pytest.approx(values, rel=1e-6), name
    assert table["DB re-balancing"].isna().all()


def test_the_mean_rebalancing_weight_image_by_image() -> None:
    labels = (np.random.default_rng(0).random((500, 4)) < [0.6, 0.3, 0.05, 0.0]).astype(float)
    counts = np.maximum(labels.sum(axis=0), 1)
    seen: list[list[float]] = [[], [], [], []]
    at = {name: float(value) for name, value in get_loss("db").defaults.items() if name in ("alpha", "beta", "mu")}
    for row in labels:
        for c in np.flatnonzero(row):
            ratio = (1 / counts[c]) / (row / counts).sum()
            seen[c].append(at["alpha"] + 1 / (1 + np.exp(-at["beta"] * (ratio - at["mu"]))))
    found = mean_rebalancing(counts, count(labels).sets)
    assert found[:3] == pytest.approx([np.mean(values) for values in seen[:3]], rel=1e-9)
    assert np.isnan(found[3])
