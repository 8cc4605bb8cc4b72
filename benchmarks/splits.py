"""How long a split takes and how even it is: ``python -m benchmarks.splits [TABLE]``.

A set of the size of NIH ChestX-ray14 (112,120 images of 30,805 patients, 14 findings; TABLE is read instead where one
is named) at 70 / 10 / 20, over 10 seeds. A tenth of its patients beside scikit-learn's StratifiedGroupKFold on the
rarest finding of each image in the same run: for all of them that takes many minutes. Then a million rows by 20
classes, and 100,000 rows by 5,000 classes at 5 labels a row. The bounds are 2 s, 10 s and 4 s of two cores.

All of it takes one to three minutes of two cores, most of it scikit-learn's split: after ``BUDGET`` seconds a
method takes no further seed, and the lines say how many it took. ``--seeds 3`` asks for fewer from the start.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets import PARTS, LabeledImages, NoImages, Source, assign_parts, load_images
from lt_core.datasets.sparse import SparseLabels
from lt_core.datasets.splits import METHODS

SHARES = np.array([0.7, 0.1, 0.2])
BUDGET = 15.0
"""Seconds after which a method takes no further seed."""


def drawn(labels: NDArray[np.bool_], groups: NDArray[np.str_] | None) -> LabeledImages:
    """Return a set with these labels and nothing else."""
    names = tuple(f"finding {c}" for c in range(labels.shape[1]))
    return LabeledImages(
        "drawn",
        "drawn",
        names,
        labels.astype(np.float32),
        NoImages(len(labels)),
        "multi",
        Source("drawn"),
        groups=groups,
    )


def chest_like() -> LabeledImages:
    """Return 112,120 images of 30,805 patients: few have most images, and a patient keeps what he has."""
    rng = np.random.default_rng(0)
    extra = rng.choice(30_805, 112_120 - 30_805, p=(w := rng.pareto(1.2, 30_805) + 0.02) / w.sum())
    owner = np.sort(np.r_[np.arange(30_805), extra])
    prevalence = np.geomspace(0.35, 0.004, 14)
    sick = rng.random((30_805, 14)) < prevalence
    return drawn(sick[owner] & (rng.random((len(owner), 14)) < 0.5), np.char.add("p", owner.astype(np.str_)))


def many_classes(rows: int = 100_000, classes: int = 5_000, each: int = 5) -> LabeledImages:
    """Return a sparse set with about ``each`` labels a row, the classes as frequent as words are."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, classes + 1)
    picked = np.sort(rng.choice(classes, (rows, each), p=share / share.sum()), axis=1)
    new = np.diff(picked, axis=1, prepend=-1) > 0
    indptr = np.concatenate([[0], np.cumsum(new.sum(axis=1))])
    matrix = SparseLabels(indptr.astype(np.int64), picked[new].astype(np.int32), classes)
    names = tuple(f"code {c}" for c in range(classes))
    return LabeledImages("many", "many", names, matrix, NoImages(rows), "multi", Source("many"))


def tenth(dataset: LabeledImages) -> LabeledImages:
    """Return the images of the first tenth of the patients, of a set that has patients."""
    assert dataset.groups is not None
    _, patient = np.unique(dataset.groups, return_inverse=True)
    rows = np.flatnonzero(patient < (patient.max() + 1) // 10)
    return drawn(dataset.labels[rows] == 1, dataset.groups[rows])


def quality(dataset: LabeledImages, part: NDArray[np.intp]) -> tuple[float, float, int]:
    """Return the largest and the mean absolute deviation of a class's share from its target, and the empty cells."""
    counts = np.stack([dataset.positives(np.flatnonzero(part == k)) for k in range(3)])
    seen = counts.sum(axis=0) > 0
    off = np.abs(counts[:, seen] / counts[:, seen].sum(axis=0) - SHARES[:, None])
    return float(off.max()), float(off.mean()), int((counts[:, seen] == 0).sum())


def row(name: str, seconds: list[float], found: list[tuple[float, float, int]], base: float | None) -> None:
    """Print one line."""
    worst, mean, empty = (np.array(values) for values in zip(*found, strict=True))
    ratio = "" if base is None else f"{base / np.median(seconds):9.1f}x"
    print(
        f"{name:46}{np.median(seconds):8.2f} s{100 * worst.max():11.3f} {100 * mean.mean():11.4f}{empty.sum():8}{ratio}"
    )


def by_scikit_learn(dataset: LabeledImages, labels: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """Return parts made of the ten folds of StratifiedGroupKFold over the rarest finding of each image."""
    from sklearn.model_selection import StratifiedGroupKFold

    order = np.argsort(labels.sum(axis=0))
    rarest = np.where(labels.any(axis=1), labels[:, order].argmax(axis=1), labels.shape[1])
    part = np.zeros(len(labels), np.intp)
    folds = StratifiedGroupKFold(10, shuffle=True, random_state=seed).split(labels, rarest, dataset.groups)
    for k, (_, rows) in enumerate(folds):
        part[rows] = 1 if k == 0 else 2 if k < 3 else 0
    return part


def measure(dataset: LabeledImages, method: str, seeds: int, base: float | None) -> None:
    """Time one method and print its line."""
    seconds, found = [], []
    for seed in range(seeds):
        if sum(seconds) > BUDGET:
            break
        start = time.perf_counter()
        split = assign_parts(dataset, seed=seed, method=method).split
        seconds.append(time.perf_counter() - start)
        assert split is not None
        found.append(quality(dataset, np.select([split == part for part in PARTS], range(3))))
    row(f"{method}, {len(dataset):,} x {dataset.n_classes}, seeds: {len(seconds)}", seconds, found, base)


def main() -> None:
    """Measure and print the table."""
    asked = argparse.ArgumentParser()
    asked.add_argument("table", nargs="?", help="a table of images with patients, instead of one that is drawn")
    asked.add_argument("--seeds", type=int, default=10)
    given = asked.parse_args()
    dataset = load_images(Source(given.table)) if given.table else chest_like()
    dataset = replace(dataset, split=None)
    small = tenth(dataset)
    labels = small.labels == 1
    print(f"{'':46}{'median':>10}{'largest off':>11} {'mean off, %':>11}{'empty':>8}{'faster by':>10}")
    start = time.perf_counter()
    part = by_scikit_learn(small, labels, 0)
    base = time.perf_counter() - start
    row(f"StratifiedGroupKFold, {len(small):,}", [base], [quality(small, part)], None)
    for method in METHODS:
        measure(small, method, 1, base)
    for method in METHODS:
        measure(dataset, method, given.seeds, None)
    rng = np.random.default_rng(0)
    large = drawn(rng.random((1_000_000, 20)) < np.geomspace(0.3, 0.0005, 20), None)
    for method in ("iterative", "second-order"):
        measure(large, method, 1, None)
    measure(many_classes(), "iterative", 1, None)


if __name__ == "__main__":
    main()
