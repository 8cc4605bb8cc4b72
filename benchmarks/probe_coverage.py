"""Does the shortcut probe hold 95 %? ``python -m benchmarks.probe_coverage [SIMULATIONS [METRIC ...]]`` (2,000, all).

Two findings: the companion A is in 30 % of the images; B's scores are normal, B's positives d higher, more so beside A.
With and without A there are on average as many positives of B as a setting says. The true values follow from the
normal distributions, at the prevalence the probe brings both sides to.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.special import ndtri

from benchmarks.coverage import Tally, truth
from lt_core.evaluation.errors import PROBED, shortcut_probe
from lt_core.evaluation.scored import Scored

SETTINGS = (  # images, positives of B beside A, without A, d beside A, d without
    (600, 10, 10, 1.5, 1.5),
    (600, 10, 20, 2.2, 1.2),
    (2000, 50, 50, 2.2, 1.2),
    (5000, 200, 500, 1.5, 1.0),
)
BESIDE, RECALL = 0.3, 0.6
GRID = np.linspace(0.002, 0.3, 60)


def one(setting: tuple[int, int, int, float, float], metric: str, simulations: int) -> dict[str, Tally]:
    """Return the tallies of both sides and of their difference."""
    n, with_a, without_a, *ds = setting
    random, ids = np.random.default_rng(n + with_a), np.arange(n).astype(str)
    rates = with_a / (BESIDE * n), without_a / ((1 - BESIDE) * n)
    at = ds[1] - ndtri(RECALL)
    curves = [[truth(q, d, at, 1.0)[metric] for q in GRID] for d in ds]
    tallies = {name: Tally() for name in ("with", "without", "difference")}
    for seed in range(simulations):
        a = random.random(n) < BESIDE
        b = random.random(n) < np.where(a, *rates)
        z = random.normal(size=n) + np.where(a, *ds) * b
        scores, targets = np.stack([a + 0.0, z], axis=1), np.stack([a, b], axis=1).astype(np.float32)
        found = shortcut_probe(Scored(("A", "B"), scores, None, targets, ids), "B", at, metric=metric, seed=seed)
        row, q = found.table.iloc[0], b.mean()
        true = [float(np.interp(q, GRID, curve)) for curve in curves]
        for name, value in (("with", true[0]), ("without", true[1])):
            tallies[name].add(np.array(row[f"low_{name}"]), np.array(row[f"high_{name}"]), value)
        ends = np.array(row["difference_low"]), np.array(row["difference_high"])
        tallies["difference"].add(*ends, true[0] - true[1])
    return tallies


def main() -> None:
    """Print a table for each metric."""
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for metric in [name for name in PROBED if name in sys.argv[2:]] or PROBED:
        print(f"\n{metric:40}{'':12}{'tried':>7}{'held %':>8}{'above':>8}{'below':>8}{'width':>9}")
        for setting in SETTINGS:
            n, with_a, without_a, *ds = setting
            title = f"{with_a} and {without_a} of {n:,}, d {ds[0]} and {ds[1]}"
            for name, tally in one(setting, metric, simulations).items():
                print(f"{title:40}{name:12}{tally}", flush=True)


if __name__ == "__main__":
    main()
