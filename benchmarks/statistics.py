"""Label statistics at scale, beside the plain way: ``python -m benchmarks.statistics``.

Each row is measured in a process of its own: seconds from the labels in memory to every statistic, and the peak of
memory above the labels themselves. Targets: 10 million images by 20 classes, and 1.5 million images by 5,000 classes
at 5 labels each, reading included, within 30 s and 60 s and 4 GiB; this is the part without reading.

The plain way is what a notebook does: positives and co-occurrence from a dense product ``X.T @ X``, label sets with
``pandas`` groupby of the rows, SCUMBLE from dense rows; of a sparse set, the binary matrix by scikit-learn's
``MultiLabelBinarizer`` first. It is run at the largest size that both can do here.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from lt_core.datasets.sparse import SparseLabels
from lt_core.stats import label_stats
from lt_core.stats.measures import measures

ROWS = (
    ("dense 10,000,000 x 20", "dense", 10_000_000, 20, ("ours",)),
    ("dense 1,000,000 x 20", "dense", 1_000_000, 20, ("ours", "plain")),
    ("NIH size 112,120 x 14", "dense", 112_120, 14, ("ours", "plain")),
    ("sparse 1,500,000 x 5,000", "sparse", 1_500_000, 5_000, ("ours",)),
    ("sparse 20,000 x 5,000", "sparse", 20_000, 5_000, ("ours", "plain")),
)


def dense(n: int, c: int) -> np.ndarray:
    """Return (n, c) float32 labels in which the classes get rarer, made in parts."""
    random, rates = np.random.default_rng(0), np.geomspace(0.2, 0.001, c).astype(np.float32)
    labels = np.empty((n, c), np.float32)
    for start in range(0, n, 500_000):
        part = labels[start : start + 500_000]
        part[:] = random.random(part.shape, dtype=np.float32) < rates
    return labels


def sparse(n: int, c: int) -> SparseLabels:
    """Return n rows of five draws from classes with counts like 1 / rank."""
    random, rates = np.random.default_rng(0), 1 / np.arange(1, c + 1)
    classes = random.choice(c, size=5 * n, p=rates / rates.sum())
    return SparseLabels.of(np.repeat(np.arange(n), 5), classes, (n, c))


def ours(labels: np.ndarray | SparseLabels) -> float:
    """Return SCUMBLE after every statistic and measure was computed."""
    stats = label_stats(labels, [f"class {k}" for k in range(labels.shape[1])])
    stats.table()
    found = {measure.key: measure.value for measure in measures(stats)}
    return float(found["scumble"] or 0)


def plain(labels: np.ndarray | SparseLabels) -> float:
    """Return SCUMBLE the way of a notebook, with the same statistics on the way."""
    if isinstance(labels, SparseLabels):
        from sklearn.preprocessing import MultiLabelBinarizer

        rows = np.split(labels.indices, labels.indptr[1:-1])
        matrix = MultiLabelBinarizer(classes=list(range(labels.n_classes))).fit_transform(rows).astype(np.float32)
    else:
        matrix = labels
    frame = pd.DataFrame(matrix)
    positives = frame.sum()
    together = matrix.T @ matrix
    frame.isna().sum()
    if matrix.shape[1] <= 64:
        frame.value_counts()
    else:
        len({row.tobytes() for row in matrix.astype(np.uint8)})
    np.bincount(frame.sum(axis=1).astype(int))
    ratios = (positives.max() / positives.where(positives > 0)).fillna(0).to_numpy()
    weighted = matrix * ratios
    n_labels = matrix.sum(axis=1)
    mean = weighted.sum(axis=1) / np.maximum(n_labels, 1)
    logs = np.log(np.where(weighted > 0, weighted, 1)).sum(axis=1) / np.maximum(n_labels, 1)
    assert together.shape[0] == matrix.shape[1]
    return float(np.where(n_labels > 0, 1 - np.exp(logs) / np.where(mean > 0, mean, 1), 0).mean())


def one(kind: str, n: int, c: int, way: str) -> dict[str, float]:
    """Measure one row in this process."""
    labels: np.ndarray | SparseLabels = dense(n, c) if kind == "dense" else sparse(n, c)
    before = _peak()
    run: Callable[[np.ndarray | SparseLabels], float] = ours if way == "ours" else plain
    run(labels[:50] if isinstance(labels, np.ndarray) else labels.take(np.arange(50)))  # imports are not counted
    start = time.perf_counter()
    value = run(labels)
    return {"seconds": time.perf_counter() - start, "peak": _peak(), "above": _peak() - before, "scumble": value}


def _peak() -> float:
    """Return the largest memory this process has had, in GiB (Linux counts in KiB, macOS in bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def main() -> None:
    """Measure and print the table, or one row where the arguments name it."""
    if len(sys.argv) == 5:
        print(json.dumps(one(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])))
        return
    print(f"{'labels':28}{'way':8}{'seconds':>9}{'peak GiB':>10}{'of it more':>12}{'plain/ours':>12}")
    for title, kind, n, c, ways in ROWS:
        found = {}
        for way in ways:
            command = [sys.executable, "-m", "benchmarks.statistics", kind, str(n), str(c), way]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[way] = json.loads(done.stdout)
        for way, row in found.items():
            ratio = f"{row['seconds'] / found['ours']['seconds']:.1f}" if way == "plain" else ""
            print(
                f"{title:28}{way:8}{row['seconds']:9.2f}{row['peak']:10.2f}{row['above']:12.2f}{ratio:>12}", flush=True
            )
        assert len({round(row["scumble"], 4) for row in found.values()}) == 1, "the two ways must agree"


if __name__ == "__main__":
    main()
