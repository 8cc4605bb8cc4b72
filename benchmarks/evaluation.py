"""Every number with its interval, at scale, beside scikit-learn in a loop: ``python -m benchmarks.evaluation``.

Each row is measured in a process of its own: seconds, by the clock and of processor time, from predictions in memory
to every measure of every class, every average and every interval from 1,000 bootstrap draws, and the peak of memory.
Targets: 22,433 images by 14 classes well within 6 s on two cores (charts included), 1,000,000 by 20 within 60 s and
4 GiB.

"loop" is the plain way: resample the rows and call scikit-learn for F1, AP and AUROC of each class, three of the
twenty-odd measures. It is run for a few draws and scaled to 1,000, which its time is proportional to.

The last table compares, draw by draw, the faster form that very large sets get with the exact one, at a size both can
do: the largest difference of a draw and of an end of the 95 % interval, in standard errors.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
import warnings

import numpy as np

from lt_core.evaluation.scored import Scored
from lt_core.evaluation.uncertainty import evaluate
from lt_core.evaluation.uncertainty.faster import Ranker
from lt_core.evaluation.uncertainty.ordered import Order
from lt_core.evaluation.uncertainty.resampled import percentile
from lt_core.evaluation.uncertainty.weights import blocks

DRAWS = 1000
ROWS = (("22,433 x 14", 22_433, 14, 10), ("1,000,000 x 20", 1_000_000, 20, 1))


def made(n: int, c: int) -> Scored:
    """Return predictions of n images by c classes that get rarer, from 20 % to 0.2 %."""
    random, rates = np.random.default_rng(0), np.geomspace(0.2, 0.002, c)
    y = random.random((n, c)) < rates
    p = 1 / (1 + np.exp(-(random.normal(size=(n, c)) + 1.8 * y + np.log(rates) + 0.5)))
    return Scored(tuple(f"class {k}" for k in range(c)), p, p, y.astype(np.float32), np.arange(n).astype(str))


def loop(scored: Scored, draws: int) -> None:
    """Draw rows and measure F1, AP and AUROC of each class with scikit-learn."""
    from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

    random = np.random.default_rng(0)
    for _ in range(draws):
        rows = random.integers(0, len(scored), len(scored))
        for k in range(len(scored.class_names)):
            y, p = scored.targets[rows, k], scored.scores[rows, k]
            f1_score(y, p >= 0.5)
            average_precision_score(y, p)
            roc_auc_score(y, p)


def one(n: int, c: int, way: str, draws: int) -> dict[str, float]:
    """Measure one row in this process."""
    scored = made(n, c)
    evaluate(scored.only(np.arange(500)), draws=20)  # imports are not counted
    before, start, worked = _peak(), time.perf_counter(), time.process_time()
    if way == "ours":
        evaluate(scored, draws=DRAWS)
        scale = 1.0
    else:
        warnings.simplefilter("ignore")
        loop(scored, draws)
        scale = DRAWS / draws
    seconds, cpu = (time.perf_counter() - start) * scale, (time.process_time() - worked) * scale
    return {"seconds": seconds, "cpu": cpu, "peak": _peak(), "above": _peak() - before}


def agreement(n: int, rate: float, **limits: int) -> str:
    """Return how far the faster form of AP and AUROC is from the exact one."""
    random = np.random.default_rng(1)
    y = random.random(n) < rate
    order = Order.of(random.normal(size=n) + 1.8 * y, y, np.ones(n, np.bool_))
    plain, fast = Ranker.of(order, exact=True), Ranker.of(order, exact=False, **limits)
    parts = []
    for _, weights in blocks(np.arange(n), n, DRAWS, 0):
        sums = (weights.T @ fast.columns).astype(np.float64)
        parts.append(np.stack([plain.measures(weights, sums), fast.measures(weights, sums)]))
    exact, near = np.moveaxis(np.concatenate(parts, axis=2), 2, 1)  # (B, 2) each
    error = exact.std(axis=0)
    ends = np.abs(np.array(percentile(exact)) - np.array(percentile(near))).max(axis=0) / error
    worst = np.abs(exact - near).max(axis=0) / error
    return "".join(f"{value:12.4f}" for pair in zip(worst, ends, strict=True) for value in pair)


def _peak() -> float:
    """Return the largest memory this process has had, in GiB (Linux counts in KiB, macOS in bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def main() -> None:
    """Measure and print the tables, or one row where the arguments name it."""
    if len(sys.argv) == 5:
        print(json.dumps(one(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
        return
    heads = ("seconds", "cpu s", "peak GiB", "of it more", "loop/ours")
    print(f"{'images x classes':18}{'way':8}" + "".join(f"{head:>11}" for head in heads))
    for title, n, c, draws in ROWS:
        ours = 0.0
        for way in ("ours", "loop"):
            command = [sys.executable, "-m", "benchmarks.evaluation", str(n), str(c), way, str(draws)]
            row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            ours = ours or row["cpu"]
            times = f"{row['cpu'] / ours:.0f}" if way == "loop" else ""
            print(
                f"{title:18}{way:8}{row['seconds']:11.1f}{row['cpu']:11.1f}{row['peak']:11.2f}{row['above']:11.2f}{times:>11}",
                flush=True,
            )
    print(f"\n{'faster form':40}{'AP draw':>12}{'AP end':>12}{'AUROC draw':>12}{'AUROC end':>12}")
    for title, n, rate, limits in (
        ("top 10,000 negatives, 1,000 of 200,000", 200_000, 0.005, {}),
        ("a straight line, 20,000 of 100,000", 100_000, 0.2, {}),
    ):
        print(f"{title:40}{agreement(n, rate, **limits)}", flush=True)


if __name__ == "__main__":
    main()
